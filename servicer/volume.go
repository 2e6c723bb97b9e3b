package servicer

import (
	"context"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// VolumeStore keeps volume-applicable relays, durably.
type VolumeStore interface {
	PutRelays(ctx context.Context, relays []*types.VolumeRelay) error
}

package collector

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

type Verdicts struct{}

func (v *Verdicts) run(ctx context.Context, js jetstream.JetStream) {}

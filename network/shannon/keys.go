package shannon

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// keys are the public keys of accounts. An account's key does not change once it is on the chain, so it is read once; that
// there is none is asked again in each block.
type keys struct {
	read func(ctx context.Context, address string, height int64) ([]byte, error)

	mu    sync.Mutex
	known map[string]publicKey
}

// publicKey is one, and the height at which the chain had it.
type publicKey struct {
	key    []byte
	height int64
}

// mostKeys bounds the keys that are remembered.
const mostKeys = 16_384

// keysAtOnce bounds the keys that are read at the same time.
const keysAtOnce = 8

// readAll reads the keys of suppliers side by side. What fails is read again when the key is needed, and found out then.
func (k *keys) readAll(ctx context.Context, suppliers []*protocol.Supplier, height int64) {
	var reading errgroup.Group
	reading.SetLimit(keysAtOnce)
	for _, supplier := range suppliers {
		reading.Go(func() error {
			_, err := k.of(ctx, supplier.GetOperatorAddress(), height)
			return err
		})
	}
	_ = reading.Wait()
}

// of returns the key of an account at a height, or at an earlier one. Errors are those of chain.Client.PublicKey.
func (k *keys) of(ctx context.Context, address string, height int64) (publicKey, error) {
	k.mu.Lock()
	known, is := k.known[address]
	k.mu.Unlock()
	if is {
		return known, nil
	}
	key, err := k.read(ctx, address, height)
	if err != nil {
		return publicKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= mostKeys {
		k.known = make(map[string]publicKey)
	}
	k.known[address] = publicKey{key, height}
	return k.known[address], nil
}

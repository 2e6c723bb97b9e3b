package servicer

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Config configures a servicer. Start from DefaultConfig; Key and Upstreams have no default.
type Config struct {
	// Key signs the answers; its address is the servicer's.
	Key crypto.PrivateKey
	// Upstreams are the nodes that relays are executed against, by relay chain.
	Upstreams map[string]Upstream
	// UpstreamTimeout bounds one execution, from dialling to the last byte; 1ms to 60s.
	UpstreamTimeout time.Duration
	// MaxConcurrent is the maximum number of relays executed at once; further ones are refused as BUSY. 1 to 65536.
	// Relays of fishermen have a quarter as many places apart, at least one, and use those of all when these are taken.
	MaxConcurrent int
	// MaxConnections is the maximum number of open client connections. For further ones idle ones are closed; without idle
	// ones they wait to be accepted. 1 to 1048576.
	MaxConnections int
	// MaxClientConnections is the same for one client address of the public internet; further ones are closed. 1 to 1048576.
	MaxClientConnections int
	// MaxDescriptors is the number of the process's open file descriptors from which no further connections are taken, but
	// in place of idle ones; 0 for any number.
	MaxDescriptors int
	// MaxNonces is the number of nonces that are remembered for the application of one session, and again for the
	// session's fishermen. It bounds an application's relays, whatever its allowance is. All sessions together hold at
	// most sixteen times that number. A nonce takes about 40 bytes. 1 to 1048576.
	MaxNonces int
	// Volume stores volume-applicable relays; if nil, none are stored.
	Volume VolumeStore
	// Now is the clock of the times in an answer.
	Now func() time.Time
	// Logger receives the servicer's log.
	Logger *slog.Logger
	// Hooks observe the servicer.
	Hooks Hooks
}

// Places returns how many relays are executed at once, in the places for all and in those for fishermen.
func (c Config) Places() int { return c.MaxConcurrent + c.placesApart() }

// placesApart returns the number of places that only relays of fishermen use.
func (c Config) placesApart() int { return max(1, c.MaxConcurrent/4) }

// Hooks are called when something happens; a nil function is not called. The goroutines that answer relays call them,
// so they have to return at once.
type Hooks struct {
	// Relay is called for each relay when its answer is sealed, with the code of the signed error (0 for none) and the
	// time since the relay was received.
	Relay func(code types.RelayErrorCode, took time.Duration)
}

func (h Hooks) relay(refused *refusal, took time.Duration) {
	if h.Relay == nil {
		return
	}
	code := types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED
	if refused != nil {
		code = refused.code
	}
	h.Relay(code, took)
}

// DefaultConfig returns a configuration that lacks only Key and Upstreams.
func DefaultConfig() Config {
	return Config{
		UpstreamTimeout: 2500 * time.Millisecond,
		MaxConcurrent:   128,
		MaxConnections:  1024,

		MaxClientConnections: 128,

		MaxNonces: 65536,
		Now:       time.Now,
		Logger:    slog.New(slog.DiscardHandler),
	}
}

// Validate reports the first value that is out of range.
func (c Config) Validate() error {
	if len(c.Key.Bytes()) != ed25519.PrivateKeySize {
		return errors.New("servicer key is not set")
	}
	if len(c.Upstreams) == 0 {
		return errors.New("servicer upstreams: none is set, at least one relay chain is needed")
	}
	for _, chain := range slices.Sorted(maps.Keys(c.Upstreams)) {
		if err := types.ValidateRelayChain(chain); err != nil {
			return fmt.Errorf("servicer upstreams: relay chain %w", err)
		}
		if _, err := c.Upstreams[chain].parse(); err != nil {
			return fmt.Errorf("servicer upstream of relay chain %s: %w", chain, err)
		}
	}
	if c.UpstreamTimeout < time.Millisecond || c.UpstreamTimeout > time.Minute {
		return fmt.Errorf("servicer upstream timeout: %s is not between 1ms and 1m0s", c.UpstreamTimeout)
	}
	if err := checkRange("max concurrent", c.MaxConcurrent, 1<<16); err != nil {
		return err
	}
	if err := checkRange("max connections", c.MaxConnections, 1<<20); err != nil {
		return err
	}
	if err := checkRange("max client connections", c.MaxClientConnections, 1<<20); err != nil {
		return err
	}
	if c.MaxDescriptors < 0 {
		return fmt.Errorf("servicer max descriptors: %d is below 0", c.MaxDescriptors)
	}
	if err := checkRange("max nonces", c.MaxNonces, 1<<20); err != nil {
		return err
	}
	if c.Now == nil || c.Logger == nil {
		return errors.New("servicer clock or logger is not set")
	}
	return nil
}

func checkRange(name string, value, most int) error {
	if value < 1 || value > most {
		return fmt.Errorf("servicer %s: %d is not between 1 and %d", name, value, most)
	}
	return nil
}

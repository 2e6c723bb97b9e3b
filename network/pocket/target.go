package pocket

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// mostTargets bounds the servicers that something is kept of: 4.5 KB each. It is as many as a fisherman asks at once by default,
// since what is made anew for each check is dearer than without tables.
const mostTargets = 16_384

// target is what all requests to a servicer, and its answers, have in common.
type target struct {
	template *wire.Template
	verifier *crypto.Verifier
}

// targets keeps what was made of the servicers that are asked; its zero value is ready. Servicers stay in sessions and come
// back in others, so it is kept by key and address, not by session.
type targets struct {
	mu   sync.Mutex
	kept map[targetKey]*target
}

type targetKey struct{ publicKey, serviceURL string }

// of returns what is kept of a servicer, or makes it. Errors are those of Asker.Ask.
func (t *targets) of(servicer *types.Actor) (*target, error) {
	key := targetKey{servicer.GetPublicKey(), servicer.GetServiceUrl()}
	t.mu.Lock()
	kept := t.kept[key]
	t.mu.Unlock()
	if kept != nil {
		return kept, nil
	}
	made, err := newTarget(servicer)
	if err != nil {
		return nil, err
	}
	t.keep(key, made)
	return made, nil
}

// keep keeps a target, in the place of any other one if there is no room.
func (t *targets) keep(key targetKey, made *target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = make(map[targetKey]*target)
	}
	if len(t.kept) >= mostTargets {
		for other := range t.kept {
			delete(t.kept, other)
			break
		}
	}
	t.kept[key] = made
}

func newTarget(servicer *types.Actor) (*target, error) {
	publicKey, err := hex.DecodeString(servicer.GetPublicKey())
	if err != nil {
		return nil, fmt.Errorf("read public key of servicer %s: %w", servicer.GetAddress(), err)
	}
	address, err := relayAddress(servicer.GetServiceUrl())
	if err != nil {
		return nil, unaddressable(err)
	}
	template, err := wire.NewTemplate(http.MethodPost, address, relayHeader())
	if err != nil {
		return nil, unaddressable(err)
	}
	return &target{template: template, verifier: crypto.NewVerifier(publicKey)}, nil
}

func unaddressable(err error) *wire.Failure {
	return wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, err)
}

// relayAddress returns where a servicer takes relays.
func relayAddress(serviceURL string) (string, error) {
	base, err := url.Parse(serviceURL)
	if err != nil {
		return "", errNoURL
	}
	return base.JoinPath(relay.Path).String(), nil
}

func relayHeader() http.Header { return http.Header{"Content-Type": {relay.ContentType}} }

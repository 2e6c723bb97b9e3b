package servicer_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// shelf is a store of relays that signals each write, and holds it until released.
type shelf struct {
	put   chan []*types.VolumeRelay
	letGo chan error
}

func newShelf() *shelf {
	return &shelf{put: make(chan []*types.VolumeRelay), letGo: make(chan error)}
}

func (s *shelf) PutRelays(ctx context.Context, relays []*types.VolumeRelay) error {
	select {
	case s.put <- relays:
		return <-s.letGo
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) take(t *testing.T, result error) []*types.VolumeRelay {
	t.Helper()
	select {
	case relays := <-s.put:
		s.letGo <- result
		return relays
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was stored")
		return nil
	}
}

// every returns a chain on which every relay is volume-applicable.
func every() *fakeChain {
	chain := newChain(25)
	chain.policy.DifficultyBits = 0
	return chain
}

// Relays are stored as they were sent: both envelopes open, verify, and belong together. Relays that were refused, or
// failed upstream, are not stored.
func TestVolumeRelaysAreStored(t *testing.T) {
	shelf := newShelf()
	node := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) })
	s := newServicer(t, every(), node.URL, func(c *servicer.Config) { c.Volume = shelf })
	running := serve(t, s)
	sealed := seal(t, applicationKey, newRequest())
	answer := s.HandleRelay(t.Context(), sealed.Envelope)
	s.HandleRelay(t.Context(), sealed.Envelope) // a replay
	s.HandleRelay(t.Context(), []byte("garbage"))
	node.Close()
	s.HandleRelay(t.Context(), seal(t, applicationKey, newRequest()).Envelope) // no answer
	stored := shelf.take(t, nil)
	if len(stored) != 1 || string(stored[0].GetResponse()) != string(answer) || stored[0].GetSession().GetId() != headerAt(20, servedChain).GetId() {
		t.Fatalf("stored %v", stored)
	}
	opened, err := relay.OpenRequest(stored[0].GetRequest())
	if err != nil || !opened.VerifySignature() || opened.SignerAddress() != applicationKey.Address() {
		t.Errorf("request: %v", err)
	}
	wantReply(t, open(t, stored[0].GetResponse(), opened.BodyHash))
	running.wait(t)
	if stats := s.VolumeStats(); stats != (servicer.VolumeStats{Stored: 1}) {
		t.Errorf("stats %+v", stats)
	}
}

func TestDifficultRelaysAreNotStored(t *testing.T) {
	shelf := newShelf()
	s := newServicer(t, newChain(25), newHonest(t).URL, func(c *servicer.Config) { c.Volume = shelf })
	running := serve(t, s)
	for range 20 {
		wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	}
	running.wait(t)
	if stats := s.VolumeStats(); stats != (servicer.VolumeStats{}) {
		t.Errorf("stats %+v", stats)
	}
}

// A store that hangs, or a queue that nothing empties, costs relays, which are counted, but no time.
func TestSlowStoreDelaysNothing(t *testing.T) {
	const queue, more = 1024, 10
	shelf := newShelf()
	s := newServicer(t, every(), newHonest(t).URL, func(c *servicer.Config) { c.Volume = shelf })
	for range queue + more {
		wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	}
	if stats := s.VolumeStats(); stats != (servicer.VolumeStats{Dropped: more}) {
		t.Errorf("stats %+v", stats)
	}
	// Once the store works, it gets the queued relays, in order.
	running := serve(t, s)
	if stored := shelf.take(t, errors.New("disk full")); len(stored) != queue {
		t.Errorf("%d relays were written, want %d", len(stored), queue)
	}
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	if stored := shelf.take(t, nil); len(stored) != 1 {
		t.Errorf("%d relays were written, want 1", len(stored))
	}
	running.wait(t)
	if stats := s.VolumeStats(); stats != (servicer.VolumeStats{Stored: 1, Dropped: more, Failed: queue}) {
		t.Errorf("stats %+v", stats)
	}
}

// Relays that are queued when the servicer stops are stored before it has stopped.
func TestShutdownStoresWhatIsQueued(t *testing.T) {
	shelf := newShelf()
	s := newServicer(t, every(), newHonest(t).URL, func(c *servicer.Config) { c.Volume = shelf })
	running := serve(t, s)
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	running.stop()
	if stored := shelf.take(t, nil); len(stored) != 1 {
		t.Errorf("%d relays were written", len(stored))
	}
	running.wait(t)
}

// A hanging store does not keep a servicer from stopping.
func TestShutdownWithHangingStore(t *testing.T) {
	shelf := newShelf()
	s := newServicer(t, every(), newHonest(t).URL, func(c *servicer.Config) { c.Volume = shelf })
	running := serve(t, s)
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	if stored := <-shelf.put; len(stored) != 1 {
		t.Errorf("%d relays were written", len(stored))
	}
	running.stop()
	if err := <-running.ended; err == nil {
		t.Error("nothing was said of the store")
	}
	shelf.letGo <- nil
}

package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/utility"
)

// chainReader shows the chain to the API.
type chainReader struct {
	*utility.Module
	chainID string
}

// ChainID is the chain's name. It is known before the first block.
func (r chainReader) ChainID() string { return r.chainID }

// relayReader shows to the API what the servicers keep.
type relayReader struct {
	servicers []*servicer.Servicer
	store     *local.RelayStore
}

// Kept tells what is kept, and what became of the rest.
func (r relayReader) Kept(ctx context.Context, last int) (api.KeptRelays, error) {
	sessions, err := r.store.Sessions(ctx, last)
	if err != nil {
		return api.KeptRelays{}, err
	}
	stats := r.store.Stats()
	kept := api.KeptRelays{
		Servicers: []api.ServicerRelays{},
		Store: api.RelayStore{Sessions: stats.Sessions, Relays: stats.Relays, Bytes: stats.Bytes,
			EvictedSessions: stats.EvictedSessions, Failures: stats.Failures},
		Sessions: []api.SessionRelays{},
	}
	for _, session := range sessions {
		header := session.Header
		kept.Sessions = append(kept.Sessions, api.SessionRelays{ID: header.GetId(), StartHeight: header.GetStartHeight(),
			RelayChain: header.GetRelayChain(), GeoZone: header.GetGeoZone(), Application: header.GetApplication(), Relays: session.Relays})
	}
	for _, servicer := range r.servicers {
		counted := servicer.VolumeStats()
		kept.Servicers = append(kept.Servicers, api.ServicerRelays{Address: servicer.Address(), Servicer: servicer.Address(),
			Stored: counted.Stored, Dropped: counted.Dropped, Failed: counted.Failed})
	}
	return kept, nil
}

// Relays reads a page of a session's relays. Each is verified once more.
func (r relayReader) Relays(ctx context.Context, session string, from uint32, limit int) ([]api.KeptRelay, int, error) {
	stored, all, err := r.store.Relays(ctx, session, from, limit)
	if err != nil {
		return nil, 0, err
	}
	relays := make([]api.KeptRelay, len(stored))
	for i, s := range stored {
		opened, err := relay.OpenExchanged(s.GetRequest(), s.GetResponse())
		if err != nil {
			return nil, 0, fmt.Errorf("open relay %d of session %s: %w", int(from)+i, session, err)
		}
		relays[i] = api.KeptRelay{
			Place:          int64(from) + int64(i),
			RequestHash:    hex.EncodeToString(opened.RequestHash[:]),
			Servicer:       opened.Request.GetServicer(),
			Application:    opened.Request.GetSession().GetApplication(),
			Signer:         opened.Signer,
			Received:       time.Unix(0, opened.Response.GetReceivedUnixNano()).UTC(),
			Answered:       time.Unix(0, opened.Response.GetAnsweredUnixNano()).UTC(),
			UpstreamStatus: opened.Response.GetUpstreamStatus(),
			Request:        s.GetRequest(),
			Response:       s.GetResponse(),
		}
	}
	return relays, all, nil
}

// statusReader shows the node to the API.
type statusReader struct {
	// address of the fisherman; empty for none.
	address  string
	samples  *local.Samples
	controls func() []fisherman.ControlState
}

// Fisherman is the address of the node's fisherman; empty for none.
func (r statusReader) Fisherman() string { return r.address }

// Build is how the program was built.
func (r statusReader) Build() api.Version { return api.Version(ThisBuild()) }

// Controls are the fisherman's control probes.
func (r statusReader) Controls() []api.Control {
	shown := []api.Control{}
	if r.controls == nil {
		return shown
	}
	for _, state := range r.controls() {
		shown = append(shown, api.Control{RelayChain: state.RelayChain, Fitness: api.ControlFitness(state.Fitness.Label()), FitnessWord: api.WordOf(state.Fitness.Label()),
			Why: state.Why, Head: api.Optional(state.Head)})
	}
	return shown
}

// Store is where the fisherman's samples are held; nil without a fisherman.
func (r statusReader) Store() *api.Store {
	if r.samples == nil {
		return nil
	}
	return storeOf(r.samples)
}

// storeOf is where samples are held.
func storeOf(stored *local.Samples) *api.Store {
	health := stored.Health()
	store := &api.Store{
		Durable:            health.Durable,
		Disk:               api.Held{Sessions: health.Disk.Sessions, Rounds: health.Disk.Rounds, Bytes: health.Disk.Bytes},
		Memory:             api.Held{Sessions: health.Memory.Sessions, Rounds: health.Memory.Rounds, Bytes: health.Memory.Bytes},
		EvictedSessions:    health.Disk.EvictedSessions + health.Memory.EvictedSessions,
		UnreadableSessions: health.UnreadableSessions,
		SetAside:           api.Optional(health.SetAside),
	}
	if !health.Durable {
		since := health.Since.UTC().Truncate(time.Second)
		store.Reason, store.Since = &health.Reason, &since
	}
	return store
}

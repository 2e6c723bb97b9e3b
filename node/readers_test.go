package node

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

var always = key("always").Address()

// id is a session id of one letter.
func id(letter string) string { return strings.Repeat(letter, 64) }

// Control probes are shown as the fisherman knows them; a head that is not known is null, and without a fisherman there are
// none.
func TestControlsAreShown(t *testing.T) {
	head := int64(1000)
	reader := statusReader{controls: func() []fisherman.ControlState {
		return []fisherman.ControlState{{RelayChain: "0001", Fitness: types.ControlFitness_CONTROL_FITNESS_FIT},
			{RelayChain: "0021", Fitness: types.ControlFitness_CONTROL_FITNESS_BEHIND, Why: "its head is 1000", Head: head}}
	}}
	want := []api.Control{{RelayChain: "0001", Fitness: api.ControlFitnessFit, FitnessWord: "fit"},
		{RelayChain: "0021", Fitness: api.ControlFitnessBehind, FitnessWord: "behind", Why: "its head is 1000", Head: &head}}
	if got := reader.Controls(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if none := (statusReader{}).Controls(); none == nil || len(none) != 0 {
		t.Errorf("%+v", none)
	}
}

// TestKeptRelays: what a servicer stored comes back by page, each relay with what its envelopes say.
func TestKeptRelays(t *testing.T) {
	store, err := local.OpenRelays(t.TempDir(), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	header := &types.SessionHeader{Id: id("a"), StartHeight: 10, RelayChain: "0001", GeoZone: "local", Application: always}
	sealed, err := relay.SealRequest(key("fisherman"), &types.RelayRequest{Session: header, Servicer: key("servicer").Address(),
		Nonce: make([]byte, relay.NonceSize), Payload: &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := relay.SealResponse(key("servicer"), &types.RelayResponse{RequestHash: sealed.BodyHash[:], UpstreamStatus: 200,
		Servicer: key("servicer").Address(), ReceivedUnixNano: 5, AnsweredUnixNano: 7, Payload: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	kept := &types.VolumeRelay{Session: header, Request: sealed.Envelope, Response: answer}
	if err := store.PutRelays(t.Context(), []*types.VolumeRelay{kept, kept, kept}); err != nil {
		t.Fatal(err)
	}
	reader := relayReader{store: store}
	all, err := reader.Kept(t.Context(), 5)
	if err != nil || all.Store.Relays != 3 || all.Store.Sessions != 1 || len(all.Sessions) != 1 || all.Sessions[0].Relays != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	page, stored, err := reader.Relays(t.Context(), id("a"), 1, 1)
	if err != nil || stored != 3 || len(page) != 1 {
		t.Fatalf("%+v of %d, %v", page, stored, err)
	}
	if got := page[0]; got.RequestHash != hex.EncodeToString(sealed.BodyHash[:]) || got.Place != 1 || got.Signer != key("fisherman").Address() || got.Application != always ||
		got.Servicer != key("servicer").Address() || got.Received.UnixNano() != 5 || got.Answered.UnixNano() != 7 || got.UpstreamStatus != 200 {
		t.Errorf("relay %+v", got)
	}
	if _, _, err := reader.Relays(t.Context(), id("b"), 0, 1); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("unknown session: %v", err)
	}
}

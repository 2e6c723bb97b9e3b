package node

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

var (
	always = key("always").Address()
	late   = key("late").Address()
)

// id is a session id of one letter.
func id(letter string) string { return strings.Repeat(letter, 64) }

// sampled is a fisherman with three stored sessions, "a", "b" and "c", of which the last has another servicer.
func sampled(t *testing.T) qosReader {
	t.Helper()
	store, err := local.Open(t.TempDir(), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for i, letter := range []string{"a", "b", "c"} {
		servicers := []*types.QoSServicer{{Address: always, ServiceUrl: "http://127.0.0.1:1"}}
		if letter == "c" {
			servicers = append(servicers, &types.QoSServicer{Address: late, ServiceUrl: "http://127.0.0.1:2"})
		}
		err := store.PutSession(t.Context(), &types.QoSSession{
			Header: &types.SessionHeader{Id: id(letter), StartHeight: int64(10 * i), RelayChain: "0001", GeoZone: "local", Application: always}, Servicers: servicers,
			LatencySla: durationpb.New(1), ChecksPlanned: 1, Blocks: 10, JoinedHeight: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := fisherman.New(fisherman.Config{BlockInterval: 1}, nil, nil, nil, nil, store)
	if err != nil {
		t.Fatal(err)
	}
	return qosReader{fisherman: made}
}

func TestReportAdmitsWhatTheFilterSays(t *testing.T) {
	reader := sampled(t)
	for _, test := range []struct {
		name      string
		filter    rpc.QoSFilter
		want      string
		servicers int
		err       error
	}{
		{name: "all, oldest first", want: "abc", servicers: 4},
		{name: "one session", filter: rpc.QoSFilter{SessionID: id("b")}, want: "b", servicers: 1},
		{name: "unknown session", filter: rpc.QoSFilter{SessionID: id("d")}, err: modules.ErrUnknownSession},
		{name: "a session that the servicer is not in", filter: rpc.QoSFilter{SessionID: id("b"), Servicer: late}},
		{name: "one servicer", filter: rpc.QoSFilter{Servicer: late}, want: "c", servicers: 1},
		{name: "the newest", filter: rpc.QoSFilter{Last: 2}, want: "bc", servicers: 3},
		{name: "more than there are", filter: rpc.QoSFilter{Last: 9}, want: "abc", servicers: 4},
		{name: "newest of a servicer", filter: rpc.QoSFilter{Servicer: always, Last: 1}, want: "c", servicers: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := reader.Report(t.Context(), test.filter)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			got, servicers := "", 0
			for _, session := range report.Sessions {
				got += session.ID[:1]
				servicers += len(session.Servicers)
			}
			if got != test.want || servicers != test.servicers {
				t.Errorf("sessions %q with %d servicers, want %q with %d", got, servicers, test.want, test.servicers)
			}
		})
	}
}

func TestReportOfANodeWithoutFisherman(t *testing.T) {
	if _, err := (qosReader{}).Report(t.Context(), rpc.QoSFilter{}); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("error %v", err)
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
	if err != nil || all.AllRelays != 3 || all.AllSessions != 1 || len(all.Sessions) != 1 || all.Sessions[0].Relays != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	page, stored, err := reader.Relays(t.Context(), id("a"), 1, 1)
	if err != nil || stored != 3 || len(page) != 1 {
		t.Fatalf("%+v of %d, %v", page, stored, err)
	}
	if got := page[0]; got.RequestHash != sealed.BodyHash || got.Signer != key("fisherman").Address() || got.Application != always ||
		got.Servicer != key("servicer").Address() || got.Received.UnixNano() != 5 || got.Answered.UnixNano() != 7 || got.UpstreamStatus != 200 {
		t.Errorf("relay %+v", got)
	}
	if _, _, err := reader.Relays(t.Context(), id("b"), 0, 1); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("unknown session: %v", err)
	}
	if _, err := (relayReader{}).Kept(t.Context(), 1); !errors.Is(err, rpc.ErrNoServicer) {
		t.Errorf("no servicer: %v", err)
	}
	if _, _, err := (relayReader{}).Relays(t.Context(), id("a"), 0, 1); !errors.Is(err, rpc.ErrNoServicer) {
		t.Errorf("no servicer: %v", err)
	}
}

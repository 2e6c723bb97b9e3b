package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
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
	reader, _ := sampledStore(t)
	return reader
}

func sampledStore(t *testing.T) (qosReader, *local.Store) {
	t.Helper()
	return sampledIn(t, func(store fisherman.Store) fisherman.Store { return store })
}

// sampledIn is sampledStore with something between the fisherman and its store.
func sampledIn(t *testing.T, wrap func(fisherman.Store) fisherman.Store) (qosReader, *local.Store) {
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
	made, err := fisherman.New(fisherman.Config{BlockInterval: 1}, nil, nil, nil, nil, wrap(store))
	if err != nil {
		t.Fatal(err)
	}
	return newQoSReader(made), store
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

// unreadableRounds is a store that cannot read the rounds of one session.
type unreadableRounds struct {
	fisherman.Store
	session string
}

func (u unreadableRounds) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	if id == u.session {
		return nil, local.ErrCorrupt
	}
	return u.Store.Rounds(ctx, id)
}

func TestReportLeavesOutWhatCannotBeRead(t *testing.T) {
	reader, store := sampledIn(t, func(store fisherman.Store) fisherman.Store { return unreadableRounds{store, id("b")} })
	closeSession(t, store, "a", always)
	closeSession(t, store, "b", always)
	report, err := reader.Report(t.Context(), rpc.QoSFilter{})
	if err != nil || len(report.Sessions) != 2 || report.Sessions[0].ID != id("a") || report.Sessions[1].ID != id("c") {
		t.Errorf("got %d sessions, %v; want a and c", len(report.Sessions), err)
	}
	if _, err := reader.Report(t.Context(), rpc.QoSFilter{SessionID: id("b")}); !errors.Is(err, local.ErrCorrupt) {
		t.Errorf("asked for the unreadable session: %v", err)
	}
	windows, err := reader.Windows(t.Context(), rpc.WindowFilter{Span: qos.Span{Starts: 9}})
	if err != nil || len(windows.Windows) != 1 || windows.Windows[0].Sessions != 1 || windows.Windows[0].SessionsLeftOut != 2 {
		t.Errorf("windows %+v, %v; want a, without b that cannot be read and c that is not over", windows.Windows, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := reader.Report(stopped, rpc.QoSFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}

func TestReportOfANodeWithoutFisherman(t *testing.T) {
	if _, err := newQoSReader(nil).Report(t.Context(), rpc.QoSFilter{}); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("error %v", err)
	}
	if _, err := newQoSReader(nil).Windows(t.Context(), rpc.WindowFilter{}); !errors.Is(err, rpc.ErrNoFisherman) {
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

// closeSession stores a round in which every servicer answered, and closes the session.
func closeSession(t *testing.T, store *local.Store, letter string, servicers ...string) {
	t.Helper()
	sessions, err := store.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session := sessions[slices.IndexFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() == id(letter) })]
	session.Closed, session.JoinedHeight, session.JoinedUnixNano = true, session.GetHeader().GetStartHeight(), time.Now().UnixNano()
	round := &types.QoSRound{SessionId: id(letter), Status: types.RoundStatus_ROUND_STATUS_DONE}
	for _, servicer := range servicers {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(1), ReusedConnection: true})
	}
	if err := errors.Join(store.PutSession(t.Context(), session), store.PutRound(t.Context(), round)); err != nil {
		t.Fatal(err)
	}
}

func TestWindowsMergeCompleteSessions(t *testing.T) {
	reader, store := sampledStore(t)
	closeSession(t, store, "b", always)
	closeSession(t, store, "c", always, late)
	for _, test := range []struct {
		name   string
		filter rpc.WindowFilter
		want   string
	}{
		{"all", rpc.WindowFilter{Span: qos.Span{Starts: 9}}, "2 sessions, 0 left out: always 2, late 1"},
		{"the newest", rpc.WindowFilter{Span: qos.Span{Starts: 1}}, "1 sessions, 0 left out: always 1, late 1"},
		{"the last hour", rpc.WindowFilter{Span: qos.Span{Age: time.Hour}}, "2 sessions, 0 left out: always 2, late 1"},
		{"one servicer", rpc.WindowFilter{Span: qos.Span{Starts: 9}, Servicer: late}, "2 sessions, 0 left out: late 1"},
		{"nobody's servicer", rpc.WindowFilter{Span: qos.Span{Starts: 9}, Servicer: key("stranger").Address()}, ""},
	} {
		for _, asked := range []string{"first", "kept"} {
			report, err := reader.Windows(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, window := range report.Windows {
				var rows []string
				for _, row := range window.Servicers {
					rows = append(rows, fmt.Sprintf("%s %d", map[string]string{always: "always", late: "late"}[row.Address], row.Samples))
				}
				slices.Sort(rows)
				got += fmt.Sprintf("%d sessions, %d left out: %s", window.Sessions, window.SessionsLeftOut, strings.Join(rows, ", "))
			}
			if got != test.want || report.Window != test.filter.Span.String() || report.RelativeError != qos.RelativeError {
				t.Errorf("%s, %s: %q of %s, want %q", test.name, asked, got, report.Window, test.want)
			}
		}
	}
}

func TestClosedSessionsAreReadOnceAndStayWhole(t *testing.T) {
	reader, store := sampledStore(t)
	servicersOf := func(filter rpc.QoSFilter) (rows, samples int) {
		report, err := reader.Report(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, session := range report.Sessions {
			for _, row := range session.Servicers {
				rows, samples = rows+1, samples+row.Samples
			}
		}
		return rows, samples
	}
	ofC := rpc.QoSFilter{SessionID: id("c")}
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 0 || reader.digests.Len() != 0 {
		t.Fatalf("running: %d rows, %d samples, %d kept", rows, samples, reader.digests.Len())
	}
	closeSession(t, store, "c", always, late)
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 2 || reader.digests.Len() != 1 {
		t.Fatalf("closed: %d rows, %d samples, %d kept", rows, samples, reader.digests.Len())
	}
	if rows, _ := servicersOf(rpc.QoSFilter{SessionID: id("c"), Servicer: late}); rows != 1 {
		t.Fatalf("%d rows of one servicer", rows)
	}
	if rows, samples := servicersOf(ofC); rows != 2 || samples != 2 {
		t.Fatalf("kept: %d rows, %d samples", rows, samples)
	}
}

// Requests share the digests of closed sessions; the race detector watches that none is changed.
func TestRequestsShareDigests(t *testing.T) {
	reader, store := sampledStore(t)
	closeSession(t, store, "b", always)
	closeSession(t, store, "c", always, late)
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			report, err := reader.Windows(t.Context(), rpc.WindowFilter{Span: qos.Span{Starts: 2}})
			if err != nil || report.Windows[0].Sessions != 2 || report.Windows[0].Servicers[0].RoundTripTimes.P50 == nil {
				t.Errorf("windows %+v, %v", report, err)
			}
		})
		requests.Go(func() {
			report, err := reader.Report(t.Context(), rpc.QoSFilter{Servicer: late})
			if err != nil || len(report.Sessions) != 1 || len(report.Sessions[0].Servicers) != 1 {
				t.Errorf("report %+v, %v", report, err)
			}
		})
	}
	requests.Wait()
}

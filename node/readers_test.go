package node

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
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
	return sampledIn(t, func(store fisherman.Store) fisherman.Store { return store })
}

// sampledIn is sampled with something between the fisherman and its store.
func sampledIn(t *testing.T, wrap func(fisherman.Store) fisherman.Store) qosReader {
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
	reader := sampledIn(t, func(store fisherman.Store) fisherman.Store { return unreadableRounds{store, id("b")} })
	report, err := reader.Report(t.Context(), rpc.QoSFilter{})
	if err != nil || len(report.Sessions) != 2 || report.Sessions[0].ID != id("a") || report.Sessions[1].ID != id("c") {
		t.Errorf("got %d sessions, %v; want a and c", len(report.Sessions), err)
	}
	if _, err := reader.Report(t.Context(), rpc.QoSFilter{SessionID: id("b")}); !errors.Is(err, local.ErrCorrupt) {
		t.Errorf("asked for the unreadable session: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := reader.Report(stopped, rpc.QoSFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}

func TestReportOfANodeWithoutFisherman(t *testing.T) {
	if _, err := (qosReader{}).Report(t.Context(), rpc.QoSFilter{}); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("error %v", err)
	}
}

package local

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func withOutbox() Options {
	options := DefaultOptions()
	options.Outbox = true
	return options
}

// published is what a reader of the feed has.
type published struct {
	rounds map[string]int
	gaps   map[string]uint64 // by session; merged ones under ""
	// sessions are the forms of sessions in their order.
	sessions map[string][]*types.QoSSession
	sequence uint64
}

func newPublished() *published {
	return &published{rounds: make(map[string]int), gaps: make(map[string]uint64), sessions: make(map[string][]*types.QoSSession)}
}

// take reads a flight.
func (p *published) take(t failer, flight *outbox.Flight) {
	for _, item := range flight.Items {
		p.sequence++
		switch item.Kind {
		case outbox.Round:
			round := new(types.QoSRound)
			noError(t, proto.Unmarshal(item.Encoded, round))
			if round.GetSessionId() != item.Session || round.GetIndex() != item.Index {
				t.Fatalf("round %d of %s is in the item of %d of %s", round.GetIndex(), round.GetSessionId(), item.Index, item.Session)
			}
			if len(p.sessions[item.Session]) == 0 {
				t.Fatalf("round %d comes before its session", item.Index)
			}
			p.rounds[fmt.Sprint(item.Session, item.Index)]++
		case outbox.Gap:
			p.gaps[item.Session] += item.Rounds
		case outbox.Session:
			session := new(types.QoSSession)
			noError(t, proto.Unmarshal(item.Encoded, session))
			p.sessions[item.Session] = append(p.sessions[item.Session], session)
		}
	}
}

type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

func noError(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// flightsEqual reports whether two flights would be published in the same bytes.
func flightsEqual(a, b *outbox.Flight) bool {
	if a.Instance != b.Instance || a.Number != b.Number || a.SignedUnixNano != b.SignedUnixNano || len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Items {
		if fmt.Sprintf("%v", a.Items[i]) != fmt.Sprintf("%v", b.Items[i]) {
			return false
		}
	}
	return fmt.Sprint(a.Positions) == fmt.Sprint(b.Positions)
}

// TestOutboxModel: whatever is stored, removed, published and interrupted, in whatever order, each round that was stored is
// published once or counted in a gap once, sessions come before their rounds and in their last form, and a flight that is taken
// again is the same.
func TestOutboxModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, options := vfs.NewMem(), withOutbox()
		options.MaxSessions = rapid.IntRange(2, 5).Draw(t, "sessions at most")
		open := func() *Store {
			s, err := open("store", options, files)
			noError(t, err)
			return s
		}
		s, ctx, sent, stored := open(), t.Context(), newPublished(), make(map[string]bool)
		last := make(map[string]*types.QoSSession)
		var taken *outbox.Flight
		take := func(order outbox.Order) {
			flight, err := s.TakeFlight(ctx, order)
			noError(t, err)
			if taken != nil && (flight == nil || !flightsEqual(taken, flight)) {
				t.Fatalf("taken again, the flight is %+v, before %+v", flight, taken)
			}
			taken = flight
		}
		land := func() {
			if taken == nil {
				return
			}
			sent.take(t, taken)
			positions := make(map[string]outbox.Position)
			for chain := range taken.Positions {
				positions[chain] = outbox.Position{Sequence: sent.sequence, Stored: 7}
			}
			noError(t, s.LandFlight(ctx, taken.Instance, taken.Number, positions))
			if err := s.LandFlight(ctx, taken.Instance, taken.Number, positions); !errors.Is(err, outbox.ErrStale) {
				t.Fatalf("landed again: %v", err)
			}
			taken = nil
		}
		drawLimits := func() outbox.Order {
			return outbox.Order{Items: rapid.IntRange(1, 5).Draw(t, "items"), Bytes: rapid.IntRange(1, 2000).Draw(t, "bytes")}
		}
		newest := 0
		t.Repeat(map[string]func(*rapid.T){
			"session": func(t *rapid.T) {
				newest += rapid.IntRange(0, 1).Draw(t, "newer")
				if _, err := s.Session(ctx, idOf(newest)); err != nil && last[idOf(newest)] != nil {
					newest++ // one that was removed is not taken up again
				}
				session := sessionOf(newest)
				session.Blocks = rapid.Int64Range(1, 3).Draw(t, "blocks")
				noError(t, s.PutSession(ctx, session))
				last[session.GetHeader().GetId()] = session
			},
			"round": func(t *rapid.T) {
				n := newest - rapid.IntRange(0, 3).Draw(t, "older")
				round := roundOf(max(n, 0), rapid.Uint32Range(0, 6).Draw(t, "index"), 100)
				if s.PutRound(ctx, round) == nil {
					stored[fmt.Sprint(round.GetSessionId(), round.GetIndex())] = true
				}
			},
			"prune": func(t *rapid.T) { _, err := s.Prune(ctx, rapid.IntRange(0, 4).Draw(t, "retain")); noError(t, err) },
			"take":  func(t *rapid.T) { take(drawLimits()) },
			"land":  func(t *rapid.T) { land() },
			"open again": func(t *rapid.T) {
				noError(t, s.Close())
				s = open()
			},
			"without a feed for a while": func(t *rapid.T) {
				if taken != nil {
					t.Skip("a flight under way")
				}
				noError(t, s.Close())
				options.Outbox = false
				s = open()
				_, err := s.Prune(ctx, rapid.IntRange(0, 4).Draw(t, "retain"))
				noError(t, err)
				noError(t, s.Close())
				options.Outbox = true
				s = open()
			},
			"": func(t *rapid.T) {
				stats, err := s.OutboxStats(ctx)
				noError(t, err)
				if waits := len(stored) - len(sent.rounds) - int(total(sent.gaps)); stats.Rounds > waits {
					t.Fatalf("%+v, but %d wait", stats, waits)
				}
			},
		})
		for {
			land()
			take(outbox.Order{Items: 3, Bytes: 1 << 20})
			if taken == nil {
				break
			}
		}
		for key, times := range sent.rounds {
			if times != 1 || !stored[key] {
				t.Errorf("round %s was published %d times", key, times)
			}
		}
		if len(sent.rounds)+int(total(sent.gaps)) != len(stored) {
			t.Errorf("%d rounds were stored, %d published, and %d are missing by the gaps", len(stored), len(sent.rounds), total(sent.gaps))
		}
		sessions, err := s.Sessions(ctx)
		noError(t, err)
		for _, session := range sessions {
			forms := sent.sessions[session.GetHeader().GetId()]
			if len(forms) == 0 || !proto.Equal(forms[len(forms)-1], session) {
				t.Errorf("session %v was published as %v", session, forms)
			}
		}
		if stats, err := s.OutboxStats(ctx); err != nil || stats.Rounds+stats.Sessions+stats.Gaps != 0 || stats.EvictedRounds != total(sent.gaps) {
			t.Errorf("%+v after all was published (%d rounds missing): %v", stats, total(sent.gaps), err)
		}
		noError(t, s.Close())
	})
}

func total(counts map[string]uint64) (sum uint64) {
	for _, count := range counts {
		sum += count
	}
	return sum
}

// TestOutboxOfPreviousVersion: a store of a version without a feed opens with one. What it holds was the feed's never, but a round
// that is added is published, with its session.
func TestOutboxOfPreviousVersion(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	noError(t, os.CopyFS(dir, os.DirFS("testdata/store-v1")))
	s, err := Open(dir, withOutbox())
	noError(t, err)
	if flight, err := s.TakeFlight(ctx, outbox.Order{Items: 10, Bytes: 1 << 20}); flight != nil || err != nil {
		t.Fatalf("%+v, %v", flight, err)
	}
	round := roundOf(1, 2, 10)
	round.SessionId = openSession
	noError(t, s.PutRound(ctx, round))
	flight, err := s.TakeFlight(ctx, outbox.Order{Items: 10, Bytes: 1 << 20})
	noError(t, err)
	sent := newPublished()
	sent.take(t, flight)
	if len(sent.rounds) != 1 || len(sent.sessions[openSession]) != 1 {
		t.Errorf("published %+v", sent)
	}
	noError(t, s.Close())
}

// TestManyGaps: gaps that nobody publishes are bounded, and all their rounds are counted.
func TestManyGaps(t *testing.T) {
	options := withOutbox()
	options.MaxSessions = 1
	s, err := open("store", options, vfs.NewMem())
	noError(t, err)
	ctx := t.Context()
	const sessions = mostGaps + 50
	for n := range sessions {
		session, round := sessionOf(n), roundOf(n, 0, 1)
		session.Header.RelayChain = fmt.Sprintf("%04d", n%3)
		for _, err := range s.PutAll(ctx, []*types.QoSSession{session}, []*types.QoSRound{round}) {
			noError(t, err)
		}
	}
	if stats, err := s.OutboxStats(ctx); err != nil || stats.Gaps != mostGaps || stats.EvictedRounds != sessions-1 || stats.Rounds != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	counted, chains := newPublished(), make(map[string]uint64)
	for {
		flight, err := s.TakeFlight(ctx, outbox.Order{Items: 100, Bytes: 1 << 20})
		noError(t, err)
		if flight == nil {
			break
		}
		counted.take(t, flight)
		for _, item := range flight.Items {
			chains[item.RelayChain] += item.Rounds
		}
		noError(t, s.LandFlight(ctx, flight.Instance, flight.Number, nil))
	}
	if total(counted.gaps) != sessions-1 || len(counted.rounds) != 1 || counted.gaps[""] == 0 || len(chains) != 3 {
		t.Errorf("%d rounds in gaps, %d of several sessions, %d published; by relay chain %v", total(counted.gaps), counted.gaps[""], len(counted.rounds), chains)
	}
	noError(t, s.Close())
}

// TestOutboxWhileHeld: samples that are held in memory while the disk fails are published once they are on the disk, and what had to be
// removed from memory is a gap.
func TestOutboxWhileHeld(t *testing.T) {
	options := smallTables()
	options.Outbox, options.MaxSessions = true, 3
	s := sampleWith(t, options, "store", vfs.NewMem())
	ctx := t.Context()
	must(t, s.PutSession(ctx, sessionOf(1)))
	s.put(1, 2)
	must(t, s.holdInstead(s.disk, errors.New("the disk fails")))
	order := outbox.Order{Items: 50, Bytes: 1 << 20}
	if flight, err := s.TakeFlight(ctx, order); flight != nil || err != nil {
		t.Errorf("taken while samples are held: %+v, %v", flight, err)
	}
	for n := 2; n < 7; n++ {
		must(t, s.PutSession(ctx, sessionOf(n)))
		s.put(n, 2)
	}
	must(t, s.returnToDisk(ctx))
	select {
	case <-s.Appended():
	default:
		t.Error("nobody is told that there is something to publish")
	}
	sent := newPublished()
	for {
		flight, err := s.TakeFlight(ctx, order)
		must(t, err)
		if flight == nil {
			break
		}
		sent.take(t, flight)
		must(t, s.LandFlight(ctx, flight.Instance, flight.Number, nil))
	}
	if rounds := len(sent.rounds) + int(total(sent.gaps)); rounds != 6 || len(sent.rounds) != 3 {
		t.Errorf("published %d rounds, %d missing, of 6", len(sent.rounds), total(sent.gaps))
	}
}

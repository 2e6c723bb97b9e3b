package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// began is when what is measured in these tests begins: within a block of both resolutions.
var began = time.Date(2026, 3, 2, 21, 40, 0, 0, time.UTC)

// place is where a rollup is.
type rollupPlace struct {
	resolution rollup.Resolution
	series     rollup.Series
	slot       int64
}

// recomputed are the rollups of rounds, as they follow from the rounds alone.
type recomputed map[rollupPlace]*rollup.Rollup

// add counts a round.
func (m recomputed) add(session *types.QoSSession, round *types.QoSRound) {
	rules := rollup.SessionOf(session)
	moment, ok := rules.Placed(round)
	if !ok {
		return
	}
	for _, r := range rollup.Resolutions() {
		rules.Tally(round, func(servicer, _ string) *rollup.Rollup {
			at := rollupPlace{r, rollup.Series{Servicer: servicer, RelayChain: rules.RelayChain, GeoZone: rules.GeoZone}, r.Slot(moment)}
			if m[at] == nil {
				m[at] = new(rollup.Rollup)
			}
			return m[at]
		})
	}
}

// reader is a store of rollups.
type rollupReader interface {
	Rollups(ctx context.Context, r rollup.Resolution, from, to int64, filter rollup.Filter, visit rollup.Visitor) error
}

// wantRollups checks that a store has exactly these rollups, of the resolutions, those of a series in order.
func wantRollups(t *testing.T, s rollupReader, want recomputed, resolutions ...rollup.Resolution) {
	t.Helper()
	found := 0
	for _, r := range resolutions {
		last := make(map[rollup.Series]int64)
		err := s.Rollups(t.Context(), r, 0, 1<<62, rollup.Filter{}, func(of rollup.Series, _ string, slot int64, length time.Duration, got *rollup.Rollup) error {
			if slot <= last[of] || length != r.Length() {
				return fmt.Errorf("%v: slot %d of %v after %d", of, slot, length, last[of])
			}
			last[of] = slot
			found++
			expected := want[rollupPlace{r, of, slot}]
			if expected == nil {
				return fmt.Errorf("%v has a rollup at %v", of, time.Unix(0, slot).UTC())
			}
			if got, expected := got.AppendRecord(nil, slot), expected.AppendRecord(nil, slot); !bytes.Equal(got, expected) {
				return fmt.Errorf("%v at %v is\n%x, not\n%x", of, time.Unix(0, slot).UTC(), got, expected)
			}
			return nil
		})
		must(t, err)
	}
	expected := 0
	for at := range want {
		if slices.Contains(resolutions, at.resolution) {
			expected++
		}
	}
	if found != expected {
		t.Fatalf("%d rollups, want %d", found, expected)
	}
}

// clock is one that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// historyOptions are large enough that no raw round is removed.
func historyOptions(c *clock) Options {
	options := DefaultOptions()
	options.MaxBytes, options.now = 4<<30, c.now
	return options
}

// putWhole stores sessions with their rounds in the order of time, in batches, while the clock goes on.
func putWhole(t *testing.T, s *Store, c *clock, plan measured.Plan) {
	t.Helper()
	for session, rounds := range plan.Sessions() {
		must(t, s.PutSession(t.Context(), session))
		for batch := range slices.Chunk(rounds, 7) {
			c.at = time.Unix(0, batch[len(batch)-1].GetPlannedUnixNano()).Add(2 * time.Second)
			for _, err := range s.PutAll(t.Context(), nil, batch) {
				must(t, err)
			}
		}
	}
}

// A week's rollups are what the raw rounds say, recomputed one by one.
func TestAWeekOfRollupsFollowsFromTheRounds(t *testing.T) {
	length := 7 * 24 * time.Hour
	if testing.Short() {
		length = 26 * time.Hour
	}
	c := &clock{began}
	options := historyOptions(c)
	options.History.FiveMinutes = 8 * 24 * time.Hour
	s := openMemory(t, options)
	putWhole(t, s, c, measured.Plan{Seed: 1, Servicers: 8, From: began, To: began.Add(length)})
	want := make(recomputed)
	sessions, err := s.Sessions(t.Context())
	must(t, err)
	rounds := 0
	for _, session := range sessions {
		stored, err := s.Outline(t.Context(), session.GetHeader().GetId())
		must(t, err)
		for _, round := range stored {
			want.add(session, round)
			rounds++
		}
	}
	wantRollups(t, s, want, rollup.FiveMinutes, rollup.Hour)
	if least := int(length/time.Minute) * 9 / 10; rounds < least {
		t.Errorf("%d rounds, fewer than %d", rounds, least)
	}
	t.Logf("%d rounds, %d rollups", rounds, len(want))
}

// Whatever the order and the batches in which rounds come, and whenever the store is opened again, loses power, or removes
// sessions, the rollups are those of the rounds that were acknowledged.
func TestRollupsSurviveEverything(t *testing.T) {
	runs := 24
	if testing.Short() {
		runs = 6
	}
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rollupsSurvive(t, seed) })
	}
}

func rollupsSurvive(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 77))
	plan := measured.Plan{Seed: seed, Servicers: 1 + random.IntN(4), Interval: time.Duration(10+random.IntN(80)) * time.Second,
		Session: 10 * time.Minute, From: began, To: began.Add(5 * time.Hour)}
	c := &clock{began}
	options := historyOptions(c)
	options.memTable = 64 << 10
	if seed%3 == 1 {
		options.MaxSessions = 3 // the oldest are removed all the time
	}
	files := vfs.NewCrashableMem()
	s, err := open("store", options, files)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	want, known := make(recomputed), make(map[string]*types.QoSSession)
	var waiting []*types.QoSRound
	put := func() {
		batch := waiting[:min(1+random.IntN(30), len(waiting))]
		waiting = waiting[len(batch):]
		for i, err := range s.PutAll(t.Context(), nil, batch) {
			switch {
			case err == nil:
				want.add(known[batch[i].GetSessionId()], batch[i])
			case !refused(err):
				t.Fatal(err)
			}
		}
	}
	for session, rounds := range plan.Sessions() {
		known[session.GetHeader().GetId()] = session
		must(t, s.PutSession(t.Context(), session))
		waiting = append(waiting, rounds...)
		if random.IntN(3) == 0 {
			random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
		}
		c.at = time.Unix(0, session.GetEndUnixNano()).Add(time.Duration(random.IntN(600)) * time.Second)
		for len(waiting) > random.IntN(100) {
			put()
			switch random.IntN(24) {
			case 0:
				must(t, s.Close())
				s, err = open("store", options, files)
				must(t, err)
			case 1:
				crashed := files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
				must(t, s.Close())
				files = crashed
				s, err = open("store", options, files)
				must(t, err)
			case 2:
				_, err := s.Prune(t.Context(), 2+random.IntN(4))
				must(t, err)
			case 3:
				c.at = c.at.Add(time.Duration(random.IntN(7200)-3600) * time.Second)
			case 4:
				wantRollups(t, s, want, rollup.FiveMinutes, rollup.Hour)
			}
		}
	}
	wantRollups(t, s, want, rollup.FiveMinutes, rollup.Hour)
	if len(s.history.blocks) == 0 {
		t.Error("no rollup was stored")
	}
}

// A store of the version before has no rollups: they begin with the rounds that it has.
func TestRollupsBeginWithWhatIsStored(t *testing.T) {
	c := &clock{began.Add(20 * time.Hour)}
	files := vfs.NewMem()
	s, err := open("store", historyOptions(c), files)
	must(t, err)
	plan := measured.Plan{Seed: 5, Servicers: 3, From: began, To: began.Add(10 * time.Hour)}
	must(t, plan.Fill(t.Context(), s))
	want := make(recomputed)
	for session, rounds := range plan.Sessions() {
		for _, round := range rounds {
			want.add(session, round)
		}
	}
	forgetHistory(t, s)
	must(t, s.Close())
	for range 2 { // a second time they are there
		s, err = open("store", historyOptions(c), files)
		must(t, err)
		wantRollups(t, s, want, rollup.FiveMinutes, rollup.Hour)
		must(t, s.Close())
	}
}

// forgetHistory makes a store one of the version before.
func forgetHistory(t *testing.T, s *Store) {
	t.Helper()
	batch := s.db.NewBatch()
	must(t, batch.DeleteRange([]byte{keyVersion, kindUncounted}, []byte{keyVersion, kindHistory + 1}, nil))
	must(t, errors.Join(s.db.commit(batch), batch.Close()))
}

// Blocks that are older than what is kept are removed, one of each resolution at a time, and those over the cap at once.
func TestRollupsAreRemovedInTime(t *testing.T) {
	c := &clock{began}
	options := historyOptions(c)
	options.History = HistoryOptions{FiveMinutes: 24 * time.Hour, Hours: 10 * 24 * time.Hour}
	s := openMemory(t, options)
	end := began.Add(20 * 24 * time.Hour)
	plan := measured.Plan{Seed: 2, Servicers: 2, Interval: 12 * time.Minute, Session: 4 * time.Hour, Steady: true, From: began, To: end}
	putWhole(t, s, c, plan)
	for _, test := range []struct {
		r    rollup.Resolution
		kept time.Duration
	}{{rollup.FiveMinutes, 24 * time.Hour}, {rollup.Hour, 10 * 24 * time.Hour}} {
		covers, oldest := s.HistoryBounds(test.r)
		least, most := end.Add(-test.kept), end.Add(-test.kept-2*time.Duration(blockLength(test.r)))
		if at := time.Unix(0, oldest); at.After(least) || at.Before(most) || covers > oldest {
			t.Errorf("%v: the oldest rollup is of %v, complete from %v; want %v to %v", test.r.Length(), at.UTC(), time.Unix(0, covers).UTC(), most, least)
		}
	}
	if len(s.history.series) != 3 {
		t.Errorf("%d series", len(s.history.series))
	}
	// Later only another servicer is there: the series of the others go with their last block.
	plan.Servicers, plan.RelayChain, plan.From, plan.To = 1, "other", end, end.Add(20*24*time.Hour)
	putWhole(t, s, c, plan)
	if len(s.history.series) != 2 || len(s.history.numbers) != 2 {
		t.Errorf("%d series are left", len(s.history.series))
	}
}

// The rollups take no more bytes than they may, and what the store knows of their size is true.
func TestRollupsKeepTheirCap(t *testing.T) {
	if testing.Short() {
		t.Skip("what 20 servicers did in four days, one after the other")
	}
	c := &clock{began}
	options := historyOptions(c)
	options.History.MaxBytes = 1 << 20
	files := vfs.NewMem()
	s, err := open("store", options, files)
	must(t, err)
	putWhole(t, s, c, measured.Plan{Seed: 3, Servicers: 20, Steady: true, From: began, To: began.Add(4 * 24 * time.Hour)})
	check := func() {
		t.Helper()
		bytes, rollups := int64(0), int64(0)
		must(t, scan(t.Context(), s.db, []byte{keyVersion, kindRollup}, []byte{keyVersion, kindRollup + 1}, func(key, record []byte) error {
			bytes += keyed{key, record}.size()
			rollups++
			return nil
		}))
		if s.history.bytes != bytes || bytes > options.History.MaxBytes || bytes < options.History.MaxBytes/4 {
			t.Errorf("%d bytes, known are %d", bytes, s.history.bytes)
		}
		known := int64(0)
		for _, size := range s.history.blocks {
			known += size.rollups
		}
		if known != rollups {
			t.Errorf("%d rollups, known are %d", rollups, known)
		}
	}
	check()
	must(t, s.Close())
	s, err = open("store", options, files)
	must(t, err)
	check()
	must(t, s.Close())
}

// With 10 000 servicers the open rollups take little memory, and too many are stored before their time is over.
func TestOpenRollupsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the memory of 10 000 servicers")
	}
	plan := measured.Plan{Seed: 1, Servicers: 10_000, Interval: 30 * time.Second, Session: 5 * time.Minute, Steady: true, From: began, To: began.Add(5 * time.Minute)}
	c := &clock{began}
	s := openMemory(t, historyOptions(c))
	var session *types.QoSSession
	var rounds []*types.QoSRound
	for session, rounds = range plan.Sessions() {
	}
	must(t, s.PutSession(t.Context(), session))
	for _, round := range rounds {
		must(t, s.PutRound(t.Context(), round))
		if len(s.history.open) > mostOpen+10_001 {
			t.Fatalf("%d rollups are open", len(s.history.open))
		}
	}
	if len(s.history.open) != 10_001 {
		t.Fatalf("%d rollups are open", len(s.history.open))
	}
	before, rules, open := heap(), rollup.SessionOf(session), make(map[cell]*opened)
	for _, round := range rounds {
		counted, ok := toCount(sessionID{}, &rules, round, 0)
		if !ok {
			t.Fatal("a round counts nowhere")
		}
		counted.slot = 0
		counted.count(open)
	}
	took := (heap() - before) / int64(len(open))
	t.Logf("an open rollup takes %d bytes", took)
	if took < 400 || took > 2048 {
		t.Errorf("an open rollup takes %d bytes", took)
	}
	runtime.KeepAlive(open)
	// Rounds of many slots at once, as of a clock that was set, are not all held.
	for i := range 6 {
		late := proto.CloneOf(rounds[i])
		late.Index, late.ReleasedUnixNano = uint32(len(rounds)+i), began.Add(time.Duration(i)*time.Hour).UnixNano()
		extended := proto.CloneOf(session)
		extended.ChecksPlanned = 1000
		must(t, s.PutSession(t.Context(), extended))
		must(t, s.PutRound(t.Context(), late))
		if len(s.history.open) > mostOpen+10_001 {
			t.Fatalf("%d rollups are open", len(s.history.open))
		}
	}
	if len(s.history.blocks) == 0 {
		t.Error("nothing was stored")
	}
}

// heap returns the bytes in use after a garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

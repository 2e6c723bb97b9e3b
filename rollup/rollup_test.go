package rollup

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var began = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// tallied are the rollups of rounds of one session, by servicer.
func tallied(session *types.QoSSession, rounds []*types.QoSRound) map[string]*Rollup {
	found, rules := make(map[string]*Rollup), SessionOf(session)
	for _, round := range rounds {
		if _, ok := rules.Placed(round); !ok {
			continue
		}
		rules.Tally(round, func(servicer, _ string) *Rollup {
			if found[servicer] == nil {
				found[servicer] = new(Rollup)
			}
			return found[servicer]
		})
	}
	return found
}

// hostile makes rounds with whatever a round can have.
func hostile(random *rand.Rand, session *types.QoSSession) []*types.QoSRound {
	var rounds []*types.QoSRound
	for index := range session.GetChecksPlanned() + 2 {
		round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: index, Status: types.RoundStatus(1 + random.IntN(3)),
			Kind: types.RoundKind(random.IntN(3)), PlannedUnixNano: began.Add(time.Duration(index) * time.Second).UnixNano()}
		rounds = append(rounds, round)
		if round.GetStatus() == types.RoundStatus_ROUND_STATUS_DROPPED {
			continue
		}
		round.ReleasedUnixNano = round.GetPlannedUnixNano() + random.Int64N(int64(time.Second))
		for range random.IntN(6) {
			sample := &types.QoSSample{Servicer: fmt.Sprint("servicer ", random.IntN(4)), Outcome: types.Outcome(1 + random.IntN(16)),
				Consistency: types.Consistency(random.IntN(4)), Large: random.IntN(3) == 0, OverSla: random.IntN(2) == 0, ReusedConnection: random.IntN(2) == 0}
			if random.IntN(3) > 0 {
				sample.RoundTripTime = durationpb.New(time.Duration(random.Int64N(int64(2 * time.Second))))
			}
			if random.IntN(2) == 0 {
				sample.Lag = new(random.Int64N(300))
				if random.IntN(2) == 0 {
					sample.LagTime = durationpb.New(time.Duration(random.Int64N(int64(time.Hour))))
				}
			}
			round.Samples = append(round.Samples, sample)
		}
	}
	return rounds
}

// What a rollup counts is what the summary of a session counts.
func TestRollupsCountWhatSummariesCount(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		session := &types.QoSSession{Header: &types.SessionHeader{Id: "s"}, ChecksPlanned: 1 + random.Uint32N(40), MaxLag: random.Int64N(100),
			LatencySla: durationpb.New(time.Duration(random.IntN(2)) * time.Second)}
		rounds := hostile(random, session)
		report, counted := qos.Summarize(session, rounds), tallied(session, rounds)
		if checks := counted[""]; checks.Done != report.ChecksDone || checks.Void != report.ChecksVoid || checks.Dropped != report.ChecksDropped {
			t.Fatalf("checks %+v, want %d done, %d void, %d dropped", checks, report.ChecksDone, report.ChecksVoid, report.ChecksDropped)
		}
		if len(counted) != len(report.Servicers)+1 {
			t.Fatalf("%d rollups of %d servicers", len(counted), len(report.Servicers))
		}
		for _, want := range report.Servicers {
			got := counted[want.Servicer]
			outcomes := api.Outcomes{}
			for outcome, n := range got.Outcomes {
				if n > 0 {
					outcomes[types.Outcome(outcome).Label()] = int(n)
				}
			}
			if fmt.Sprint(outcomes) != fmt.Sprint(want.Outcomes) || got.Samples() != want.Samples || got.Samples()-got.Answers() != want.NullSamples ||
				got.OverSLA != want.OverSLA || got.Agree != want.Consistency.Agree || got.Disagree != want.Consistency.Disagree ||
				got.Undecidable != want.Consistency.Undecidable || got.Lags.Count() != want.Freshness.Claims || got.Behind != want.Freshness.Behind {
				t.Fatalf("%+v\nis not %+v", got, want)
			}
			if times := got.Warm.Count() + got.Cold.Count(); times < want.RoundTripTimes.Samples {
				t.Fatalf("%d times, want at least %d", times, want.RoundTripTimes.Samples)
			}
			if max := want.Freshness.LagBlocksMax; max != nil && (*max != got.Lags.Longest() || !within(got.Lags.Median(), *want.Freshness.LagBlocksMedian)) {
				t.Fatalf("lag %d %d, want %d %d", got.Lags.Longest(), got.Lags.Median(), *max, *want.Freshness.LagBlocksMedian)
			}
			if longest := want.Freshness.LagMSMax; longest != nil && *longest != qos.Milliseconds(got.LagTime) {
				t.Fatalf("lag of %v, want %v ms", got.LagTime, *longest)
			}
		}
	}
}

// within reports whether a lag is at most 1/64 below the exact one.
func within(got, exact int64) bool { return got <= exact && float64(exact-got) <= float64(exact)/64 }

// Neither the order of rounds nor how they are split changes a rollup, and its record is always the same.
func TestMergingIsCommutative(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 4))
		session := &types.QoSSession{Header: &types.SessionHeader{Id: "s"}, ChecksPlanned: 60, MaxLag: 5, LatencySla: durationpb.New(time.Second)}
		rounds := hostile(random, session)
		want := tallied(session, rounds)
		random.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
		got := make(map[string]*Rollup)
		for len(rounds) > 0 {
			size := 1 + random.IntN(len(rounds))
			for servicer, part := range tallied(session, rounds[:size]) {
				var stored Rollup
				start := began.UnixNano()
				if err := stored.Decode(part.AppendRecord(nil, start), start); err != nil {
					t.Fatal(err)
				}
				if got[servicer] == nil {
					got[servicer] = new(Rollup)
				}
				got[servicer].Merge(&stored)
			}
			rounds = rounds[size:]
		}
		for servicer, whole := range want {
			if a, b := whole.AppendRecord(nil, 0), got[servicer].AppendRecord(nil, 0); !bytes.Equal(a, b) {
				t.Fatalf("%s: %x, want %x", servicer, b, a)
			}
		}
	}
}

// Quantiles lie within the stated error of the exact ones, and never outside of what was measured.
func TestQuantilesAreWithinTheirError(t *testing.T) {
	percents := []int{1, 10, 25, 50, 75, 90, 99, 100}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 5))
		var times Times
		var exact []int64
		for range 1 + random.IntN(500) {
			elapsed := time.Duration(math.Exp(random.Float64()*25)) * time.Nanosecond
			times.Add(elapsed)
			exact = append(exact, elapsed.Round(time.Microsecond).Microseconds())
		}
		slices.Sort(exact)
		got := make([]int64, len(percents))
		if !times.Quantiles(percents, got) {
			t.Fatal("no quantiles")
		}
		for i, percent := range percents {
			want := exact[(percent*len(exact)+99)/100-1]
			if diff := math.Abs(float64(got[i] - want)); diff > RelativeError*float64(want)+0.5 || got[i] < exact[0] || got[i] > exact[len(exact)-1] {
				t.Fatalf("p%d of %d times is %d µs, want %d", percent, len(exact), got[i], want)
			}
		}
	}
	if new(Times).Quantiles(percents, make([]int64, len(percents))) {
		t.Error("quantiles of nothing")
	}
}

func TestBoundsOfBuckets(t *testing.T) {
	if logGrowth != math.Log(growth) || maxBucket != bucketOf(math.MaxInt64) {
		t.Errorf("the logarithm of growth is %.20g, the last bucket %d", math.Log(growth), bucketOf(math.MaxInt64))
	}
}

func TestEveryOutcomeHasItsPlace(t *testing.T) {
	for number, name := range types.Outcome_name {
		if number >= outcomes {
			t.Errorf("%s = %d is not counted", name, number)
		}
	}
}

// The longest of times and the largest of lags are stored and read again.
func TestExtremesAreStored(t *testing.T) {
	var r Rollup
	r.Warm.Add(math.MaxInt64)
	r.Warm.Add(-5)
	r.Cold.Add(0)
	r.Lags.Add(1 << 52)
	r.Lags.Add(-7)
	r.Outcomes[outcomes-1], r.Outcomes[0] = math.MaxInt32, 1
	r.Newest, r.SLA, r.LagTime, r.LagTimed = 5, time.Hour, 0, true
	var read Rollup
	for _, start := range []int64{0, began.UnixNano()} {
		if err := read.Decode(r.AppendRecord(nil, start), start); err != nil {
			t.Fatal(err)
		}
		if got, want := read.AppendRecord(nil, 0), r.AppendRecord(nil, 0); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for session, rounds := range (measured.Plan{Seed: 1, Servicers: 3, From: began, To: began.Add(2 * time.Hour)}).Sessions() {
		for _, counted := range tallied(session, rounds) {
			f.Add(counted.AppendRecord(nil, began.UnixNano()))
		}
	}
	f.Add([]byte{recordForm, 0})
	f.Add([]byte{recordForm, 0x80, 0x40, 1, 2, 3, 4, 5, 6, 7})
	f.Fuzz(func(t *testing.T, record []byte) {
		var read, again Rollup
		if read.Decode(record, 0) != nil {
			return
		}
		var sum Rollup
		sum.Merge(&read)
		sum.Merge(&read)
		sum.Checks()
		sum.Lags.Median()
		sum.Warm.Quantiles([]int{1, 50, 100}, make([]int64, 3))
		if err := again.Decode(read.AppendRecord(nil, 0), 0); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if a, b := read.AppendRecord(nil, 0), again.AppendRecord(nil, 0); !bytes.Equal(a, b) {
			t.Fatalf("%x became %x", a, b)
		}
	})
}

func TestParseStep(t *testing.T) {
	for written, want := range map[string]time.Duration{"5m": 5 * time.Minute, "300s": 5 * time.Minute, "20m": 20 * time.Minute, "1h": time.Hour,
		"36h": 36 * time.Hour, "7d": 7 * day, "4000d": 4000 * day, "": 0, "1m": 0, "25m": 0, "45m": 0, "90m": 0, "-1h": 0, "0s": 0, "0d": 0, "4001d": 0,
		"99999999d": 0, "1h30m": 0, "d": 0, "1": 0, "5m1ns": 0, "1.5d": 0} {
		if got, err := ParseStep(written); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v", written, got, err)
		}
		if want > 0 {
			if again, err := ParseStep(StepText(want)); err != nil || again != want {
				t.Errorf("%v is written %s", want, StepText(want))
			}
		}
	}
}

func TestStepThatFits(t *testing.T) {
	for _, span := range []time.Duration{time.Second, 5 * time.Minute, time.Hour, 24 * time.Hour, 30 * day, 3999 * day} {
		for _, points := range []int{0, 2, 3, 25, 49, 1000, 2000} {
			step := StepThatFits(span, points)
			if _, err := ParseStep(StepText(step)); err != nil {
				t.Fatalf("%v in %d: %v: %v", span, points, step, err)
			}
			for _, offset := range []time.Duration{0, 1, step / 2, step - 1} {
				from := began.Truncate(step).Add(offset)
				first, last := from.Truncate(step), from.Add(span).Add(step-1).Truncate(step)
				if steps := int(last.Sub(first) / step); steps > max(points, 2) {
					t.Errorf("%v in %d: %v makes %d", span, points, step, steps)
				}
			}
		}
	}
}

// The stated bytes of docs/history.md.
func TestBytesOfARollup(t *testing.T) {
	for _, interval := range []time.Duration{time.Minute, 5 * time.Second, time.Second} {
		hours, fives, samples := 0, 0, 0
		for session, rounds := range (measured.Plan{Seed: 9, Servicers: 16, Interval: interval, Steady: true, From: began, To: began.Add(2 * time.Hour)}).Sessions() {
			for _, counted := range tallied(session, rounds) {
				hours += len(counted.AppendRecord(nil, began.UnixNano()))
				samples++
			}
			for part := range slices.Chunk(rounds, len(rounds)/12) {
				for _, counted := range tallied(session, part) {
					fives += len(counted.AppendRecord(nil, began.UnixNano()))
				}
			}
		}
		t.Logf("a check each %v: %d bytes an hour, %d bytes five minutes", interval, hours/samples, fives/samples/12)
		if most := 140; hours/samples > most {
			t.Errorf("%d bytes, more than %d", hours/samples, most)
		}
	}
}

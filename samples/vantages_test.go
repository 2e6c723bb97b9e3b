package samples

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// fleet is vantage points that sample the same servicers.
type fleet struct {
	t        testing.TB
	now      time.Time
	stores   map[string]*memory
	health   map[string]VantageHealth
	vantages *Vantages
	// chain: the sessions have the same ids everywhere.
	chain bool
	// outcome is what a place's check of a servicer comes to.
	outcome func(place, servicer string) types.Outcome
	number  int
}

var fleetPlaces = []string{"frankfurt", "sydney", "virginia"}

func newFleet(t testing.TB, places ...string) *fleet {
	f := &fleet{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), stores: make(map[string]*memory), health: make(map[string]VantageHealth),
		outcome: func(string, string) types.Outcome { return types.Outcome_OUTCOME_OK }}
	for _, place := range places {
		f.stores[place] = newMemory()
		f.health[place] = VantageHealth{Heard: f.now}
	}
	f.open()
	return f
}

// open makes readers of what is stored, as a collector that starts does.
func (f *fleet) open() {
	f.t.Helper()
	var vantages []Vantage
	for place, store := range f.stores {
		vantages = append(vantages, Vantage{Place: place, Fisherman: "key of " + place, Store: store, Health: func() VantageHealth { return f.health[place] }})
	}
	opened, err := NewVantages(vantages, Prover{})
	if err != nil {
		f.t.Fatal(err)
	}
	opened.now = func() time.Time { return f.now }
	for _, p := range opened.points {
		p.reader.now = opened.now
	}
	f.vantages = opened
	if err := opened.Recall(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// run samples for a number of sessions of ten checks, one in 30 seconds.
func (f *fleet) run(sessions int) {
	for range sessions {
		f.number++
		began := make(map[string]*types.QoSSession)
		for place, store := range f.stores {
			name := fmt.Sprintf("%s-%d", place, f.number)
			if f.chain {
				name = fmt.Sprintf("%064x", f.number)
			}
			at := f.clock(place)
			session := &types.QoSSession{
				Header:        &types.SessionHeader{Id: name, RelayChain: "main"},
				ChecksPlanned: 10, LatencySla: durationpb.New(150 * time.Millisecond), NullSamplesAllowed: 2, SamplesRequired: 3,
				JoinedUnixNano: at.UnixNano(), StartUnixNano: at.UnixNano(), EndUnixNano: at.Add(5 * time.Minute).UnixNano(),
				Servicers: []*types.QoSServicer{{Address: "x"}, {Address: "y"}, {Address: "z"}},
			}
			began[place] = session
			store.sessions = append(store.sessions, session)
			f.vantages.Session(place, proto.CloneOf(session))
		}
		for index := range 10 {
			f.now = f.now.Add(30 * time.Second)
			for place := range f.stores {
				f.check(place, began[place], index)
			}
		}
		for place, session := range began {
			session.Closed = true
			f.vantages.Session(place, proto.CloneOf(session))
		}
	}
	for place, health := range f.health {
		health.Heard = f.now
		f.health[place] = health
	}
}

// clock is what a place's clock shows.
func (f *fleet) clock(place string) time.Time {
	if skew := f.health[place].Skew; skew != nil {
		return f.now.Add(*skew)
	}
	return f.now
}

func (f *fleet) check(place string, session *types.QoSSession, index int) {
	at := f.clock(place).UnixNano()
	round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(index), Status: types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano: at, ReleasedUnixNano: at}
	for _, member := range session.GetServicers() {
		sample := &types.QoSSample{Servicer: member.GetAddress(), Outcome: f.outcome(place, member.GetAddress())}
		if sample.GetOutcome() == types.Outcome_OUTCOME_OK {
			sample.Consistency, sample.RoundTripTime, sample.ReusedConnection = types.Consistency_CONSISTENCY_AGREE, durationpb.New(5*time.Millisecond), true
		}
		round.Samples = append(round.Samples, sample)
	}
	f.stores[place].put(round)
	f.vantages.Round(place, round)
}

func (f *fleet) report() api.Report {
	f.t.Helper()
	report, err := f.vantages.Report(f.t.Context(), ReportFilter{})
	if err != nil {
		f.t.Fatal(err)
	}
	return report
}

func indented(t testing.TB, what any) []byte {
	t.Helper()
	form, err := json.MarshalIndent(what, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// rowOf is a servicer's merged row.
func rowOf(t testing.TB, report api.Report, servicer string) api.RollingServicer {
	t.Helper()
	for _, rolling := range report.Rolling {
		for _, row := range rolling.Servicers {
			if row.Servicer == servicer {
				return row
			}
		}
	}
	t.Fatalf("no row of %s in %s", servicer, indented(t, report.Rolling))
	return api.RollingServicer{}
}

func stateOf(report api.Report, place string) api.Vantage {
	at := slices.IndexFunc(report.Vantages, func(v api.Vantage) bool { return v.Place == place })
	return report.Vantages[at]
}

// One place loses its way to one servicer: that is shown of the place, whatever sessions are called, now and after a restart.
func TestVantagesLoseTheWay(t *testing.T) {
	for _, chain := range []bool{false, true} {
		f := newFleet(t, fleetPlaces...)
		f.chain = chain
		f.run(3)
		f.outcome = func(place, servicer string) types.Outcome {
			if place == "sydney" && servicer == "x" {
				return types.Outcome_OUTCOME_TIMEOUT
			}
			return types.Outcome_OUTCOME_OK
		}
		f.run(2)
		before := f.report()
		row := rowOf(t, before, "x")
		if row.Verdict != api.VerdictHealthy || row.NullSamples != 0 || len(row.Vantages) != 3 || row.Vantages[1].PathNulls != 20 ||
			row.Vantages[1].State != api.VantageStatePath {
			t.Errorf("chain %v: %s", chain, indented(t, row))
		}
		if sydney := stateOf(before, "sydney"); sydney.State != api.VantageStatePath || !strings.Contains(sydney.Why, "x") || sydney.PathNulls != 20 {
			t.Errorf("sydney: %s", indented(t, sydney))
		}
		for _, place := range []string{"frankfurt", "virginia"} {
			if vantage := stateOf(before, place); vantage.State != api.VantageStateOK || vantage.Why != "" {
				t.Errorf("%s: %s", place, indented(t, vantage))
			}
		}
		if len(before.Sessions) != 15 || before.Sessions[0].Vantage == before.Sessions[1].Vantage {
			t.Errorf("%d sessions, of %s and %s first", len(before.Sessions), before.Sessions[0].Vantage, before.Sessions[1].Vantage)
		}
		f.open()
		if after := f.report(); !bytes.Equal(indented(t, after.Rolling), indented(t, before.Rolling)) {
			t.Errorf("after a restart:\n%s\nbefore:\n%s", indented(t, after.Rolling), indented(t, before.Rolling))
		}
	}
}

// A clock that is off moves no sample into another bucket, and is shown.
func TestVantagesSkewed(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	skew := -17 * time.Minute
	f.health["sydney"] = VantageHealth{Skew: &skew}
	down := false
	f.outcome = func(place, servicer string) types.Outcome {
		if servicer == "x" && down {
			return types.Outcome_OUTCOME_CONNECT
		}
		return types.Outcome_OUTCOME_OK
	}
	f.run(3)
	down = true
	f.run(1)
	down = false
	f.run(1)
	report := f.report()
	for _, vantage := range rowOf(t, report, "x").Vantages {
		if vantage.NullSamples != 10 || vantage.PathNulls != 0 || vantage.State != api.VantageStateOK {
			t.Errorf("%s", indented(t, vantage))
		}
	}
	sydney := stateOf(report, "sydney")
	if sydney.State != api.VantageStateSkewed || sydney.SkewMS == nil || *sydney.SkewMS != -17*60_000 || !strings.Contains(sydney.Why, "17m0s behind") {
		t.Errorf("sydney: %s", indented(t, sydney))
	}
}

// A vantage point that reaches nobody is out; one that is heard no more is silent; the others go on.
func TestVantagesOutAndSilent(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.run(3)
	f.outcome = func(place, _ string) types.Outcome {
		if place == "sydney" {
			return types.Outcome_OUTCOME_CONNECT
		}
		return types.Outcome_OUTCOME_OK
	}
	f.run(1)
	report := f.report()
	if sydney := stateOf(report, "sydney"); sydney.State != api.VantageStateOut || sydney.NullSamples != 0 || sydney.PathNulls != 30 {
		t.Errorf("sydney: %s", indented(t, sydney))
	}
	if row := rowOf(t, report, "y"); row.Verdict != api.VerdictHealthy || row.NullSamples != 0 || row.Vantages[1].State != api.VantageStateOut {
		t.Errorf("y: %s", indented(t, row))
	}
	f.health["virginia"] = VantageHealth{Heard: f.now.Add(-11 * time.Minute)}
	f.vantages.Vantages() // kept or made, a report does not take it
	if virginia := stateOf(f.report(), "virginia"); virginia.State != api.VantageStateSilent {
		t.Errorf("virginia: %s", indented(t, virginia))
	}
}

// With one vantage point everything is what a reader of its store says.
func TestOneVantagePointIsAReader(t *testing.T) {
	f := newFleet(t, "frankfurt")
	f.outcome = func(_, servicer string) types.Outcome {
		if servicer == "x" {
			return types.Outcome_OUTCOME_TIMEOUT
		}
		return types.Outcome_OUTCOME_OK
	}
	f.run(4)
	rolling := NewRolling()
	if err := rolling.Recall(t.Context(), f.stores["frankfurt"], f.now); err != nil {
		t.Fatal(err)
	}
	reader := NewReader(f.stores["frankfurt"], rolling, Prover{})
	reader.now = func() time.Time { return f.now }
	want, err := reader.Report(t.Context(), ReportFilter{})
	if err != nil {
		t.Fatal(err)
	}
	got := f.report()
	if len(got.Vantages) != 1 || got.Vantages[0].Place != "frankfurt" {
		t.Errorf("vantage points: %s", indented(t, got.Vantages))
	}
	got.Vantages = nil
	if !bytes.Equal(indented(t, got), indented(t, want)) {
		t.Errorf("one vantage point:\n%s\na reader:\n%s", indented(t, got), indented(t, want))
	}
	windows, err := f.vantages.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: 10}})
	if err != nil {
		t.Fatal(err)
	}
	wantWindows, err := reader.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: 10}})
	if err != nil {
		t.Fatal(err)
	}
	windows.Vantages = nil
	if !bytes.Equal(indented(t, windows), indented(t, wantWindows)) {
		t.Errorf("one vantage point:\n%s\na reader:\n%s", indented(t, windows), indented(t, wantWindows))
	}
}

// Windows are merged too; their numbers follow from those of the places.
func TestVantagesMergeWindows(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.outcome = func(place, servicer string) types.Outcome {
		if place == "sydney" && servicer == "x" || servicer == "y" && place != "virginia" {
			return types.Outcome_OUTCOME_TIMEOUT
		}
		return types.Outcome_OUTCOME_OK
	}
	f.run(4)
	report, err := f.vantages.Windows(t.Context(), WindowFilter{Span: qos.Span{Age: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Windows) != 1 || report.Windows[0].Sessions != 12 || report.Windows[0].ChecksDone != 120 {
		t.Fatalf("windows: %s", indented(t, report.Windows))
	}
	want := map[string]struct {
		verdict        api.Verdict
		samples, nulls int
	}{"x": {api.VerdictHealthy, 80, 0}, "y": {api.VerdictUnavailable, 120, 80}, "z": {api.VerdictHealthy, 120, 0}}
	for _, row := range report.Windows[0].Servicers {
		if w := want[row.Servicer]; row.Verdict != w.verdict || row.Samples != w.samples || row.NullSamples != w.nulls || row.RoundTripTimes.Samples > 0 && row.Servicer != "y" {
			t.Errorf("%s: %s with %d of %d (%s)", row.Servicer, row.Verdict, row.NullSamples, row.Samples, row.Reason)
		}
		sum := 0
		for _, n := range row.Outcomes {
			sum += n
		}
		if sum != row.Samples {
			t.Errorf("%s: outcomes %v of %d samples", row.Servicer, row.Outcomes, row.Samples)
		}
	}
	one, err := f.vantages.Windows(t.Context(), WindowFilter{Span: qos.Span{Age: time.Hour}, Servicer: "y"})
	if err != nil || len(one.Windows) != 1 || len(one.Windows[0].Servicers) != 1 {
		t.Errorf("y alone: %s, %v", indented(t, one), err)
	}
}

// Checks are read of one place at a time.
func TestVantagesRounds(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.chain = true
	f.outcome = func(place, _ string) types.Outcome {
		if place == "sydney" {
			return types.Outcome_OUTCOME_RESET
		}
		return types.Outcome_OUTCOME_OK
	}
	f.run(1)
	session := fmt.Sprintf("%064x", 1)
	for vantage, want := range map[string]string{"": "frankfurt", "sydney": "sydney"} {
		page, err := f.vantages.Rounds(t.Context(), RoundFilter{SessionID: session, Limit: 3, Vantage: vantage})
		if err != nil || page.Vantage != want || len(page.Rounds) != 3 || page.Rounds[0].Vantage != want ||
			(page.Rounds[0].Samples[0].Outcome == "RESET") != (want == "sydney") {
			t.Errorf("%q: %s, %v", vantage, indented(t, page), err)
		}
	}
	if _, err := f.vantages.Rounds(t.Context(), RoundFilter{SessionID: session, Limit: 3, Vantage: "berlin"}); !errors.Is(err, ErrUnknownPlace) {
		t.Errorf("a place that there is not: %v", err)
	}
	if _, err := f.vantages.Rounds(t.Context(), RoundFilter{SessionID: id("f"), Limit: 3}); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("a session that there is not: %v", err)
	}
	report, err := f.vantages.Report(t.Context(), ReportFilter{SessionID: session})
	if err != nil || len(report.Sessions) != 3 || len(report.Rolling) != 0 {
		t.Errorf("one session: %d of places, %v", len(report.Sessions), err)
	}
	if _, err := f.vantages.Report(t.Context(), ReportFilter{SessionID: id("f")}); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("a session that there is not: %v", err)
	}
}

// What a status says of the vantage points is made once in five seconds.
func TestVantagesAreKeptForAWhile(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.run(1)
	state := func() api.VantageState { return stateOf(api.Report{Vantages: f.vantages.Vantages()}, "virginia").State }
	before := state()
	f.health["virginia"] = VantageHealth{Heard: f.now.Add(-time.Hour)}
	f.now = f.now.Add(4 * time.Second)
	kept := state()
	f.now = f.now.Add(time.Second)
	if after := state(); before != api.VantageStateOK || kept != before || after != api.VantageStateSilent {
		t.Errorf("%s, then %s, then %s", before, kept, after)
	}
}

// What is kept in memory is bounded by time and by servicers.
func TestVantagesAreBounded(t *testing.T) {
	f := newFleet(t, fleetPlaces...)
	f.run(2 * int(24*time.Hour/(5*time.Minute)))
	for _, p := range f.vantages.points {
		for of, buckets := range p.buckets {
			if len(*buckets) > int(bucketsKept)+1 {
				t.Errorf("%s keeps %d buckets of %s", p.Place, len(*buckets), of.address)
			}
		}
		p.rolling.most = 10
		p.mostBuckets = 20
		session := &types.QoSSession{Header: &types.SessionHeader{Id: "crowd", RelayChain: "other"}, ChecksPlanned: 10000, EndUnixNano: 1}
		p.rolling.Session(session)
		for i := range 200 {
			f.vantages.Round(p.Place, &types.QoSRound{SessionId: "crowd", Index: uint32(i), Status: types.RoundStatus_ROUND_STATUS_DONE,
				ReleasedUnixNano: f.now.UnixNano() + int64(i), Samples: []*types.QoSSample{{Servicer: fmt.Sprint(i), Outcome: types.Outcome_OUTCOME_OK}}})
		}
		if len(p.buckets) > 20 {
			t.Errorf("%s keeps buckets of %d servicers", p.Place, len(p.buckets))
		}
	}
}

// TestPlacesDiffer: two vantage points of one name are refused.
func TestPlacesDiffer(t *testing.T) {
	if _, err := NewVantages([]Vantage{{Place: "a"}, {Place: "b"}, {Place: "a"}}, Prover{}); !errors.Is(err, ErrPlaceTwice) {
		t.Errorf("%v", err)
	}
}

// BenchmarkVantagesRound is what a sample of one of three places costs.
func BenchmarkVantagesRound(b *testing.B) {
	f := newFleet(b, fleetPlaces...)
	session := &types.QoSSession{Header: &types.SessionHeader{Id: "s", RelayChain: "main"}, ChecksPlanned: 1 << 30, SamplesRequired: 3}
	round := &types.QoSRound{SessionId: "s", Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: f.now.UnixNano()}
	for n := range 24 {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: fmt.Sprintf("%040x", n), Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(time.Millisecond), ReusedConnection: true})
	}
	for _, place := range fleetPlaces {
		f.vantages.Session(place, session)
	}
	b.ReportAllocs()
	for b.Loop() {
		round.Index++
		round.ReleasedUnixNano += 1e7
		f.vantages.Round(fleetPlaces[round.Index%3], round)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/24, "ns/sample")
}

// BenchmarkVantagesReport is what a look at the API costs beside the sessions, of three places.
func BenchmarkVantagesReport(b *testing.B) {
	for _, servicers := range []int{24, 1000} {
		f := newFleet(b, fleetPlaces...)
		session := &types.QoSSession{Header: &types.SessionHeader{Id: "s", RelayChain: "main"}, ChecksPlanned: 1 << 30, SamplesRequired: 3}
		for _, place := range fleetPlaces {
			f.vantages.Session(place, session)
			for check := range trimmedAt {
				round := &types.QoSRound{SessionId: "s", Index: uint32(check), Status: types.RoundStatus_ROUND_STATUS_DONE,
					ReleasedUnixNano: f.now.Add(time.Duration(check-trimmedAt) * 30 * time.Second).UnixNano()}
				for n := range servicers {
					sample := &types.QoSSample{Servicer: fmt.Sprintf("%040x", n), Outcome: types.Outcome_OUTCOME_OK,
						Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(time.Duration(n%50) * time.Millisecond), ReusedConnection: true}
					if (n+check+len(place))%23 == 0 {
						sample = &types.QoSSample{Servicer: sample.Servicer, Outcome: types.Outcome_OUTCOME_TIMEOUT}
					}
					round.Samples = append(round.Samples, sample)
				}
				f.vantages.Round(place, round)
			}
		}
		b.Run(fmt.Sprint(servicers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.vantages.Rolling(qos.DefaultRolling(), "")
			}
		})
	}
}

// Relay chains of one name in two networks are two.
func TestVantagesOfTwoNetworks(t *testing.T) {
	f := newFleet(t, "frankfurt", "sydney")
	for _, p := range f.vantages.points {
		p.Network = func(string) string { return "network of " + p.Place }
	}
	f.run(1)
	report := f.report()
	if len(report.Rolling) != 2 || report.Rolling[0].Network != "network of frankfurt" || len(report.Rolling[0].Servicers[0].Vantages) != 1 {
		t.Errorf("%s", indented(t, report.Rolling))
	}
}

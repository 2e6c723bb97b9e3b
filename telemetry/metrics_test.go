package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var (
	silent      = slog.New(slog.DiscardHandler)
	application = fmt.Sprintf("%040x", 0xa)
)

// members are a session's servicers, all with samples.
func members(from, to int) []api.ServicerReport {
	share, median, lag := 0.75, 12.5, int64(62)
	var all []api.ServicerReport
	for i := from; i < to; i++ {
		servicer := api.ServicerReport{Servicer: fmt.Sprintf("%040x", i), Samples: 8, NullSamples: 2, Verdict: api.VerdictHealthy}
		servicer.Availability.Value, servicer.RoundTripTimes.P50, servicer.Freshness.LagBlocksMax = &share, &median, &lag
		all = append(all, servicer)
	}
	return all
}

func session(chain string, servicers []api.ServicerReport) samples.Running {
	return samples.Running{Members: len(servicers),
		Report: api.SessionReport{RelayChain: chain, Application: application, ChecksPlanned: 10, LatencySLA: new(150.0), Servicers: servicers}}
}

// rolling are the verdicts over the newest checks of a session's servicers.
func rolling(chain string, from, to int) api.RollingReport {
	report := api.RollingReport{RelayChain: chain, GeoZone: "local", Checks: 30, MaxAgeSeconds: 3600}
	for _, s := range members(from, to) {
		report.Servicers = append(report.Servicers, api.RollingServicer{Servicer: s.Servicer, Running: true, Verdict: s.Verdict,
			Availability: s.Availability, RoundTripTimes: s.RoundTripTimes, Freshness: s.Freshness})
	}
	return report
}

// full is a node with every role, and everything about it that can be shown.
func full(sessions func(context.Context, int) ([]samples.Running, error)) Sources {
	durable := true
	return Sources{
		Build: Build{Version: "v1", Revision: "abc", Go: "go1.26"},
		Head:  func() (types.Head, bool) { return types.Head{Height: 7, Time: time.UnixMilli(1_700_000_000_250)}, true },
		Peers: func() int { return 3 },
		Stores: func() []Store {
			return []Store{
				{Name: "samples", Sessions: 2, Records: 20, Bytes: 4096, MaxBytes: 8192, Evicted: 1, Failures: 0, Durable: &durable},
				{Name: "relays", Sessions: 1, Records: 3, Bytes: 512, MaxBytes: 8192},
			}
		},
		Volume:   func() []Volume { return []Volume{{Servicer: application, Stored: 5, Dropped: 1}} },
		Sessions: sessions,
		Rolling:  func() []api.RollingReport { return []api.RollingReport{rolling("0001", 1, 4)} },
		Controls: func() []Control {
			return []Control{{RelayChain: "0001", Fitness: types.ControlFitness_CONTROL_FITNESS_FIT},
				{RelayChain: "0021", Fitness: types.ControlFitness_CONTROL_FITNESS_BEHIND}, {RelayChain: "evil\"}"}}
		},
		Budgets: func() []Budget {
			left, none := uint64(900), uint64(0)
			return []Budget{{RelayChain: "0001", Spent: 1100, SessionLeft: &left, DayLeft: &none}, {RelayChain: "0021", Spent: 7}, {RelayChain: "evil\"}"}}
		},
		Alerts: func() Alerts {
			return Alerts{Receivers: []AlertReceiver{{Name: "ops", Sent: 4, Failed: 2, Dropped: 1, Queued: 3}}, Firing: map[string]int{"down": 2}}
		},
		Collector: collectorState,
		Vantages:  func() []api.Vantage { return []api.Vantage{{Place: "tokyo", State: api.VantageStatePath}} },
	}
}

func some(sessions ...samples.Running) func(context.Context, int) ([]samples.Running, error) {
	return func(context.Context, int) ([]samples.Running, error) { return sessions, nil }
}

// doneRound is a round of servicers, the last of which is down.
func doneRound(servicers int) *types.QoSRound {
	round := &types.QoSRound{Status: types.RoundStatus_ROUND_STATUS_DONE, PlannedUnixNano: 1_000_000_000, ReleasedUnixNano: 1_000_200_000,
		Skew: durationpb.New(80 * time.Microsecond)}
	for i := range servicers {
		sample := &types.QoSSample{Servicer: fmt.Sprintf("%040x", i), Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, ReusedConnection: i%2 == 0, Answer: types.AnswerClass_ANSWER_CLASS_VALUE,
			Timing:        types.TimingSource_TIMING_SOURCE_KERNEL,
			RoundTripTime: durationpb.New(20 * time.Millisecond), UserRoundTripTime: durationpb.New(20*time.Millisecond + 300*time.Microsecond)}
		if i == servicers-1 {
			sample = &types.QoSSample{Servicer: sample.Servicer, Outcome: types.Outcome_OUTCOME_CONNECT, Blame: types.Blame_BLAME_SERVICER}
		}
		round.Samples = append(round.Samples, sample)
	}
	return round
}

// populated are metrics in which every one has a series.
func populated() *Metrics {
	m := New(full(some(session("0001", members(1, 4)))), silent)
	m.Round(Round{RelayChain: "0001", Application: application, SLA: 150 * time.Millisecond, Record: doneRound(6), Stored: true})
	m.Relays(application)(0, time.Millisecond)
	return m
}

func gathered(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, family := range families {
		byName[family.GetName()] = family
	}
	return byName
}

// value of the series with these labels, in pairs; false when there is none.
func value(family *dto.MetricFamily, pairs ...string) (float64, bool) {
	for _, metric := range family.GetMetric() {
		fits := true
		for i := 0; i < len(pairs); i += 2 {
			fits = fits && slices.ContainsFunc(metric.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == pairs[i] && l.GetValue() == pairs[i+1] })
		}
		if fits {
			return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func wantValue(t *testing.T, m *Metrics, want float64, name string, pairs ...string) {
	t.Helper()
	if got, there := value(gathered(t, m)[name], pairs...); !there || got != want {
		t.Errorf("%s%v is %v (there: %t), want %v", name, pairs, got, there, want)
	}
}

func TestExpositionIsClean(t *testing.T) {
	problems, err := testutil.GatherAndLint(populated().Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// What is spent and left is that of each group; where there is no limit there is nothing that could be used up.
func TestBudgets(t *testing.T) {
	m := populated()
	wantValue(t, m, 1100, "pocket_fisherman_spent_upokt_total", "relay_chain", "0001")
	wantValue(t, m, 7, "pocket_fisherman_spent_upokt_total", "relay_chain", "0021")
	wantValue(t, m, 900, "pocket_fisherman_budget_left_upokt", "relay_chain", "0001", "period", "session")
	wantValue(t, m, 0, "pocket_fisherman_budget_left_upokt", "relay_chain", "0001", "period", "day")
	families := gathered(t, m)
	if spent, left := families["pocket_fisherman_spent_upokt_total"], families["pocket_fisherman_budget_left_upokt"]; len(spent.GetMetric()) != 2 || len(left.GetMetric()) != 2 {
		t.Errorf("%v, %v", spent, left)
	}
	many := New(Sources{Name: types.ValidateOpaque, Budgets: func() []Budget {
		all := make([]Budget, mostRelayChains+1)
		for i := range all {
			all[i].RelayChain = fmt.Sprintf("group-%d", i)
		}
		return all
	}}, silent)
	if got := len(gathered(t, many)["pocket_fisherman_spent_upokt_total"].GetMetric()); got != mostRelayChains {
		t.Errorf("%d series", got)
	}
	if free := New(Sources{}, silent); gathered(t, free)["pocket_fisherman_spent_upokt_total"] != nil {
		t.Error("a series where nothing costs money")
	}
}

// docs/metrics.md has exactly the metrics that there are, with their type, labels and meaning.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string)
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); strings.HasPrefix(line, "| `pocket_") {
			documented[strings.Trim(cells[0], "|` ")] = strings.TrimSpace(line)
		}
	}
	for name, family := range gathered(t, populated()) {
		if !strings.HasPrefix(name, "pocket_") {
			continue
		}
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+label.GetName()+"`")
		}
		want := fmt.Sprintf("| `%s` | %s | %s | %s | %s |", name, strings.ToLower(family.GetType().String()), unit(name),
			strings.Join(labels, ", "), family.GetHelp())
		if got := documented[name]; strings.ReplaceAll(got, "  ", " ") != strings.ReplaceAll(want, "  ", " ") {
			t.Errorf("docs/metrics.md has\n%s\nwant\n%s", got, want)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/metrics.md has %s, which there is not", name)
	}
}

// Alerts, dashboard and their tests name no metric that there is not.
func TestOperatorsFilesNameWhatExists(t *testing.T) {
	have := gathered(t, populated())
	for _, path := range []string{"prometheus/alerts.yaml", "prometheus/alerts_test.yaml", "grafana/fisherman.json"} {
		data, err := os.ReadFile("../build/observability/" + path)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bpocket_\w+`).FindAllString(string(data), -1)
		for _, name := range names {
			if have[strings.TrimSuffix(name, "_bucket")] == nil {
				t.Errorf("%s names %s", path, name)
			}
		}
		if len(names) < 20 {
			t.Errorf("%s names %d metrics", path, len(names))
		}
	}
}

// unit of a metric is in its name.
func unit(name string) string {
	for _, unit := range []string{"seconds", "bytes", "ratio", "upokt"} {
		if strings.HasSuffix(strings.TrimSuffix(name, "_total"), "_"+unit) {
			return unit
		}
	}
	return "number"
}

func TestRoundsAreCounted(t *testing.T) {
	m := New(full(some()), silent)
	m.Round(Round{RelayChain: "0001", Record: doneRound(6), Stored: true})
	m.Round(Round{RelayChain: "0001", Record: doneRound(6), Stored: false})
	m.Round(Round{RelayChain: "0001", Record: &types.QoSRound{Status: types.RoundStatus_ROUND_STATUS_DROPPED, Cause: types.Cause_CAUSE_OVERTAKEN}, Stored: true})
	void := doneRound(3)
	void.Cause = types.Cause_CAUSE_SKEW
	void.Status = types.RoundStatus_ROUND_STATUS_VOID
	for _, sample := range void.Samples {
		sample.Outcome, sample.Blame, sample.Consistency = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF, 0
	}
	m.Round(Round{RelayChain: "0001", Record: void, Stored: true})

	wantValue(t, m, 2, "pocket_fisherman_rounds_total", "status", "DONE", "cause", "none")
	wantValue(t, m, 1, "pocket_fisherman_rounds_total", "status", "DROPPED", "cause", "overtaken")
	wantValue(t, m, 1, "pocket_fisherman_rounds_total", "status", "VOID", "cause", "skew")
	wantValue(t, m, 1, "pocket_fisherman_rounds_unstored_total")
	wantValue(t, m, 10, "pocket_fisherman_samples_total", "outcome", "OK", "blame", "NOBODY")
	wantValue(t, m, 2, "pocket_fisherman_samples_total", "outcome", "CONNECT", "blame", "SERVICER")
	wantValue(t, m, 3, "pocket_fisherman_samples_total", "outcome", "VOID", "blame", "SELF")
	wantValue(t, m, 10, "pocket_fisherman_consistency_total", "consistency", "AGREE")
	wantValue(t, m, 10, "pocket_fisherman_answers_total", "relay_chain", "0001", "answer", "VALUE")
	// Times of done rounds only, warm and cold apart.
	wantValue(t, m, 6, "pocket_fisherman_round_trip_seconds", "relay_chain", "0001", "connection", "warm")
	wantValue(t, m, 4, "pocket_fisherman_round_trip_seconds", "relay_chain", "0001", "connection", "cold")
	wantValue(t, m, 10, "pocket_fisherman_scheduling_delay_seconds")
	// A dropped check was never sent, so it has neither skew nor lateness.
	wantValue(t, m, 3, "pocket_fisherman_send_skew_seconds")
	wantValue(t, m, 3, "pocket_fisherman_check_lateness_seconds")

	families := gathered(t, m)
	sum := families["pocket_fisherman_scheduling_delay_seconds"].GetMetric()[0].GetHistogram().GetSampleSum()
	if sum < .0029 || sum > .0031 {
		t.Errorf("ten delays of 300 µs are %v s", sum)
	}
	if late := families["pocket_fisherman_check_lateness_seconds"].GetMetric()[0].GetHistogram().GetSampleSum(); late < .00059 || late > .00061 {
		t.Errorf("three rounds 200 µs late are %v s", late)
	}
}

// Heads are not compared, so they have a class and no consistency; a claim near the tip is an answer that is missing.
func TestAnswersAreCountedByClass(t *testing.T) {
	m := New(full(some()), silent)
	head := doneRound(3)
	for i, class := range []types.AnswerClass{types.AnswerClass_ANSWER_CLASS_VALUE, types.AnswerClass_ANSWER_CLASS_MISSING, types.AnswerClass_ANSWER_CLASS_FAILURE} {
		head.Samples[i].Answer, head.Samples[i].Consistency = class, 0
	}
	head.Samples[2].Outcome = types.Outcome_OUTCOME_VOID
	m.Round(Round{RelayChain: "0001", Record: head, Stored: true})
	wantValue(t, m, 1, "pocket_fisherman_answers_total", "answer", "VALUE")
	wantValue(t, m, 1, "pocket_fisherman_answers_total", "answer", "MISSING")
	families := gathered(t, m)
	if got := len(families["pocket_fisherman_answers_total"].GetMetric()); got != 2 || families["pocket_fisherman_consistency_total"] != nil {
		t.Errorf("%d classes, consistency %v", got, families["pocket_fisherman_consistency_total"])
	}
}

// Each control probe has a series for every fitness, one of which is 1; those of chains that are none are left out.
func TestControlsAreShown(t *testing.T) {
	m := New(full(some()), silent)
	for chain, fitness := range map[string]string{"0001": "FIT", "0021": "BEHIND"} {
		for _, label := range []string{"FIT", "UNPROVEN", "BEHIND", "FOREIGN"} {
			wantValue(t, m, oneIf(label == fitness), "pocket_fisherman_control_fit", "relay_chain", chain, "fitness", label)
		}
	}
	if got := len(gathered(t, m)["pocket_fisherman_control_fit"].GetMetric()); got != 8 {
		t.Errorf("%d series", got)
	}
}

// Names of relay chains come from the chain; however many there are, and whatever they look like, series stay few.
func TestRelayChainsAreBounded(t *testing.T) {
	m := New(full(some()), silent)
	for i := range 5000 {
		m.Round(Round{RelayChain: fmt.Sprintf("%04X", i), Record: doneRound(2), Stored: true})
	}
	m.Round(Round{RelayChain: "evil\"}\n", Record: doneRound(2), Stored: true})
	families := gathered(t, m)
	if got := len(families["pocket_fisherman_samples_total"].GetMetric()); got != 2*(mostRelayChains+1) {
		t.Errorf("%d series of samples", got)
	}
	wantValue(t, m, 5001-mostRelayChains, "pocket_fisherman_samples_total", "relay_chain", other, "outcome", "OK")
}

// clocked makes a collector whose clock stands until it is moved.
func clocked(read func(context.Context, int) ([]samples.Running, error)) (c *servicerCollector, pass func(time.Duration)) {
	now := time.Unix(1000, 0)
	return newServicerCollector(read, func() time.Time { return now }, silent), func(d time.Duration) { now = now.Add(d) }
}

// With thousands of servicers the number of series stays bounded, those left out are counted, and the series of a
// session are gone with it.
func TestServicersAreBoundedAndGoWithTheirSession(t *testing.T) {
	current := []samples.Running{session("0001", members(0, 3000)), session("0021", members(3000, 5000)), {Members: 700}}
	c, pass := clocked(func(context.Context, int) ([]samples.Running, error) { return current, nil })
	count := func(name string) int { return testutil.CollectAndCount(c, "pocket_fisherman_servicer_"+name) }
	series := testutil.CollectAndCount(c)
	if most := 6*MostServicers + 10; series > most {
		t.Fatalf("%d series, more than %d", series, most)
	}
	for _, name := range []string{"samples", "null_samples", "availability_ratio", "round_trip_median_seconds", "lag_blocks", "verdict"} {
		if got := count(name); got != MostServicers {
			t.Errorf("%d series of %s", got, name)
		}
	}
	if err := testutil.CollectAndCompare(c, strings.NewReader(`
# HELP pocket_fisherman_servicers_without_series Members of current sessions that have no series of their own, because there are too many.
# TYPE pocket_fisherman_servicers_without_series gauge
pocket_fisherman_servicers_without_series 5444
`), "pocket_fisherman_servicers_without_series"); err != nil {
		t.Error(err)
	}
	current = []samples.Running{session("0021", members(4999, 5000))}
	if count("verdict") != MostServicers {
		t.Error("the sessions were read again too soon")
	}
	pass(sessionsAge)
	if got := count("verdict"); got != 1 {
		t.Errorf("%d series after the sessions have ended", got)
	}
	current = nil
	pass(sessionsAge)
	if got := testutil.CollectAndCount(c); got != 2 {
		t.Errorf("%d series without a session", got)
	}
}

// What was never observed is absent: not 0, and not perfect.
func TestServicerWithoutSamples(t *testing.T) {
	c, _ := clocked(some(session("0001", []api.ServicerReport{{Servicer: fmt.Sprintf("%040x", 1), Verdict: api.VerdictUnknown}})))
	for name, want := range map[string]int{"samples": 1, "verdict": 1, "availability_ratio": 0, "round_trip_median_seconds": 0, "lag_blocks": 0} {
		if got := testutil.CollectAndCount(c, "pocket_fisherman_servicer_"+name); got != want {
			t.Errorf("%d series of %s, want %d", got, name, want)
		}
	}
}

func TestServicerSeries(t *testing.T) {
	servicers := members(1, 2)
	servicers[0].Verdict = api.VerdictSlow
	c, _ := clocked(some(session("0001", append(servicers, servicers[0], api.ServicerReport{Servicer: "evil\n"}))))
	address := fmt.Sprintf("%040x", 1)
	labels := fmt.Sprintf(`application="%s",relay_chain="0001",servicer="%s"`, application, address)
	if err := testutil.CollectAndCompare(c, strings.NewReader(strings.ReplaceAll(`
# HELP pocket_fisherman_servicer_availability_ratio Share of the current session's samples that were answered; absent without samples.
# TYPE pocket_fisherman_servicer_availability_ratio gauge
pocket_fisherman_servicer_availability_ratio{LABELS} 0.75
# HELP pocket_fisherman_servicer_lag_blocks Most blocks that the servicer's node was behind the height that most have, in the current session; absent without a head claim.
# TYPE pocket_fisherman_servicer_lag_blocks gauge
pocket_fisherman_servicer_lag_blocks{LABELS} 62
# HELP pocket_fisherman_servicer_round_trip_median_seconds Median round-trip time of the current session's answers, on connections of one kind; absent without answers.
# TYPE pocket_fisherman_servicer_round_trip_median_seconds gauge
pocket_fisherman_servicer_round_trip_median_seconds{LABELS} 0.0125
# HELP pocket_fisherman_servicer_verdict Always 1; the label is the verdict of the current session so far.
# TYPE pocket_fisherman_servicer_verdict gauge
pocket_fisherman_servicer_verdict{LABELS,verdict="slow"} 1
# HELP pocket_fisherman_servicers_without_series Members of current sessions that have no series of their own, because there are too many.
# TYPE pocket_fisherman_servicers_without_series gauge
pocket_fisherman_servicers_without_series 2
`, "LABELS", labels)), "pocket_fisherman_servicer_availability_ratio", "pocket_fisherman_servicer_lag_blocks", "pocket_fisherman_servicer_round_trip_median_seconds",
		"pocket_fisherman_servicer_verdict", "pocket_fisherman_servicers_without_series"); err != nil {
		t.Error(err)
	}
}

// Sessions that cannot be read are not shown as they were, and are counted.
func TestSessionsThatCannotBeRead(t *testing.T) {
	fail := false
	c, pass := clocked(func(context.Context, int) ([]samples.Running, error) {
		if fail {
			return nil, errors.New("disk")
		}
		return []samples.Running{session("0001", members(1, 3))}, nil
	})
	if got := testutil.CollectAndCount(c, "pocket_fisherman_servicer_verdict"); got != 2 {
		t.Fatalf("%d series", got)
	}
	fail = true
	pass(sessionsAge)
	if got := testutil.CollectAndCount(c, "pocket_fisherman_servicer_verdict"); got != 0 {
		t.Errorf("%d series of what is not known", got)
	}
	pass(sessionsAge)
	if _, failures := c.current(); failures != 2 {
		t.Errorf("%d failures", failures)
	}
}

func TestRelaysAreCounted(t *testing.T) {
	m := New(full(some()), silent)
	relay := m.Relays(application)
	relay(0, time.Millisecond)
	relay(types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED, time.Microsecond)
	relay(types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT, time.Second)
	for number := range int32(1000) {
		relay(types.RelayErrorCode(100_000+number), time.Second)
	}
	wantValue(t, m, 1, "pocket_servicer_relays_total", "servicer", application, "code", "ANSWERED")
	wantValue(t, m, 1, "pocket_servicer_relays_total", "servicer", application, "code", "REPLAYED")
	wantValue(t, m, 1000, "pocket_servicer_relays_total", "servicer", application, "code", "UNLISTED")
	wantValue(t, m, 1, "pocket_servicer_relay_seconds", "result", "answered")
	wantValue(t, m, 1002, "pocket_servicer_relay_seconds", "result", "refused")
	wantValue(t, m, 5, "pocket_servicer_volume_relays_total", "servicer", application, "result", "stored")
	if got := len(gathered(t, m)["pocket_servicer_relays_total"].GetMetric()); got != len(types.RelayErrorCode_name)+1 {
		t.Errorf("%d series", got)
	}
}

// A node without roles and without a block shows neither of them, and takes what it is told all the same.
func TestNodeWithoutRoles(t *testing.T) {
	m := New(Sources{Head: func() (types.Head, bool) { return types.Head{}, false }}, silent)
	m.Round(Round{Record: doneRound(2)})
	m.Relays(application)(0, time.Second)
	for name := range gathered(t, m) {
		if strings.HasPrefix(name, "pocket_") && name != "pocket_build_info" {
			t.Errorf("shows %s", name)
		}
	}
}

func TestStateIsShown(t *testing.T) {
	m := populated()
	wantValue(t, m, 7, "pocket_chain_height")
	wantValue(t, m, 1_700_000_000.25, "pocket_chain_head_timestamp_seconds")
	wantValue(t, m, 3, "pocket_chain_peers")
	wantValue(t, m, 4096, "pocket_store_bytes", "store", "samples")
	wantValue(t, m, 1, "pocket_store_durable", "store", "samples")
	wantValue(t, m, 1, "pocket_store_evicted_sessions_total", "store", "samples")
	if _, there := value(gathered(t, m)["pocket_store_durable"], "store", "relays"); there {
		t.Error("tells of the relays' durability, which is not known")
	}
	sources, failing := full(some()), false
	sources.Stores = func() []Store { return []Store{{Name: "samples", Evicted: 5, Durable: &failing}} }
	m = New(sources, silent)
	wantValue(t, m, 0, "pocket_store_durable", "store", "samples")
	if gathered(t, m)["pocket_store_evicted_sessions_total"] != nil {
		t.Error("a counter of a store that is not there")
	}
}

func scrape(t *testing.T, handler http.Handler, accept string) (*http.Response, string) {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", accept)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return recorder.Result(), string(body)
}

// A scraper that takes the binary form gets native histograms; any other gets classic buckets.
func TestHandler(t *testing.T) {
	m := populated()
	response, text := scrape(t, m.Handler(), "text/plain")
	if response.StatusCode != http.StatusOK || !strings.Contains(text, `pocket_fisherman_round_trip_seconds_bucket{connection="warm",relay_chain="0001",le="0.025"}`) {
		t.Errorf("%d: %.300s", response.StatusCode, text)
	}
	response, _ = scrape(t, m.Handler(), "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	if got := response.Header.Get("Content-Type"); !strings.Contains(got, "protobuf") {
		t.Errorf("content type %s", got)
	}
	histogram := gathered(t, m)["pocket_fisherman_round_trip_seconds"].GetMetric()[0].GetHistogram()
	if len(histogram.GetPositiveSpan()) == 0 || len(histogram.GetBucket()) != len(roundTripBuckets) {
		t.Errorf("%d native spans, %d classic buckets", len(histogram.GetPositiveSpan()), len(histogram.GetBucket()))
	}
}

// Scrapes that hang hold up no round, and no more than so many of them wait.
func TestScrapesThatHang(t *testing.T) {
	hang, entered := make(chan struct{}), make(chan struct{}, 1)
	m := New(full(func(context.Context, int) ([]samples.Running, error) { entered <- struct{}{}; <-hang; return nil, nil }), silent)
	handler := m.Handler()
	statuses := make(chan int, mostScrapes)
	var scrapes sync.WaitGroup
	for range mostScrapes {
		scrapes.Go(func() {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			statuses <- recorder.Code
		})
	}
	<-entered
	for range 100 {
		m.Round(Round{RelayChain: "0001", Record: doneRound(24), Stored: true})
	}
	for refused := false; !refused; {
		recorder := httptest.NewRecorder()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil).WithContext(ctx))
		refused = recorder.Code == http.StatusServiceUnavailable
	}
	close(hang)
	scrapes.Wait()
	wantValue(t, m, 100, "pocket_fisherman_rounds_total", "status", "DONE")
}

// Telling of a round while others scrape; the race detector watches.
func TestRoundsDuringScrapes(t *testing.T) {
	m := New(full(some(session("0001", members(1, 4)))), silent)
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			for range 50 {
				m.Round(Round{RelayChain: "0001", Record: doneRound(6), Stored: true})
			}
		})
		both.Go(func() {
			for range 5 {
				if _, err := m.Gatherer().Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	wantValue(t, m, 200, "pocket_fisherman_rounds_total", "status", "DONE")
}

// Telling of a round of 24 allocates next to nothing.
func TestRoundAllocatesLittle(t *testing.T) {
	m := New(full(some()), silent)
	round := Round{RelayChain: "0001", Record: doneRound(24), Stored: true}
	m.Round(round)
	if got := testing.AllocsPerRun(100, func() { m.Round(round) }); got > 4 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkRoundOf24(b *testing.B) {
	m := New(full(some()), silent)
	round := Round{RelayChain: "0001", Record: doneRound(24), Stored: true}
	b.ReportAllocs()
	for b.Loop() {
		m.Round(round)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := New(full(some(session("0001", members(0, 1000)))), silent)
	m.Round(Round{RelayChain: "0001", Record: doneRound(24), Stored: true})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Gatherer().Gather(); err != nil {
			b.Fatal(err)
		}
	}
}

package observability

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	program   = "../../bin/pocket"
	folder    = "../../build/observability/"
	alerts    = folder + "prometheus/alerts.yaml"
	interval  = 500 * time.Millisecond
	patience  = 90 * time.Second
	shortTerm = "6s" // instead of $__rate_interval
)

// silent are the panels that show nothing while nothing is wrong, and those of money, which a LocalNet does not cost.
var silent = []string{"Why checks do not count", "Spent an hour", "Left of the budget", "Checks that the budget did not pay for"}

// localNet runs a LocalNet and returns the address of its API.
func localNet(t *testing.T) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, program, "localnet", "--rpc-listen", "127.0.0.1:0", "--home", t.TempDir(),
		"--block-time", "400ms", "--blocks-per-session", "8", "--checks-per-session", "8")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v; build it with 'make build'", err)
	}
	drained := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-drained
		_ = command.Wait()
	})
	found := make(chan string, 1)
	go func() {
		defer close(drained)
		api := regexp.MustCompile(`node API +http://(\S+)`)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if match := api.FindStringSubmatch(lines.Text()); match != nil {
				found <- match[1]
			}
		}
	}()
	select {
	case address := <-found:
		return address
	case <-time.After(patience):
		t.Fatal("the LocalNet does not say where its API is")
		return ""
	}
}

// server has the parts of a Prometheus.
type server struct {
	t      *testing.T
	db     *tsdb.DB
	engine *promql.Engine
	rules  *rules.Manager
}

// startServer scrapes one node as prometheus.yaml says, but more often, and evaluates the alerts.
func startServer(t *testing.T, address string) *server {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := tsdb.Open(t.TempDir(), nil, prometheus.NewRegistry(), tsdb.DefaultOptions(), nil)
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: 10 * time.Second, EnableAtModifier: true})
	t.Cleanup(func() { _ = engine.Close() })

	configuration, err := config.LoadFile(folder+"prometheus/prometheus.yaml", false, slog.New(slog.DiscardHandler))
	must(err)
	for _, job := range configuration.ScrapeConfigs {
		job.ScrapeInterval, job.ScrapeTimeout = model.Duration(interval), model.Duration(interval)
	}
	scraper, err := scrape.NewManager(nil, nil, nil, nil, db, prometheus.NewRegistry())
	must(err)
	must(scraper.ApplyConfig(configuration))
	targets := make(chan map[string][]*targetgroup.Group, 1)
	targets <- map[string][]*targetgroup.Group{"pocket": {{Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(address)}}}}}
	scraping := make(chan error, 1)
	go func() { scraping <- scraper.Run(targets) }()
	t.Cleanup(func() { scraper.Stop(); <-scraping })

	manager := rules.NewManager(&rules.ManagerOptions{
		Context: t.Context(), ExternalURL: &url.URL{}, Queryable: db, AppendableV2: db,
		QueryFunc:  rules.EngineQueryFunc(engine, db),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Registerer: prometheus.NewRegistry(),
	})
	must(manager.Update(interval, []string{hastened(t)}, labels.EmptyLabels(), "", nil))
	go manager.Run()
	t.Cleanup(manager.Stop)
	return &server{t: t, db: db, engine: engine, rules: manager}
}

// hastened returns the path of the alerts with seconds instead of the minute that a verdict has to last, as the node is
// scraped more often.
func hastened(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(alerts)
	if err != nil {
		t.Fatal(err)
	}
	const lasting, brief = "for: 1m\n        keep_firing_for: 5m", "for: 2s\n        keep_firing_for: 10s"
	if found := strings.Count(string(data), lasting); found != 4 {
		t.Errorf("%d alerts on verdicts that last", found)
	}
	path := filepath.Join(t.TempDir(), "alerts.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(data), lasting, brief)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// query evaluates an expression now, and returns the number of series in its answer.
func (s *server) query(expression string) int {
	s.t.Helper()
	query, err := s.engine.NewInstantQuery(s.t.Context(), s.db, nil, expression, time.Now())
	if err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	defer query.Close()
	result := query.Exec(s.t.Context())
	if result.Err != nil {
		s.t.Fatalf("%s: %v", expression, result.Err)
	}
	vector, err := result.Vector()
	if err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	if len(result.Warnings) > 0 {
		s.t.Errorf("%s: %v", expression, result.Warnings)
	}
	return len(vector)
}

// until polls until nothing is missing.
func (s *server) until(missing func() []string) {
	s.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	looks := time.NewTicker(interval)
	defer looks.Stop()
	for {
		left := missing()
		if len(left) == 0 {
			return
		}
		select {
		case <-looks.C:
		case <-deadline.C:
			s.t.Fatalf("still missing after %s:\n%s", patience, strings.Join(left, "\n"))
		}
	}
}

// panel is a query of the dashboard.
type panel struct{ title, expression string }

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	data, err := os.ReadFile(folder + "grafana/fisherman.json")
	if err != nil {
		t.Fatal(err)
	}
	type shown struct {
		Type, Title string
		Targets     []struct{ Expr string }
		// Panels are those of a row that is closed.
		Panels []shown
	}
	var read shown
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", shortTerm, "$__range", "1m", "$instance", ".*", "$relay_chain", ".*", "$servicer", ".*")
	all := read.Panels
	for _, row := range read.Panels {
		all = append(all, row.Panels...)
	}
	for _, each := range all {
		if each.Type != "row" && len(each.Targets) == 0 {
			t.Errorf("panel %q asks nothing", each.Title)
		}
		for _, target := range each.Targets {
			panels = append(panels, panel{each.Title, variables.Replace(target.Expr)})
		}
	}
	if len(panels) < 20 {
		t.Fatalf("%d queries", len(panels))
	}
	return panels
}

// metricsOf returns the names of the metrics in an expression.
func metricsOf(expression parser.Expr) (names []string) {
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			names = append(names, selector.Name)
		}
		return nil
	})
	return names
}

// isElsewhere reports whether a metric is one of a feed or a collector, which a LocalNet has not; the documents have to know it,
// which a test of package telemetry holds against what is there.
func isElsewhere(t *testing.T, name string) bool {
	t.Helper()
	if !strings.HasPrefix(name, "pocket_feed_") && !strings.HasPrefix(name, "pocket_collector_") {
		return false
	}
	documented, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(documented), "`"+name+"`") {
		t.Errorf("there is no metric %s", name)
	}
	return true
}

// A real node, scraped by Prometheus: every panel shows something, every metric of an alert is there, and the expected
// alerts of a LocalNet are firing: one of its servicers is down, one lies and one is slow.
func TestPrometheusSeesALocalNet(t *testing.T) {
	panels := dashboard(t)
	s := startServer(t, localNet(t))
	s.until(func() (missing []string) {
		for _, panel := range panels {
			if s.query(panel.expression) == 0 && !slices.Contains(silent, panel.title) {
				missing = append(missing, fmt.Sprintf("panel %q: %s", panel.title, panel.expression))
			}
		}
		for _, rule := range s.rules.AlertingRules() {
			s.query(rule.Query().String())
			for _, name := range metricsOf(rule.Query()) {
				if s.query(name) == 0 && !isElsewhere(t, name) {
					missing = append(missing, fmt.Sprintf("alert %s: there is no %s", rule.Name(), name))
				}
			}
		}
		return missing
	})
	// Native histograms were scraped together with the classic ones.
	s.until(func() []string {
		if s.query(`histogram_count(pocket_fisherman_round_trip_seconds) > 0`) == 0 {
			return []string{"native histogram of round-trip times"}
		}
		return nil
	})
	fired := make(map[string]bool)
	s.until(func() (missing []string) {
		for _, rule := range s.rules.AlertingRules() {
			if rule.Health() == rules.HealthBad {
				t.Errorf("alert %s: %v", rule.Name(), rule.LastError())
			}
			if rule.State() == rules.StateFiring {
				fired[rule.Name()] = true
			}
		}
		for _, deserved := range []string{"PocketServicerUnavailable", "PocketServicerInconsistent", "PocketServicerSlow"} {
			if !fired[deserved] {
				missing = append(missing, deserved)
			}
		}
		return missing
	})
	for _, undeserved := range []string{"PocketNodeDown", "PocketChainStandsStill", "PocketStoreNotDurable", "PocketNoChecks", "PocketUpstreamFails"} {
		if fired[undeserved] {
			t.Errorf("%s fires", undeserved)
		}
	}
}

// Every alert has a unit test.
func TestEveryAlertIsTested(t *testing.T) {
	names := func(path, pattern string) (found []string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(data), -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	have, tested := names(alerts, `- alert: (\w+)`), names(folder+"prometheus/alerts_test.yaml", `alertname: (\w+)`)
	if len(have) < 20 || !slices.Equal(have, tested) {
		t.Errorf("alerts %v\ntested %v", have, tested)
	}
}

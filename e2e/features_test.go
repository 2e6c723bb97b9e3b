package e2e

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cucumber/godog"
)

// patience bounds every wait of a story; a wait that takes longer has failed.
const patience = 90 * time.Second

// withoutShannon leaves out the stories whose far side is the live network's own software.
const withoutShannon = "~@shannon"

// featureSet is a list of features that run in their order and may share networks.
type featureSet struct {
	name     string
	features []string
	// concurrent is how many of its stories run at once; more than one is for stories that share no network.
	concurrent int
	// blockTime is that of the networks that its stories share.
	blockTime time.Duration
}

// places bounds what runs at once: sets of features, and the other tests of this package. They wait more than they compute,
// but they measure time.
var places = make(chan struct{}, 3)

// takePlace gives a test a place until it ends. It does so before tests run beside each other, so that such a test begins
// before the sets. There are fewer of them than places.
func takePlace(t *testing.T) {
	t.Helper()
	places <- struct{}{}
	t.Cleanup(func() { <-places })
	t.Parallel()
}

// featureSets run beside each other, because stories spend their time waiting for blocks. They share nothing but the
// machine. They start in this order; those that take longest come first.
var featureSets = []featureSet{
	{"live network", []string{"shannon"}, 2, blockTime},
	{"Ethereum", []string{"endpoints", "relay_ethereum"}, 1, blockTime},
	{"checks and relays", []string{"qos_single_check", "qos_window", "qos_rolling", "evidence", "relay", "session",
		"parameters", "relay_refusals", "relay_storage"}, 1, blockTime},
	// These stories wait for heights, and measure nothing.
	{"stakes", []string{"staking"}, 1, blockTime * 2 / 5},
	{"networks of their own", []string{"substitution", "validators", "qos_freshness", "qos_rest", "relay_upstream"}, 2, blockTime},
}

// possible returns the tags of the stories that can run here.
func possible(t *testing.T) string {
	named := cmp.Or(os.Getenv("POCKET_POCKETD"), filepath.Join("..", "bin", "pocketd"))
	if _, err := os.Stat(named); err != nil {
		t.Logf("no pocketd at %s: features of the live Pocket network are skipped; run 'make pocketd' first", named)
		return withoutShannon
	}
	return ""
}

// TestFeatures runs all features. To run one scenario: go test ./e2e -run 'TestFeatures/.*/<name of the scenario>'.
func TestFeatures(t *testing.T) {
	t.Parallel()
	tags, binary, geth := possible(t), buildBinary(t), gethProgram(t)
	var running sync.WaitGroup
	defer running.Wait()
	for _, set := range featureSets {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			t.Run(set.name, func(t *testing.T) { set.run(t, newNetworks(t, binary, geth, set.blockTime), tags) })
		})
	}
}

// run runs the stories of a set. The log has them as godog writes them.
func (set featureSet) run(t *testing.T, networks *networks, tags string) {
	var written bytes.Buffer
	defer func() { t.Log(written.String()) }()
	options := &godog.Options{Format: "pretty", Strict: true, TestingT: t, NoColors: true, Tags: tags,
		Concurrency: set.concurrent, Output: &written}
	for _, feature := range set.features {
		options.Paths = append(options.Paths, filepath.Join("tests", feature+".feature"))
	}
	suite := godog.TestSuite{
		Name: set.name,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			s := &story{networks: networks}
			s.steps(scenario)
			scenario.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
				return ctx, s.end()
			})
		},
		Options: options,
	}
	if suite.Run() != 0 {
		t.Error("not all stories hold")
	}
}

// steps registers the steps of all features.
func (s *story) steps(scenario *godog.ScenarioContext) {
	s.networkSteps(scenario)
	s.qosSteps(scenario)
	s.sessionSteps(scenario)
	s.relaySteps(scenario)
	s.ethereumSteps(scenario)
	s.actorSteps(scenario)
	s.parameterSteps(scenario)
	s.refusalSteps(scenario)
	s.storageSteps(scenario)
	s.substitutionSteps(scenario)
	s.evidenceSteps(scenario)
	s.upstreamSteps(scenario)
	s.validatorSteps(scenario)
	s.windowSteps(scenario)
	s.rollingSteps(scenario)
	s.freshnessSteps(scenario)
	s.shannonSteps(scenario)
	s.endpointsSteps(scenario)
	s.alertsSteps(scenario)
}

// Every file of a feature is in one set.
func TestFeatureSets(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("tests", "*.feature"))
	if err != nil {
		t.Fatal(err)
	}
	sets := make(map[string]int)
	for _, set := range featureSets {
		for _, feature := range set.features {
			sets[filepath.Join("tests", feature+".feature")]++
		}
	}
	if named := slices.Sorted(maps.Keys(sets)); !slices.Equal(named, files) {
		t.Errorf("the sets have %v, and there are %v", named, files)
	}
	for file, count := range sets {
		if count != 1 {
			t.Errorf("%s is in %d sets", file, count)
		}
	}
}

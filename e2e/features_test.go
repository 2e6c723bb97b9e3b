package e2e

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cucumber/godog"
)

// patience bounds every wait of a story; a wait that takes longer has failed.
const patience = 90 * time.Second

// withoutShannon leaves out the stories whose far side is the live network's own software.
const withoutShannon = "~@shannon"

// possible returns the tags of the stories that can be told here.
func possible(t *testing.T) string {
	named := cmp.Or(os.Getenv("POCKET_POCKETD"), filepath.Join("..", "bin", "pocketd"))
	if _, err := os.Stat(named); err != nil {
		t.Logf("no pocketd at %s: features of the live Pocket network are skipped; run 'make pocketd' first", named)
		return withoutShannon
	}
	return ""
}

// TestFeatures runs all features. To run one: go test ./e2e -run 'TestFeatures/<name of the scenario>'.
func TestFeatures(t *testing.T) {
	networks := newNetworks(t)
	suite := godog.TestSuite{
		Name: "e2e",
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			s := &story{networks: networks}
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
			scenario.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
				return ctx, s.end()
			})
		},
		Options: &godog.Options{Format: "pretty", Paths: []string{"tests"}, Strict: true, TestingT: t, NoColors: true,
			Tags: possible(t)},
	}
	if suite.Run() != 0 {
		t.Fatal("not all stories hold")
	}
}

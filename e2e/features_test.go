package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/cucumber/godog"
)

// patience bounds every wait of a story; a wait that takes longer has failed.
const patience = 90 * time.Second

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
			s.freshnessSteps(scenario)
			s.endpointsSteps(scenario)
			scenario.After(func(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
				return ctx, s.end()
			})
		},
		Options: &godog.Options{Format: "pretty", Paths: []string{"tests"}, Strict: true, TestingT: t, NoColors: true},
	}
	if suite.Run() != 0 {
		t.Fatal("not all stories hold")
	}
}

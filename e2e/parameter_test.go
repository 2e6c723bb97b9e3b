package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func (s *story) parameterSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^the owner changes "([a-z_.]+)" to "([^"]*)"$`, s.ownerChanges)
	scenario.Given(`^the owner has changed "([a-z_.]+)" to "([^"]*)"$`, s.ownerHasChanged)
	scenario.When(`^the owner has put it on the access list$`, func() error { return s.admitted(s.address) })
	scenario.When(`^the owner takes it off the access list$`, func() error { return s.admitted() })
	scenario.When(`^the application changes "([a-z_.]+)" to "([^"]*)"$`, func(parameter, value string) error {
		if err := s.reach(1); err != nil {
			return err
		}
		return s.transact("change-parameter", "--from", s.network.Application(), "--parameter", parameter, "--value", value)
	})
	scenario.Then(`^the session of that block has (\d+) planned checks$`, func(checks int) error {
		return s.planned(s.inSessionOf(s.receipt.Height), checks)
	})
	scenario.Then(`^the session after it has (\d+) planned checks$`, func(checks int) error {
		return s.planned(s.inSessionOf(s.receipt.Height)+s.options.BlocksPerSession, checks)
	})
}

func (s *story) ownerChanges(parameter, value string) error {
	owner, err := s.validator()
	if err != nil {
		return err
	}
	return s.carriedOut("change-parameter", "--from", owner, "--parameter", parameter, "--value", value)
}

// ownerHasChanged also waits for the session in which the change takes effect.
func (s *story) ownerHasChanged(parameter, value string) error {
	if err := s.ownerChanges(parameter, value); err != nil {
		return err
	}
	return s.reach(s.inSessionOf(s.receipt.Height) + s.options.BlocksPerSession)
}

// admitted has the owner replace the access list: by the network's own fisherman and others. It waits for the session in
// which that takes effect.
func (s *story) admitted(others ...string) error {
	status, err := s.network.api.Status(context.Background())
	if err != nil {
		return err
	}
	list := append(others, *status.Fisherman)
	slices.Sort(list)
	return s.ownerHasChanged("governance.fisherman_access_list", strings.Join(list, ","))
}

// planned reads a session once the next one has begun, so that its plan can no longer change.
func (s *story) planned(height int64, checks int) error {
	if err := s.reach(height + s.options.BlocksPerSession); err != nil {
		return err
	}
	return s.network.await(fmt.Sprintf("the session of block %d is in the report", height), func(ctx context.Context) (bool, error) {
		report, err := s.network.api.QoS(ctx, client.QoSFilter{Last: 20})
		at := slices.IndexFunc(report.Sessions, func(r api.SessionReport) bool {
			return r.Height == height && r.Application == s.network.Application()
		})
		if err != nil || at < 0 {
			return false, err
		}
		got := report.Sessions[at].ChecksPlanned
		return true, expect(got == checks, "%d checks planned in the session of block %d", got, height)
	})
}

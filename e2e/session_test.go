package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func (s *story) sessionSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^the session has ended$`, s.sessionEnded)
	scenario.Then(`^the two sessions have different ids and follow each other without a gap$`, s.follow)
	scenario.Then(`^in both every servicer of the network was sampled$`, s.allSampled)
	scenario.Then(`^the checks before the fisherman came count as dropped, not as null$`, s.missedAreDropped)
	scenario.Then(`^it has sampled the rest of the session$`, s.restSampled)
	scenario.Then(`^the samples from before the stop are still there$`, s.samplesKept)
}

// sessionEnded waits until the interrupted session is accounted for in full.
func (s *story) sessionEnded() error {
	return s.network.await("the interrupted session has ended", func(ctx context.Context) (bool, error) {
		report, err := s.network.api.QoS(ctx, client.QoSFilter{SessionID: s.interrupted.ID})
		if err != nil || len(report.Sessions) != 1 {
			return false, err
		}
		s.sessions = report.Sessions
		r := s.session()
		status, err := s.network.api.Status(ctx)
		over := err == nil && status.Height >= r.Height+s.options.BlocksPerSession
		return over && r.ChecksDone+r.ChecksDropped+r.ChecksVoid == r.ChecksPlanned, err
	})
}

func (s *story) follow() error {
	if len(s.sessions) != 2 {
		return fmt.Errorf("%d sessions", len(s.sessions))
	}
	first, second := s.sessions[0], s.sessions[1]
	return expect(first.ID != second.ID && second.Height == first.Height+s.options.BlocksPerSession,
		"session %s at %d, then %s at %d", first.ID, first.Height, second.ID, second.Height)
}

func (s *story) allSampled() error {
	for _, session := range s.sessions {
		for _, servicer := range s.network.Servicers() {
			sampled := slices.ContainsFunc(session.Servicers, func(r api.ServicerReport) bool {
				return r.Address == servicer.Address && r.Samples == session.ChecksDone && r.Samples > 0
			})
			if !sampled {
				return fmt.Errorf("servicer %s was not in every check of session %s", servicer.Address, session.ID)
			}
		}
	}
	return nil
}

func (s *story) missedAreDropped() error {
	r := s.session()
	if r.ChecksDropped == 0 || r.Complete {
		return fmt.Errorf("%d checks dropped, complete: %v", r.ChecksDropped, r.Complete)
	}
	for _, servicer := range r.Servicers {
		if servicer.NullSamples != 0 || servicer.Samples != r.ChecksDone {
			return fmt.Errorf("servicer %s has %d samples of %d checks, %d of them null", servicer.Address, servicer.Samples, r.ChecksDone, servicer.NullSamples)
		}
	}
	return nil
}

func (s *story) restSampled() error {
	return expect(s.session().ChecksDone >= 2, "%d checks done", s.session().ChecksDone)
}

func (s *story) samplesKept() error {
	before, after := s.interrupted, s.session()
	if before.ChecksDone == 0 {
		return errors.New("nothing had been sampled before the stop")
	}
	return expect(after.ChecksDone > before.ChecksDone, "%d checks done before the stop, %d at the session's end", before.ChecksDone, after.ChecksDone)
}

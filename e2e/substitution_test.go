package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// substitutionStory is what a story knows of a servicer that leaves a session.
type substitutionStory struct {
	leaver string
}

func (s *story) substitutionSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^a servicer pauses early in a session$`, s.leaveEarly)
	scenario.Then(`^the session has all servicers up to that block, and the others from the following block on$`, s.membersChange)
	scenario.Then(`^the leaver is not asked any more in the rest of the session$`, s.notAsked)
	scenario.Then(`^the leaver keeps its samples, none of them null$`, func() error {
		r, err := s.leaverIn(s.session())
		if err != nil {
			return err
		}
		return expect(r.Samples > 0 && r.NullSamples == 0, "%d samples, %d of them null: %v", r.Samples, r.NullSamples, r.Outcomes)
	})
	scenario.Then(`^the others answered every check of the session$`, s.othersAnswered)
}

// leaveEarly pauses a servicer that has been sampled in the session, with most of the session still to come.
func (s *story) leaveEarly() error {
	s.leaver = s.network.Servicers()[0].Address
	err := s.network.await("the servicer was sampled early in a session", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		if early := status.Height % s.options.BlocksPerSession; err != nil || early < 2 || early > 4 {
			return false, err
		}
		r, err := s.atSession(s.inSessionOf(status.Height))
		if err != nil {
			return false, err
		}
		leaver, err := s.leaverIn(r)
		return err == nil && leaver.Samples > 0, nil
	})
	if err != nil {
		return err
	}
	return s.carriedOut("pause", "--from", s.leaver, "--type", "servicer")
}

func (s *story) membersChange() error {
	left := s.receipt.Height
	if err := s.reach(left + 1); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for height, servicers := range map[int64]int{left: len(s.network.Servicers()), left + 1: len(s.network.Servicers()) - 1} {
		session, err := s.network.api.Session(ctx, s.network.Application(), relayChain, height)
		if err != nil {
			return err
		}
		is := slices.ContainsFunc(session.Servicers, func(a client.Actor) bool { return a.Address == s.leaver })
		if len(session.Servicers) != servicers || is != (height == left) {
			return fmt.Errorf("%d servicers at block %d, the leaver among them: %v; it paused in block %d", len(session.Servicers), height, is, left)
		}
	}
	return nil
}

// notAsked compares the leaver's samples soon after it left with those at the end, when the others have more.
func (s *story) notAsked() error {
	start := s.inSessionOf(s.receipt.Height)
	// A round of the last block with the leaver may still be under way in the following one.
	if err := s.reach(s.receipt.Height + 3); err != nil {
		return err
	}
	soon, err := s.atSession(start)
	if err != nil {
		return err
	}
	before, err := s.leaverIn(soon)
	if err != nil {
		return err
	}
	err = s.network.await("the session is complete", func(context.Context) (bool, error) {
		r, err := s.atSession(start)
		s.sessions = []client.SessionReport{r}
		return r.Complete, err
	})
	if err != nil {
		return err
	}
	after, err := s.leaverIn(s.session())
	if err != nil {
		return err
	}
	return expect(after.Samples == before.Samples && after.Samples < s.session().ChecksDone,
		"%d samples of the leaver after it had left, %d at the end, %d checks", before.Samples, after.Samples, s.session().ChecksDone)
}

func (s *story) othersAnswered() error {
	r := s.session()
	for _, servicer := range r.Servicers {
		if servicer.Address != s.leaver && (servicer.Samples != r.ChecksDone || servicer.NullSamples != 0) {
			return fmt.Errorf("servicer %s has %d samples of %d checks, %d null", servicer.Address, servicer.Samples, r.ChecksDone, servicer.NullSamples)
		}
	}
	return expect(len(r.Servicers) == len(s.network.Servicers()), "%d servicers in the report", len(r.Servicers))
}

// atSession reads the report of the session that begins at a height.
func (s *story) atSession(start int64) (client.SessionReport, error) {
	report, err := s.report()
	if err != nil {
		return client.SessionReport{}, err
	}
	at := slices.IndexFunc(report.Sessions, func(r client.SessionReport) bool { return r.Height == start })
	if at < 0 {
		return client.SessionReport{}, nil
	}
	return report.Sessions[at], nil
}

func (s *story) leaverIn(r client.SessionReport) (client.ServicerReport, error) {
	at := slices.IndexFunc(r.Servicers, func(servicer client.ServicerReport) bool { return servicer.Address == s.leaver })
	if at < 0 {
		return client.ServicerReport{}, errors.New("the leaver is not in the report of the session")
	}
	return r.Servicers[at], nil
}

package e2e

import (
	"bytes"
	"context"
	"crypto/sha3"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// substitutionStory is the state of a story about a servicer that leaves a session.
type substitutionStory struct {
	leaver string
	// newcomer replaces it; empty if no servicer stands by.
	newcomer string
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
	scenario.Then(`^from the following block on the next in rank has its place, and the other members have not moved$`, s.nextInRank)
	scenario.Then(`^the newcomer was asked in every check since, and none of its samples is null$`, s.newcomerAsked)
	scenario.Then(`^the others answered every check of the session$`, s.othersAnswered)
}

// leaveEarly pauses the first in rank once it has been sampled in the session, early in the session.
func (s *story) leaveEarly() error {
	err := s.network.await("the servicer was sampled early in a session", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		if early := status.Height % s.options.BlocksPerSession; err != nil || early < 2 || early > 4 {
			return false, err
		}
		session, err := s.network.api.Session(ctx, s.network.Application(), relayChain, status.Height)
		if err != nil {
			return false, err
		}
		s.leaver = session.Servicers[0].Address
		r, err := s.atSession(session.StartHeight)
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
		is := slices.ContainsFunc(session.Servicers, func(a api.Actor) bool { return a.Address == s.leaver })
		if len(session.Servicers) != servicers || is != (height == left) {
			return fmt.Errorf("%d servicers at block %d, the leaver among them: %v; it paused in block %d", len(session.Servicers), height, is, left)
		}
	}
	return nil
}

// nextInRank computes the rank of every servicer as the protocol defines it: SHA3-256 of the session's id and the
// address.
func (s *story) nextInRank() error {
	left := s.receipt.Height
	if err := s.reach(left + 1); err != nil {
		return err
	}
	before, ranked, err := s.membersAt(left)
	if err != nil {
		return err
	}
	after, _, err := s.membersAt(left + 1)
	if err != nil {
		return err
	}
	size := int(s.options.ServicersPerSession)
	s.newcomer = ranked[size]
	if !slices.Equal(before, ranked[:size]) || before[0] != s.leaver || !slices.Equal(after, ranked[1:size+1]) {
		return fmt.Errorf("%s paused in block %d; the members were %v and are %v, by rank the servicers are %v", s.leaver, left, before, after, ranked)
	}
	return nil
}

// membersAt returns the servicers of the session at a block, and all servicers of the network by their rank in it.
func (s *story) membersAt(height int64) (members, ranked []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := s.network.api.Session(ctx, s.network.Application(), relayChain, height)
	if err != nil {
		return nil, nil, err
	}
	for _, member := range session.Servicers {
		members = append(members, member.Address)
	}
	for _, servicer := range s.network.Servicers() {
		ranked = append(ranked, servicer.Address)
	}
	rank := func(address string) []byte {
		preimage, decodeErr := hex.DecodeString(session.ID + address)
		err = errors.Join(err, decodeErr)
		sum := sha3.Sum256(preimage)
		return sum[:]
	}
	slices.SortFunc(ranked, func(a, b string) int { return bytes.Compare(rank(a), rank(b)) })
	return members, ranked, err
}

// newcomerAsked: every check of the session asked either the leaver or the newcomer, so that together they have a
// sample of each; no other servicer is in the report.
func (s *story) newcomerAsked() error {
	r := s.session()
	leaver, err := s.servicerIn(r, s.leaver)
	if err != nil {
		return err
	}
	newcomer, err := s.servicerIn(r, s.newcomer)
	if err != nil {
		return err
	}
	if newcomer.Samples == 0 || newcomer.NullSamples != 0 || leaver.Samples+newcomer.Samples != r.ChecksDone {
		return fmt.Errorf("%d samples of the leaver, %d of the newcomer, of these %d null, in %d checks", leaver.Samples, newcomer.Samples,
			newcomer.NullSamples, r.ChecksDone)
	}
	return expect(len(r.Servicers) == int(s.options.ServicersPerSession)+1, "%d servicers in the report", len(r.Servicers))
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
		s.sessions = []api.SessionReport{r}
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
		if servicer.Address != s.leaver && servicer.Address != s.newcomer && (servicer.Samples != r.ChecksDone || servicer.NullSamples != 0) {
			return fmt.Errorf("servicer %s has %d samples of %d checks, %d null", servicer.Address, servicer.Samples, r.ChecksDone, servicer.NullSamples)
		}
	}
	return expect(s.newcomer != "" || len(r.Servicers) == len(s.network.Servicers()), "%d servicers in the report", len(r.Servicers))
}

// atSession reads the report of the session that begins at a height.
func (s *story) atSession(start int64) (api.SessionReport, error) {
	report, err := s.report()
	if err != nil {
		return api.SessionReport{}, err
	}
	at := slices.IndexFunc(report.Sessions, func(r api.SessionReport) bool { return r.Height == start })
	if at < 0 {
		return api.SessionReport{}, nil
	}
	return report.Sessions[at], nil
}

func (s *story) leaverIn(r api.SessionReport) (api.ServicerReport, error) {
	return s.servicerIn(r, s.leaver)
}

func (s *story) servicerIn(r api.SessionReport, address string) (api.ServicerReport, error) {
	at := slices.IndexFunc(r.Servicers, func(servicer api.ServicerReport) bool { return servicer.Address == address })
	if at < 0 {
		return api.ServicerReport{}, fmt.Errorf("servicer %s is not in the report of the session", address)
	}
	return r.Servicers[at], nil
}

package e2e

import (
	"context"
	"fmt"
	"slices"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// qosStory is the state of a story about samples.
type qosStory struct {
	// sessions under test, oldest first; the steps about servicers look at the last one.
	sessions []api.SessionReport
	// interrupted is the session as it was when the network was stopped.
	interrupted api.SessionReport
}

func (s *story) qosSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^the fisherman has sampled a session from its first block to its last$`, func() error { return s.sampleSessions(1) })
	scenario.When(`^the fisherman has sampled (\d+) whole sessions$`, s.sampleSessions)
	scenario.Then(`^done, dropped and void checks add up to the planned ones$`, s.checksAddUp)
	scenario.Then(`^in both done, dropped and void checks add up to the planned ones$`, s.checksAddUp)
	scenario.Then(`^the servicers are listed worst first, each with a reason$`, s.worstFirst)
	s.perServicer(scenario, `answered every check`, func(r api.ServicerReport) error {
		return expect(r.Samples > 0 && r.NullSamples == 0 && r.Outcomes["OK"] == r.Samples, "%d samples, %d null", r.Samples, r.NullSamples)
	})
	s.perServicer(scenario, `has the availability 1`, func(r api.ServicerReport) error {
		return expect(r.Availability.Value != nil && *r.Availability.Value == 1, "availability %v", show(r.Availability.Value))
	})
	s.perServicer(scenario, `has the availability 0`, func(r api.ServicerReport) error {
		return expect(r.Availability.Value != nil && *r.Availability.Value == 0, "availability %v", show(r.Availability.Value))
	})
	s.perServicer(scenario, `agrees with the majority in every check of a settled block`, func(r api.ServicerReport) error {
		settled, err := s.settled(r.Address)
		if err != nil {
			return err
		}
		return expect(settled > 0 && r.Consistency.Agree == settled && r.Consistency.Disagree+r.Consistency.Undecidable == 0,
			"%+v of %d samples, %d of settled blocks", r.Consistency, r.Samples, settled)
	})
	s.perServicer(scenario, `is not behind`, func(r api.ServicerReport) error {
		return expect(r.Freshness.Claims > 0 && r.Freshness.Behind == 0, "%+v", r.Freshness)
	})
	s.perServicer(scenario, `disagrees with the majority in every decidable check`, func(r api.ServicerReport) error {
		return expect(r.Consistency.Disagree > 0 && r.Consistency.Agree == 0, "%+v", r.Consistency)
	})
	s.perServicer(scenario, `has a median round-trip time within the SLA`, func(r api.ServicerReport) error {
		return expect(r.RoundTripTimes.P50 != nil && 2*r.OverSLA < r.Samples, "p50 %v ms, %d over the SLA", show(r.RoundTripTimes.P50), r.OverSLA)
	})
	s.perServicer(scenario, `has a median round-trip time from 400 to 460 ms`, func(r api.ServicerReport) error {
		return expect(r.RoundTripTimes.P50 != nil && *r.RoundTripTimes.P50 >= 400 && *r.RoundTripTimes.P50 <= 460, "p50 %v ms", show(r.RoundTripTimes.P50))
	})
	s.perServicer(scenario, `was over the SLA in every check`, func(r api.ServicerReport) error {
		return expect(r.OverSLA == r.Samples, "%d of %d over the SLA", r.OverSLA, r.Samples)
	})
	s.perServicer(scenario, `has no round-trip time`, func(r api.ServicerReport) error {
		return expect(r.RoundTripTimes.P50 == nil && r.RoundTripTimes.P99 == nil, "p50 %v ms", show(r.RoundTripTimes.P50))
	})
	s.perServicer(scenario, `has a null sample for every check, each with its index`, s.nullEverywhere)
	scenario.Then(`^each `+kinds+` servicer has the verdict "([a-z]+)"$`, func(kind, verdict string) error {
		return s.each(kind, func(r api.ServicerReport) error {
			return expect(string(r.Verdict) == verdict, "verdict %s (%s)", r.Verdict, r.Reason)
		})
	})
}

// settled counts the servicer's samples of the session under test that are about settled blocks: only these are compared.
func (s *story) settled(servicer string) (count int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	page, err := s.network.api.Rounds(ctx, client.RoundFilter{SessionID: s.session().ID, Servicer: servicer})
	for _, round := range page.Rounds {
		for _, sample := range round.Samples {
			if round.Kind == api.RoundKindSettled && round.Status == "DONE" && sample.Outcome != api.OutcomeVoid {
				count++
			}
		}
	}
	return count, err
}

// kinds of servicers: each has its fault, or none.
const kinds = `(honest|slow|down|lying|behind)`

// perServicer defines a step about every servicer of a kind.
func (s *story) perServicer(scenario *godog.ScenarioContext, predicate string, holds func(api.ServicerReport) error) {
	scenario.Then(`^each `+kinds+` servicer `+predicate+`$`, func(kind string) error { return s.each(kind, holds) })
}

func (s *story) each(kind string, holds func(api.ServicerReport) error) error {
	found := false
	for _, servicer := range s.network.Servicers() {
		if kindOf(servicer) != kind {
			continue
		}
		found = true
		i := slices.IndexFunc(s.session().Servicers, func(r api.ServicerReport) bool { return r.Address == servicer.Address })
		if i < 0 {
			return fmt.Errorf("%s servicer %s is not in the report", kind, servicer.Address)
		}
		if err := holds(s.session().Servicers[i]); err != nil {
			return fmt.Errorf("%s servicer %s: %w", kind, servicer.Address, err)
		}
	}
	return expect(found, "the network has no %s servicer", kind)
}

func kindOf(servicer localnet.Servicer) string {
	if servicer.Fault == localnet.FaultNone {
		return "honest"
	}
	return string(servicer.Fault)
}

// session under test.
func (s *story) session() api.SessionReport { return s.sessions[len(s.sessions)-1] }

func (s *story) report() (api.Report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.network.api.QoS(ctx, client.QoSFilter{})
}

// sampleSessions waits for a number of complete sessions, and keeps the newest.
func (s *story) sampleSessions(wanted int) error {
	return s.network.await(fmt.Sprintf("%d sessions are complete", wanted), func(ctx context.Context) (bool, error) {
		report, err := s.network.api.QoS(ctx, client.QoSFilter{})
		complete := slices.DeleteFunc(report.Sessions, func(r api.SessionReport) bool { return !r.Complete })
		s.sessions = complete[max(0, len(complete)-wanted):]
		return len(complete) >= wanted, err
	})
}

func (s *story) checksAddUp() error {
	for _, r := range s.sessions {
		if r.ChecksPlanned == 0 || r.ChecksDone+r.ChecksDropped+r.ChecksVoid != r.ChecksPlanned {
			return fmt.Errorf("session %s: %d done + %d dropped + %d void, %d planned", r.ID, r.ChecksDone, r.ChecksDropped, r.ChecksVoid, r.ChecksPlanned)
		}
	}
	return nil
}

func (s *story) nullEverywhere(r api.ServicerReport) error {
	checks := s.session().ChecksDone
	return expect(checks > 0 && r.Samples == checks && r.NullSamples == checks && len(r.NullIndices) == checks,
		"%d checks, %d null samples, indices %v", checks, r.NullSamples, r.NullIndices)
}

func (s *story) worstFirst() error {
	order := []api.Verdict{"inconsistent", "unavailable", "behind", "slow", "unknown", "healthy"}
	worst := 0
	for _, r := range s.session().Servicers {
		rank := slices.Index(order, r.Verdict)
		if rank < worst || r.Reason == "" {
			return fmt.Errorf("servicer %s with the verdict %q and the reason %q is out of order", r.Address, r.Verdict, r.Reason)
		}
		worst = rank
	}
	return nil
}

func expect(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf("unexpected: "+format, args...)
}

func show(value *float64) any {
	if value == nil {
		return "none"
	}
	return *value
}

package e2e

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// lookEvery is the pause between two looks at what holds now.
const lookEvery = 100 * time.Millisecond

func (s *story) rollingSteps(scenario *godog.ScenarioContext) {
	scenario.Then(`^until (\d+) more sessions are complete, what holds now says at every look that honest servicers are "([a-z]+)", down ones "([a-z]+)" and lying ones "([a-z]+)"$`, s.holdsMeanwhile)
	scenario.Then(`^what holds now is what the newest stored checks say$`, s.rollingFollowsChecks)
}

// rolling reads what holds now.
func (s *story) rolling(ctx context.Context) (api.RollingReport, error) {
	report, err := s.network.api.QoS(ctx, client.QoSFilter{Last: 1})
	if err != nil {
		return api.RollingReport{}, err
	}
	return report.Rolling[0], expect(len(report.Rolling) == 1, "%d lists", len(report.Rolling))
}

// holdsMeanwhile looks again and again while sessions end and begin.
func (s *story) holdsMeanwhile(more int, honest, down, lying string) error {
	verdicts := map[string]string{"honest": honest, "down": down, "lying": lying}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pause := time.NewTicker(lookEvery)
	defer pause.Stop()
	begun := len(s.sessions)
	for looks := 0; ; looks++ {
		now, err := s.rolling(ctx)
		if err != nil {
			return err
		}
		for _, servicer := range s.network.Servicers() {
			kind := kindOf(servicer)
			verdict, told := verdicts[kind]
			if !told {
				continue
			}
			at := slices.IndexFunc(now.Servicers, func(r api.RollingServicer) bool { return r.Servicer == servicer.Address })
			if at < 0 || string(now.Servicers[at].Verdict) != verdict {
				return fmt.Errorf("look %d: %s servicer %s is not %s in %+v", looks, kind, servicer.Address, verdict, now.Servicers)
			}
		}
		report, err := s.network.api.QoS(ctx, client.QoSFilter{})
		if err != nil {
			return err
		}
		complete := slices.DeleteFunc(report.Sessions, func(r api.SessionReport) bool { return !r.Complete })
		if len(complete) >= begun+more {
			s.sessions = complete
			return nil
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// counted are counts of a servicer's newest checks.
type counted struct{ checks, samples, nulls, over, agree, disagree, claims int }

// rollingFollowsChecks counts the stored checks anew, with what docs/qos.md says and nothing else. It tries again when a check
// was made between the readings.
func (s *story) rollingFollowsChecks() error {
	return s.network.await("what holds now is compared", func(ctx context.Context) (bool, error) {
		before, err := s.rolling(ctx)
		if err != nil {
			return false, err
		}
		rounds, err := s.newestFirst(ctx)
		if err != nil {
			return false, err
		}
		after, err := s.rolling(ctx)
		if err != nil {
			return false, err
		}
		if !slices.EqualFunc(before.Servicers, after.Servicers, func(a, b api.RollingServicer) bool {
			return a.Servicer == b.Servicer && a.AskedAt != nil && b.AskedAt != nil && a.AskedAt.Equal(*b.AskedAt)
		}) {
			return false, nil
		}
		for _, row := range after.Servicers {
			got := counted{row.Checks, row.Samples, row.NullSamples, row.OverSLA, row.Consistency.Agree, row.Consistency.Disagree, row.Freshness.Claims}
			if want := countNewest(rounds, row.Servicer, after.Checks); got != want {
				return false, fmt.Errorf("servicer %s: %+v, the checks say %+v", row.Servicer, got, want)
			}
		}
		return true, expect(len(after.Servicers) > 0, "nobody holds")
	})
}

// newestFirst reads all stored rounds.
func (s *story) newestFirst(ctx context.Context) (rounds []api.Round, err error) {
	report, err := s.network.api.QoS(ctx, client.QoSFilter{})
	if err != nil {
		return nil, err
	}
	for _, session := range report.Sessions {
		page, err := s.network.api.Rounds(ctx, client.RoundFilter{SessionID: session.ID, Limit: 1000})
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, page.Rounds...)
	}
	rounds = slices.DeleteFunc(rounds, func(r api.Round) bool { return r.Status == "DROPPED" })
	slices.SortFunc(rounds, func(a, b api.Round) int { return b.Released.Compare(*a.Released) })
	return rounds, nil
}

// countNewest counts the newest checks of a servicer that tell something of it.
func countNewest(rounds []api.Round, servicer string, most int) (sum counted) {
	for _, round := range rounds {
		at := slices.IndexFunc(round.Samples, func(s api.Sample) bool { return s.Servicer == servicer })
		if at < 0 || sum.checks == most {
			continue
		}
		sample := round.Samples[at]
		void := round.Status == "VOID" || sample.Outcome == "VOID"
		if doubtful := round.Status == "DONE" && sample.Blame != nil && *sample.Blame == "UNKNOWN"; void && !doubtful {
			continue
		}
		sum.checks++
		if void {
			continue
		}
		sum.samples++
		if sample.Lag != nil && (round.Kind == "HEAD" || round.Kind == "TIP") {
			sum.claims++
		}
		if sample.Outcome != "OK" {
			sum.nulls++
			continue
		}
		if sample.OverSLA {
			sum.over++
		}
		switch agreement := sample.Consistency; {
		case agreement == nil:
		case *agreement == "AGREE":
			sum.agree++
		case *agreement == "DISAGREE":
			sum.disagree++
		}
	}
	return sum
}

package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// windowStory is the state of a story about merged sessions.
type windowStory struct {
	window api.WindowReport
}

func (s *story) windowSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^the operator asks for a window of (\d+) sessions$`, func(n int) error {
		return s.askWindow(client.WindowFilter{Span: client.Span{Starts: n}})
	})
	scenario.When(`^the operator of the slow servicer asks for a window of the last hour$`, func() error {
		return s.askWindow(client.WindowFilter{Span: client.Span{Age: time.Hour}, Servicer: s.servicerOf("a slow").Address})
	})
	scenario.Then(`^the window merges (\d+) complete sessions of one relay chain$`, func(n int) error {
		return expect(s.window.Sessions == n && s.window.RelayChain == "0001" && len(s.window.Applications) == 1, "%+v", s.window)
	})
	scenario.Then(`^its counts are the sums of those of its sessions$`, s.windowSumsUp)
	scenario.Then(`^its quantiles are of answers on kept connections alone$`, s.windowIsWarm)
	scenario.Then(`^in the window each `+kinds+` servicer has the verdict "([a-z]+)" and (shares the first|a later) rank$`, s.windowVerdict)
	scenario.Then(`^the window shows that servicer alone, with the rank it has among all$`, s.windowOfOne)
}

// askWindow reads the only window.
func (s *story) askWindow(filter client.WindowFilter) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := s.network.api.QoSWindow(ctx, filter)
	if err != nil {
		return err
	}
	if len(report.Windows) != 1 || report.Window != filter.Span.String() || report.RelativeError <= 0 {
		return fmt.Errorf("unexpected: %d windows of %q, relative error %v", len(report.Windows), report.Window, report.RelativeError)
	}
	s.window = report.Windows[0]
	return nil
}

// windowSessions are the sessions that the window says it merges.
func (s *story) windowSessions() ([]api.SessionReport, error) {
	report, err := s.report()
	if err != nil {
		return nil, err
	}
	if s.window.FirstHeight == nil || s.window.LastHeight == nil {
		return nil, fmt.Errorf("unexpected: a window without heights")
	}
	var within []api.SessionReport
	for _, session := range report.Sessions {
		if session.Complete && session.Height >= *s.window.FirstHeight && session.Height <= *s.window.LastHeight {
			within = append(within, session)
		}
	}
	return within, expect(len(within) == s.window.Sessions, "%d sessions from height %d to %d, the window merges %d",
		len(within), *s.window.FirstHeight, *s.window.LastHeight, s.window.Sessions)
}

func (s *story) windowSumsUp() error {
	sessions, err := s.windowSessions()
	if err != nil {
		return err
	}
	type counts struct{ sessions, samples, nulls, void, over, agree, disagree int }
	sums, done := make(map[string]counts), 0
	for _, session := range sessions {
		done += session.ChecksDone
		for _, r := range session.Servicers {
			sum := sums[r.Address]
			sums[r.Address] = counts{sum.sessions + 1, sum.samples + r.Samples, sum.nulls + r.NullSamples, sum.void + r.Void,
				sum.over + r.OverSLA, sum.agree + r.Consistency.Agree, sum.disagree + r.Consistency.Disagree}
		}
	}
	for _, w := range s.window.Servicers {
		got := counts{w.Sessions, w.Samples, w.NullSamples, w.Void, w.OverSLA, w.Consistency.Agree, w.Consistency.Disagree}
		if got != sums[w.Address] {
			return fmt.Errorf("servicer %s: %+v in the window, %+v in its sessions", w.Address, got, sums[w.Address])
		}
	}
	return expect(len(s.window.Servicers) == len(sums) && s.window.ChecksDone == done && done > 0, "%d servicers of %d, %d checks of %d",
		len(s.window.Servicers), len(sums), s.window.ChecksDone, done)
}

func (s *story) windowIsWarm() error {
	for _, w := range s.window.Servicers {
		answers := w.Samples - w.NullSamples
		times := w.RoundTripTimes
		if answers == 0 {
			continue
		}
		if times.Connections == nil || *times.Connections != "warm" || times.Samples > answers || times.P50 == nil {
			return fmt.Errorf("servicer %s: times of %d answers of %d, connections %v", w.Address, times.Samples, answers, times.Connections)
		}
	}
	return nil
}

func (s *story) windowVerdict(kind, verdict, rank string) error {
	for _, servicer := range s.network.Servicers() {
		if kindOf(servicer) != kind {
			continue
		}
		row, err := s.windowRow(servicer.Address)
		if err != nil {
			return err
		}
		first := row.Rank != nil && *row.Rank == 1
		if string(row.Verdict) != verdict || row.Rank == nil || first != (rank == "shares the first") {
			return fmt.Errorf("%s servicer %s: verdict %s (%s), rank %v", kind, servicer.Address, row.Verdict, row.Reason, row.Rank)
		}
	}
	return nil
}

func (s *story) windowRow(address string) (api.WindowServicer, error) {
	for _, row := range s.window.Servicers {
		if row.Address == address {
			return row, nil
		}
	}
	return api.WindowServicer{}, fmt.Errorf("servicer %s is not in the window", address)
}

func (s *story) windowOfOne() error {
	if len(s.window.Servicers) != 1 {
		return fmt.Errorf("unexpected: %d servicers", len(s.window.Servicers))
	}
	row := s.window.Servicers[0]
	return expect(row.Address == s.servicerOf("a slow").Address && row.Verdict == "slow" && row.Rank != nil && *row.Rank == 1,
		"%s: %s, rank %v", row.Address, row.Verdict, row.Rank)
}

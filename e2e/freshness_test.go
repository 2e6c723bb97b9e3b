package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func (s *story) freshnessSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a LocalNet of its own that is asked by (JSON-RPC|REST) with (\d+) honest servicers and (\d+) behind$`, s.networkBehind)
	s.perServicer(scenario, `claims the same height in every check that asks for it`, func(r api.ServicerReport) error {
		return s.eachClaim(r.Address, func(c claim, first claim) error {
			return expect(*c.Head == *first.Head, "height %d after %d", *c.Head, *first.Head)
		})
	})
	s.lagStep(scenario, `lags by more than (\d+) blocks`, func(lag, bound int64) bool { return lag > bound })
	s.lagStep(scenario, `lags by at most (\d+) blocks`, func(lag, bound int64) bool { return lag <= bound })
}

// networkBehind starts a network in which the nodes of some servicers stand still from its start.
func (s *story) networkBehind(form string, honest, behind int) (err error) {
	s.own = true
	s.options = options(honest, 0, 0, 0)
	s.options.Servicers, s.options.Behind = honest+behind, behind
	s.options.REST = form == "REST"
	s.network, err = startNetwork(s.options)
	return err
}

// lagStep defines a step about the lag of every claim of a kind of servicers.
func (s *story) lagStep(scenario *godog.ScenarioContext, predicate string, holds func(lag, bound int64) bool) {
	scenario.Then(`^each `+kinds+` servicer `+predicate+` in every check that asks for it$`, func(kind, number string) error {
		bound, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		return s.each(kind, func(r api.ServicerReport) error {
			return s.eachClaim(r.Address, func(c, _ claim) error {
				if c.Lag == nil {
					return fmt.Errorf("height %d, of unknown lag", *c.Head)
				}
				return expect(holds(*c.Lag, bound), "height %d, which lags by %d blocks", *c.Head, *c.Lag)
			})
		})
	})
}

// claim is a sample of a servicer that was asked for its newest height.
type claim struct {
	Servicer  string
	Head, Lag *int64
}

// eachClaim checks every claim of a servicer in the session under test, of which there must be one. Those in checks that
// are void have no lag.
func (s *story) eachClaim(servicer string, holds func(c, first claim) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var page struct {
		Rounds []struct {
			Kind, Status string
			Samples      []claim
		}
	}
	if err := askJSON(ctx, s.network.RPCURL()+"/v1/qos/rounds?servicer="+servicer+"&session="+url.QueryEscape(s.session().ID), &page); err != nil {
		return err
	}
	var first *claim
	for _, round := range page.Rounds {
		for _, c := range round.Samples {
			if round.Kind != "HEAD" || round.Status != "DONE" || c.Head == nil {
				continue
			}
			if first == nil {
				first = &c
			}
			if err := holds(c, *first); err != nil {
				return err
			}
		}
	}
	return expect(first != nil, "it was never asked for its newest height")
}

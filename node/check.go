package node

import (
	"context"
	"errors"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// check has the fisherman check a servicer on demand.
func (s *sampling) check(ctx context.Context, wanted rpc.CheckRequest) (api.CheckReport, error) {
	if len(s.fishermen) == 0 {
		return api.CheckReport{}, rpc.ErrNoFisherman
	}
	var checked *fisherman.Checked
	err := fisherman.ErrNotInSession
	for i := 0; i < len(s.fishermen) && errors.Is(err, fisherman.ErrNotInSession); i++ {
		checked, err = s.fishermen[i].CheckNow(ctx, fisherman.Demand(wanted))
	}
	for ours, theirs := range map[error]error{
		fisherman.ErrNotInSession:  rpc.ErrNotInSession,
		fisherman.ErrTooManyChecks: rpc.ErrTooManyChecks,
		fisherman.ErrCannotAsk:     rpc.ErrCannotAsk,
	} {
		if errors.Is(err, ours) {
			return api.CheckReport{}, theirs
		}
	}
	if err != nil {
		return api.CheckReport{}, err
	}
	header, policy := checked.Session.GetHeader(), checked.Policy
	report := samples.Check(wanted.Servicer, checked.Round, checked.Writes)
	report.Session = api.EvidenceSession{ID: header.GetId(), StartHeight: header.GetStartHeight(), RelayChain: header.GetRelayChain(),
		GeoZone: header.GetGeoZone(), Application: header.GetApplication()}
	report.TimeoutMS = float64(policy.Timeout) / float64(time.Millisecond)
	report.LatencySLAMS = float64(policy.LatencySLA) / float64(time.Millisecond)
	report.Quorum = policy.Quorum
	return report, nil
}

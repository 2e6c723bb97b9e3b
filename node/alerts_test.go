package node

import (
	"errors"
	"testing"

	"github.com/pocket-fisherman/fisherman/alerts"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What alerts are decided by is the rolling verdict, and what is known of our own side.
func TestAlertSource(t *testing.T) {
	reports := []api.RollingReport{
		{RelayChain: "a", GeoZone: "z", Servicers: []api.RollingServicer{
			{Servicer: "one", Verdict: api.VerdictUnavailable, Reason: "why", Running: true},
			{Servicer: "two", Verdict: api.VerdictNotAskedYet},
		}},
		{RelayChain: "b", Servicers: []api.RollingServicer{{Servicer: "one", Verdict: api.VerdictHealthy, Running: true}}},
	}
	health := alerts.NewHealth()
	var unready error
	source := alertSource(func() []api.RollingReport { return reports }, health, func() error { return unready })
	want := func(notReady string, outA bool) {
		t.Helper()
		got, err := source(t.Context())
		if err != nil || len(got.Subjects) != 3 || got.NotReady != notReady {
			t.Fatalf("%+v, %v", got, err)
		}
		one := machine.Subject{Key: machine.Key{RelayChain: "a", GeoZone: "z", Servicer: "one"}, Verdict: api.VerdictUnavailable, Reason: "why", OwnLink: outA}
		if got.Subjects[0] != one || !got.Subjects[1].Idle || got.Subjects[2].OwnLink {
			t.Errorf("%+v", got.Subjects)
		}
	}
	want("", false)
	health.Round(&types.SessionHeader{RelayChain: "a", GeoZone: "z"},
		&types.QoSRound{Status: types.RoundStatus_ROUND_STATUS_VOID, Cause: types.Cause_CAUSE_OFFLINE})
	unready = errors.New("the disk fails")
	want("the disk fails", true)
}

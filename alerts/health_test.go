package alerts

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func check(cause types.Cause) *types.QoSRound {
	round := &types.QoSRound{Status: types.RoundStatus_ROUND_STATUS_DONE}
	switch cause {
	case types.Cause_CAUSE_UNSPECIFIED:
	case types.Cause_CAUSE_OVERLOAD, types.Cause_CAUSE_OVERTAKEN:
		round.Status, round.Cause = types.RoundStatus_ROUND_STATUS_DROPPED, cause
	default:
		round.Status, round.Cause = types.RoundStatus_ROUND_STATUS_VOID, cause
	}
	return round
}

// The link of a relay chain is out from a check that was void for that until one that was done.
func TestLinkOut(t *testing.T) {
	h := NewHealth()
	eth, other := &types.SessionHeader{RelayChain: "eth"}, &types.SessionHeader{RelayChain: "other", GeoZone: "z"}
	for _, step := range []struct {
		cause types.Cause
		out   bool
	}{
		{types.Cause_CAUSE_UNSPECIFIED, false}, {types.Cause_CAUSE_OFFLINE, true}, {types.Cause_CAUSE_OVERLOAD, true},
		{types.Cause_CAUSE_UNSPECIFIED, false}, {types.Cause_CAUSE_NO_CONTROL_PROBE, true}, {types.Cause_CAUSE_UNSPECIFIED, false},
		{types.Cause_CAUSE_STALL, true}, {types.Cause_CAUSE_UNSPECIFIED, false}, {types.Cause_CAUSE_NO_DATA, false}, {types.Cause_CAUSE_CONTESTED, false},
	} {
		h.Round(eth, check(step.cause))
		h.Round(other, check(types.Cause_CAUSE_UNSPECIFIED))
		if h.LinkOut("eth", "") != step.out || h.LinkOut("other", "z") {
			t.Errorf("after %v: out %t", step.cause, h.LinkOut("eth", ""))
		}
	}
}

func TestIllness(t *testing.T) {
	for name, test := range map[string]struct {
		well, ill, wellAfter int
		cause                types.Cause
		want                 string
	}{
		"new":                   {0, 7, 0, types.Cause_CAUSE_OVERLOAD, ""},
		"all dropped":           {0, 8, 0, types.Cause_CAUSE_OVERLOAD, "8 of the newest 8 checks say nothing about servicers, the last because of overload"},
		"half of them":          {8, 8, 0, types.Cause_CAUSE_STALL, ""},
		"most of them":          {100, 17, 0, types.Cause_CAUSE_OFFLINE, "17 of the newest 32"},
		"well again":            {0, 32, 16, types.Cause_CAUSE_OFFLINE, ""},
		"the servicers' doings": {0, 32, 0, types.Cause_CAUSE_NO_DATA, ""},
	} {
		h := NewHealth()
		for range test.well {
			h.Round(nil, check(types.Cause_CAUSE_UNSPECIFIED))
		}
		for range test.ill {
			h.Round(nil, check(test.cause))
		}
		for range test.wellAfter {
			h.Round(nil, check(types.Cause_CAUSE_UNSPECIFIED))
		}
		if got := h.Illness(); !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

package fisherman

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// When every servicer that can be reached calls the request wrong, it may be: the fisherman's node may have fallen behind.
// Nobody is blamed then. One that is alone in that, or contradicted by another, is.
func TestEverybodyRefuses(t *testing.T) {
	const stale, stranger = types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT, types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED
	const busy, upstream = types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT
	for name, test := range map[string]struct {
		faults []fakes.Fault
		void   bool
	}{
		"all":                             {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(stale), fakes.Refusing(stale)}, true},
		"for different reasons":           {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(stranger)}, true},
		"all that can be reached":         {[]fakes.Fault{fakes.Refusing(stale), fakes.Down(), fakes.Refusing(stale)}, true},
		"one answers":                     {[]fakes.Fault{fakes.Refusing(stale), fakes.Honest(), fakes.Refusing(stale)}, false},
		"one would, but is busy":          {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(busy), fakes.Refusing(stale)}, false},
		"one would, but for its node":     {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(upstream), fakes.Refusing(stale)}, false},
		"one passes an error on":          {[]fakes.Fault{fakes.Refusing(stale), fakes.Broken(), fakes.Refusing(stale)}, false},
		"one alone":                       {[]fakes.Fault{fakes.Refusing(stale)}, false},
		"one alone, beside one not there": {[]fakes.Fault{fakes.Refusing(stale), fakes.Down()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var servicers []*fakes.Servicer
			for _, fault := range test.faults {
				servicers = append(servicers, fakes.Start(t, fault))
			}
			r := newRounds(t, servicers...)
			r.probe = newNetwork().probe
			record := undisturbed(t, r.run)
			if test.void {
				isVoid(t, record, "refused the request as wrong: S")
				return
			}
			sample := sampleOf(t, record, servicers[0])
			isNull(t, sample, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer)
			if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || sample.GetRelayErrorCode() != uint32(stale) {
				t.Errorf("round is %v: %s", record.GetStatus(), record.GetReason())
			}
		})
	}
}

// Each code is either a word against the request or one about the servicer itself; a new one has to be decided about.
func TestEveryRefusalIsDecided(t *testing.T) {
	about := map[types.RelayErrorCode]bool{
		types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE: true, types.RelayErrorCode_RELAY_ERROR_CODE_BUSY: true,
		types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY: true,
	}
	for number := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		refusal := code > 0 && code < types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT
		if disputes(&types.QoSSample{RelayErrorCode: uint32(code)}) != (refusal && !about[code]) {
			t.Errorf("%v", code)
		}
	}
}

package round_test

import (
	"testing"
	"testing/synctest"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
)

// Many servicers, whose requests leave from all processors, are asked once each, and all of them answer.
func TestManyServicersAreAskedOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := make([]*fakes.Servicer, 250)
		for i := range servicers {
			servicers[i] = fakes.StartPiped(t, fakes.Honest())
		}
		r := overPipes(t, servicers...)
		for check := range 3 {
			record := r.run()
			for _, sample := range record.GetSamples() {
				if sample.GetOutcome() != outcomeOK || sample.GetConsistency() != agrees {
					t.Errorf("check %d, %s: %v, %s", check, sample.GetServicer(), sample.GetOutcome(), sample.GetDetail())
				}
			}
			for _, servicer := range servicers {
				if asked := servicer.Requests(); asked != check+1 {
					t.Errorf("%s was asked %d times in %d checks", servicer.Address(), asked, check+1)
				}
			}
		}
	})
}

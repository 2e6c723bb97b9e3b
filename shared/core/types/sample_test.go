package types_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestSchedulingDelay(t *testing.T) {
	const kernel, user = types.TimingSource_TIMING_SOURCE_KERNEL, types.TimingSource_TIMING_SOURCE_USER_SPACE
	for name, test := range map[string]struct {
		source    types.TimingSource
		rtt, user time.Duration
		want      time.Duration
		known     bool
	}{
		"kernel":             {kernel, 3, 5, 2, true},
		"none":               {kernel, 5, 5, 0, true},
		"within a tolerance": {kernel, 6, 5, 0, true},
		"user space":         {user, 5, 5, 0, false},
		"no answer":          {0, 0, 0, 0, false},
	} {
		sample := &types.QoSSample{Timing: test.source, RoundTripTime: durationpb.New(test.rtt), UserRoundTripTime: durationpb.New(test.user)}
		if got, known := sample.SchedulingDelay(); got != test.want || known != test.known {
			t.Errorf("%s: %v, %t", name, got, known)
		}
	}
	if kernel.Label() != "KERNEL" || user.Label() != "USER_SPACE" {
		t.Errorf("%s, %s", kernel.Label(), user.Label())
	}
}

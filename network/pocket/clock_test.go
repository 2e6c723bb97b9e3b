package pocket

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestClockRemark(t *testing.T) {
	sent := time.Now()
	const roundTrip = 20 * time.Second
	for name, test := range map[string]struct {
		received, answered time.Duration
		want               string
	}{
		"in time":               {5 * time.Second, 15 * time.Second, ""},
		"tolerated behind":      {-clockTolerance, -clockTolerance, ""},
		"behind":                {-clockTolerance - time.Second, 0, "1m1s behind"},
		"tolerated ahead":       {roundTrip, roundTrip + clockTolerance, ""},
		"ahead":                 {roundTrip, roundTrip + clockTolerance + time.Second, "1m1s ahead"},
		"a step within":         {10 * time.Second, -10 * time.Second, ""},
		"backwards":             {10 * time.Second, 10*time.Second - clockTolerance - 1, "contradict"},
		"before there was time": {-1 << 62, -1 << 62, "behind"},
	} {
		response := &types.RelayResponse{ReceivedUnixNano: sent.Add(test.received).UnixNano(), AnsweredUnixNano: sent.Add(test.answered).UnixNano()}
		got := clockRemark(response, sent, roundTrip)
		if got == "" != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

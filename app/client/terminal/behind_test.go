package terminal

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// A head claim that lags by more than the session allows is marked, and told in the check's line and in the details.
func TestBehindIsShown(t *testing.T) {
	sample := func(digit string, lag int64) api.Sample {
		return api.Sample{Servicer: strings.Repeat(digit, 20), Outcome: "OK", Head: clienttest.Ptr(1062 - lag), Lag: &lag}
	}
	round := api.Round{Status: roundDone, Kind: api.RoundKindHead, Samples: []api.Sample{sample("a1", 0), sample("b2", 5), sample("c3", 62)}}
	session := observer.Session{Rounds: []api.Round{round}, Report: api.SessionReport{MaxLag: 5, ChecksPlanned: 1}}
	drawn := ""
	for _, digit := range []string{"a1", "b2", "c3"} {
		drawn += strip(session, strings.Repeat(digit, 20), 1, false)
	}
	if drawn != "■■↓" {
		t.Errorf("strips %s", drawn)
	}
	if line := checkLine(session, round); !strings.HasSuffix(line, "3 of 3 answered, skew -; c3c3c3c3c3c3 62 blocks behind\n") {
		t.Errorf("%s", line)
	}
	for i, want := range []string{"head 1062", "head 1057, 5 blocks behind", "head 1000, 62 blocks behind"} {
		if got := detailText(round, &round.Samples[i]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	session.Report.MaxLag = 0
	if mark := strip(session, strings.Repeat("c3", 20), 1, false); mark != "■" {
		t.Errorf("%s in a session whose freshness is not judged", mark)
	}
	if text := servicerTable(api.SessionReport{Servicers: []api.ServicerReport{{Verdict: api.VerdictBehind, Freshness: api.Freshness{LagBlocksMax: clienttest.Ptr[int64](62)}}}}, Form{}); !strings.Contains(text, "LAG") || !strings.Contains(text, "62") {
		t.Errorf("%s", text)
	}
}

package consensus

import (
	"strings"
	"testing"
	"time"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

func TestPeersThatCloseAtOnceAreSaid(t *testing.T) {
	var said strings.Builder
	at := time.Unix(0, 0)
	d := newDropped("own", cmtlog.NewTMLogger(cmtlog.NewSyncWriter(&said)))
	d.now = func() time.Time { return at }
	connection := func(lasts time.Duration) {
		d.connected("peer")
		at = at.Add(lasts)
		d.closed("peer")
		d.closed("another") // it was not dialled
	}
	for _, lasts := range []time.Duration{0, time.Second, shortest, 0, 0} {
		connection(lasts)
	}
	if said.Len() > 0 {
		t.Errorf("said %q", said.String())
	}
	connection(time.Second)
	if text := said.String(); strings.Count(text, "closes each connection at once") != 1 || !strings.Contains(text, "own_id=own") {
		t.Errorf("said %q", text)
	}
	if len(d.open) > 0 || len(d.inRow) != 1 {
		t.Errorf("kept %v, %v", d.open, d.inRow)
	}
}

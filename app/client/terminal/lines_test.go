package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestStillAndTroubleAreToldOnce(t *testing.T) {
	var out, errs bytes.Buffer
	lines := &Lines{Out: &out, Err: &errs}
	seen := sampleSeen()
	for _, still := range []time.Duration{0, 12 * time.Second, 13 * time.Second, 0, 0} {
		seen.Still = still
		lines.Show(seen)
	}
	if got := strings.Split(errs.String(), "\n"); len(got) != 3 || !strings.HasSuffix(got[0], "no new block for 12s") || !strings.HasSuffix(got[1], "the chain goes on") {
		t.Errorf("told %q", got)
	}
}

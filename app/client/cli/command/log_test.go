package command

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// wordy is an error that writes more than its message when it is asked for all, as those with stack traces do.
type wordy struct{ error }

func (w wordy) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%v\n-- stack trace:\nmain.go:1", w.error) }

func TestErrorsAreLoggedAsTheirMessage(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		var none error
		NewLogger(&out, format, "info").Info("failed", "error", wordy{errors.New("read-only file system")}, "other", none, "n", 3)
		if line := out.String(); strings.Contains(line, "stack") || !strings.Contains(line, "read-only file system") || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: %s", format, line)
		}
	}
}

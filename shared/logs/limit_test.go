package logs

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logger returns a limited log, and what it has written since the last call.
func logger() (*slog.Logger, func() []string) {
	var out bytes.Buffer
	to := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(Limit(to, time.Minute)), func() []string {
		defer out.Reset()
		return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAWarningIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := logger()
		for i := range 90 {
			log.Warn("upstream failed", "chain", "0021", "status", i, "error", fmt.Errorf("port %d", i))
			time.Sleep(time.Second)
		}
		wantLines(t, written(), `level=WARN msg="upstream failed" chain=0021 status=0 error="port 0"`,
			`level=WARN msg="upstream failed" chain=0021 status=60 error="port 60" left_out=59`)
		// None follows: the last one is written with the next line of any kind.
		time.Sleep(time.Minute)
		log.Info("hello")
		wantLines(t, written(), `level=WARN msg="upstream failed" chain=0021 status=89 error="port 89" left_out=28`, `level=INFO msg=hello`)
		time.Sleep(time.Minute)
		log.Info("hello")
		wantLines(t, written(), `level=INFO msg=hello`)
	})
}

func TestKindsOfWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := logger()
		for range 3 {
			log.Warn("a", "chain", "0021")
			log.Warn("a", "chain", "0001")
			log.With("part", "p").Warn("a", "chain", "0001")
			log.WithGroup("g").Warn("a", "chain", "0001")
			log.Error("a", "chain", "0001")
			log.Info("a", "chain", "0001")
		}
		if lines := written(); len(lines) != 5+3 {
			t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		// An event with a number of its own is an error of its own.
		log.Error("halted", "height", 7, "error", errors.New("x"))
		log.Error("halted", "height", 7, "error", errors.New("y"))
		log.Error("halted", "height", 8, "error", errors.New("x"))
		wantLines(t, written(), `level=ERROR msg=halted height=7 error=x`, `level=ERROR msg=halted height=8 error=x`)
	})
}

// However many kinds there are, few are kept, and those beyond are limited together.
func TestKindsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := logger()
		limit := log.Handler().(*limiter)
		for i := range 10 * mostKinds {
			log.Warn("a", "peer", fmt.Sprint(i))
		}
		if lines := written(); len(lines) != mostKinds+1 || len(limit.kinds.known) != mostKinds+1 {
			t.Errorf("%d lines, %d kinds are kept", len(lines), len(limit.kinds.known))
		}
		time.Sleep(time.Minute)
		log.Info("b")
		if lines := written(); len(lines) != 2 || !strings.Contains(lines[0], fmt.Sprintf("left_out=%d", 9*mostKinds-2)) {
			t.Errorf("%v", lines)
		}
		time.Sleep(time.Minute)
		log.Info("b")
		if len(limit.kinds.known) != 0 {
			t.Errorf("%d kinds are kept", len(limit.kinds.known))
		}
	})
}

// A clock that is set back does not silence the log.
func TestClockSetBack(t *testing.T) {
	var out bytes.Buffer
	limit := Limit(slog.NewTextHandler(&out, nil), time.Minute)
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3 {
		if err := limit.Handle(t.Context(), slog.NewRecord(at, slog.LevelWarn, "a", 0)); err != nil {
			t.Fatal(err)
		}
		at = at.Add(-time.Hour)
	}
	if n := strings.Count(out.String(), "msg=a"); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

package consensus

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/cometbft/cometbft/libs/log"
)

func TestLogger(t *testing.T) {
	witnessing := func(s *engineSigns) { s.witnessing.Store(true) }
	stopping := func(s *engineSigns) { s.stopping.Store(true) }
	tests := map[string]struct {
		log   func(log.Logger)
		stage func(*engineSigns)
		want  string
	}{
		"info is debug": {func(l log.Logger) { l.Info("made block", "height", int64(7)) }, witnessing,
			`level=DEBUG msg="made block" cometbft.height=7`},
		"debug is below debug": {func(l log.Logger) { l.Debug("received", "n", 1) }, witnessing,
			`level=DEBUG-4 msg=received cometbft.n=1`},
		"warn": {func(l log.Logger) { l.Warn("odd") }, witnessing, `level=WARN msg=odd`},
		"error": {func(l log.Logger) { l.Error("lost", "err", errors.New("gone")) }, witnessing,
			`level=ERROR msg=lost cometbft.err=gone`},
		"error of a service on its way down": {func(l log.Logger) { l.Error("lost") }, stopping, `level=DEBUG msg=lost`},
		"error of a client that left":        {func(l log.Logger) { l.Error("failed to write response") }, witnessing, `level=DEBUG msg="failed to write response"`},
		"peer that left":                     {func(l log.Logger) { l.Error("Stopping peer for error") }, witnessing, `level=INFO msg="Stopping peer for error"`},
		"vote refused":                       {func(l log.Logger) { l.Error("failed signing vote") }, witnessing, `level=ERROR msg="failed signing vote"`},
		"vote refused in replay":             {func(l log.Logger) { l.Error("failed signing vote") }, func(*engineSigns) {}, `level=DEBUG msg="failed signing vote"`},
		"with": {func(l log.Logger) { l.With("module", "p2p").With("peer", "x").Warn("odd", "a", true) }, witnessing,
			`level=WARN msg=odd cometbft.module=p2p cometbft.peer=x cometbft.a=true`},
		"bytes": {func(l log.Logger) { l.Warn("odd", "hash", []byte{0xab, 1}) }, witnessing, `cometbft.hash=AB01`},
		"lazy":  {func(l log.Logger) { l.Warn("odd", "v", log.NewLazySprintf("%d-%d", 1, 2)) }, witnessing, `cometbft.v=1-2`},
		"own message key": {func(l log.Logger) { l.Warn("odd", "msg", "inner", "level", "high") }, witnessing,
			`level=WARN msg=odd cometbft.msg=inner cometbft.level=high`},
		"odd number": {func(l log.Logger) { l.Warn("odd", "a", 1, "b") }, witnessing, `cometbft.a=1 cometbft.extra=b`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			signs := &engineSigns{failed: func(err error) { t.Errorf("consensus was told to have failed: %v", err) }}
			test.stage(signs)
			test.log(newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: levelTrace})), signs))
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("logged %q, want %q", out.String(), test.want)
			}
		})
	}
}

// rendering records whether it was rendered.
type rendering struct{ done *bool }

func (r rendering) String() string {
	*r.done = true
	return ""
}

func TestLoggerRendersOnlyWhatIsLogged(t *testing.T) {
	var done bool
	l := newLogger(slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)), &engineSigns{})
	l.Info("made block", "block", rendering{&done})
	if done {
		t.Error("a line that is not logged was rendered")
	}
	l.Error("lost block", "block", rendering{&done})
	if !done {
		t.Error("a line that is logged was not rendered")
	}
}

func TestLoggerTellsOfConsensusFailure(t *testing.T) {
	var told error
	l := newLogger(slog.New(slog.DiscardHandler), &engineSigns{failed: func(err error) { told = err }})
	l.With("module", "consensus").Error("CONSENSUS FAILURE!!!", "err", "wrong app hash\n\ndump", "stack", "main.go:1")
	if told == nil || told.Error() != "consensus failed: wrong app hash" {
		t.Errorf("told %v", told)
	}
}

func TestGist(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"one line", "one line"},
		{"\n got\nA, expected B.\n\nState: …\n", "got A, expected B."},
		{strings.Repeat("é", 200), strings.Repeat("é", 150) + "…"},
		{"a" + strings.Repeat("é", 200), "a" + strings.Repeat("é", 149) + "…"},
	}
	for _, test := range tests {
		if got := gist(test.text); got != test.want {
			t.Errorf("gist of %q is %q, want %q", test.text, got, test.want)
		}
	}
}

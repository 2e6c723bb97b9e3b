package consensus

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/libs/log"
)

// levelTrace is below slog's debug level: CometBFT's own debug lines tell of every message.
const levelTrace = slog.LevelDebug - 4

// consensusFailure is the line that CometBFT logs when its consensus routine ends for good. It gives no other sign: the
// node stays up and makes no more blocks.
const consensusFailure = "CONSENSUS FAILURE!!!"

// refusedInReplay is the error of a validator that is made to vote again while CometBFT replays its write-ahead log after
// a crash: the last-sign state refuses, as it should, and CometBFT takes the vote from the log.
const refusedInReplay = "failed signing vote"

// peerGone is the line of a peer that left, by its own will or not.
const peerGone = "Stopping peer for error"

// clientGone are errors that say no more than that a caller of the JSON-RPC left early.
var clientGone = map[string]bool{
	"failed to write response":  true,
	"failed to write responses": true,
}

// logger fits CometBFT's logger to slog. CometBFT is chatty, so its info lines are debug lines here, and its debug
// lines trace lines. All its attributes are grouped under "cometbft".
type logger struct {
	to     *slog.Logger
	engine *engineSigns
}

// engineSigns are what a log line and the engine have to tell each other.
type engineSigns struct {
	// witnessing is false while blocks are replayed from disk: in New and while Run starts.
	witnessing atomic.Bool
	// stopping tells that errors of services on their way down are to be expected.
	stopping atomic.Bool
	// failed takes the end of consensus.
	failed func(error)
}

func newLogger(to *slog.Logger, engine *engineSigns) log.Logger {
	return logger{to: to.WithGroup("cometbft"), engine: engine}
}

// Debug logs at trace level.
func (l logger) Debug(msg string, keyvals ...any) { l.log(levelTrace, msg, keyvals) }

// Info logs at debug level.
func (l logger) Info(msg string, keyvals ...any) { l.log(slog.LevelDebug, msg, keyvals) }

// Warn logs at warn level.
func (l logger) Warn(msg string, keyvals ...any) { l.log(slog.LevelWarn, msg, keyvals) }

// Error logs at error level, at info level that a peer left, and at debug level what else is no error of this node.
func (l logger) Error(msg string, keyvals ...any) {
	if msg == consensusFailure {
		l.engine.failed(fmt.Errorf("consensus failed: %s", gist(value(keyvals, "err"))))
	}
	level := slog.LevelError
	if msg == peerGone {
		level = slog.LevelInfo
	}
	if clientGone[msg] || l.engine.stopping.Load() || (msg == refusedInReplay && !l.engine.witnessing.Load()) {
		level = slog.LevelDebug
	}
	l.log(level, msg, keyvals)
}

// With adds attributes to every line.
func (l logger) With(keyvals ...any) log.Logger {
	return logger{to: l.to.With(attributes(keyvals)...), engine: l.engine}
}

func (l logger) log(level slog.Level, msg string, keyvals []any) {
	ctx := context.Background()
	if l.to.Enabled(ctx, level) {
		l.to.Log(ctx, level, msg, attributes(keyvals)...)
	}
}

// attributes are slog attributes of CometBFT's keys and values. A value is rendered here, since many render themselves
// only as text.
func attributes(keyvals []any) []any {
	attrs := make([]any, 0, (len(keyvals)+1)/2)
	for i := 0; i < len(keyvals); i += 2 {
		key := fmt.Sprint(keyvals[i])
		if i+1 == len(keyvals) {
			attrs = append(attrs, slog.String("extra", key))
			break
		}
		attrs = append(attrs, slog.Any(key, rendered(keyvals[i+1])))
	}
	return attrs
}

func rendered(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, int32, int64, uint32, uint64, float64, time.Time, time.Duration:
		return v
	case []byte:
		return strings.ToUpper(hex.EncodeToString(v))
	default:
		return fmt.Sprint(v)
	}
}

// value returns the value of a key as text; empty without one.
func value(keyvals []any, key string) string {
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] == key {
			return fmt.Sprint(keyvals[i+1])
		}
	}
	return ""
}

// gist returns the first paragraph of a panic of CometBFT as one bounded line; the rest are dumps of whole states.
func gist(text string) string {
	const most = 300
	paragraph, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	line := strings.Join(strings.Fields(paragraph), " ")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}

package consensus

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"

	"github.com/pocket-fisherman/fisherman/shared/disk"
)

// levelTrace is below slog's debug level: CometBFT's own debug lines report every message.
const levelTrace = slog.LevelDebug - 4

// consensusFailure is the line that CometBFT logs when its consensus routine ends for good. There is no other sign: the
// node stays up and makes no more blocks.
const consensusFailure = "CONSENSUS FAILURE!!!"

// conflictingVote is the line that CometBFT logs for a vote of our own key on another block than ours. There is no other
// sign of it.
const conflictingVote = "found conflicting vote from ourselves; did you unsafe_reset a validator?"

// refusedInReplay are errors of a validator while CometBFT replays its write-ahead log after a crash or a halt: it is asked
// to vote again, which the last-sign state correctly refuses, and what it had not signed yet is not taken from the log.
var refusedInReplay = map[string]bool{
	"failed signing vote":       true,
	"failed to process message": true,
}

// syncFailures are the lines that CometBFT logs when a node cannot begin with a snapshot. There is no other sign: the node
// stays up and does nothing.
var syncFailures = map[string]bool{
	"State sync failed":                       true,
	"Failed to bootstrap node with new state": true,
	"Failed to store last seen commit":        true,
	"Failed to switch to block sync":          true,
}

// lookingForSnapshots is the message of the line that CometBFT logs before it asks its peers again for snapshots.
const lookingForSnapshots = "sync any"

// peerGone is the log line for a peer that left, voluntarily or not.
const peerGone = "Stopping peer for error"

// clientGone are errors that only mean that a caller of the JSON-RPC left early.
var clientGone = map[string]bool{
	"failed to write response":  true,
	"failed to write responses": true,
}

// logger adapts slog to CometBFT's logger interface. CometBFT logs a lot, so its info lines become debug lines, and its
// debug lines trace lines. All its attributes are grouped under "cometbft".
type logger struct {
	to     *slog.Logger
	engine *engineSigns
}

// engineSigns is the state shared by the engine and its log.
type engineSigns struct {
	// witnessing is false while blocks are replayed from disk: in New and while Run starts.
	witnessing atomic.Bool
	// stopping is true when errors of services that are shutting down are expected.
	stopping atomic.Bool
	// full is the first error of a disk that takes no writes. What CometBFT makes of it often has only its text.
	full atomic.Pointer[error]
	// conflicting is true once another node has voted with our key on another block.
	conflicting atomic.Bool
	// failed is called when consensus ends.
	failed func(error)
	// hide replaces the URLs of servers that verify a snapshot, which may have keys in their paths; nil for none.
	hide *strings.Replacer
}

// hiding returns what replaces URLs of servers by their places.
func hiding(history History) *strings.Replacer {
	if history.Sync == nil {
		return nil
	}
	var pairs []string
	for i, server := range history.Sync.Servers {
		pairs = append(pairs, strings.TrimSuffix(server, "/"), fmt.Sprintf("server %d of headers", i+1))
	}
	return strings.NewReplacer(pairs...)
}

// hidden returns text without URLs of servers.
func (e *engineSigns) hidden(text string) string {
	if e.hide == nil {
		return text
	}
	return e.hide.Replace(text)
}

func newLogger(to *slog.Logger, engine *engineSigns) log.Logger {
	return logger{to: to.WithGroup("cometbft"), engine: engine}
}

// Debug logs at trace level.
func (l logger) Debug(msg string, keyvals ...any) { l.log(levelTrace, msg, keyvals) }

// Info logs at debug level. A peer that is refused because it has this node's own key is a warning. CometBFT looks for snapshots
// until it finds one, without an end of its own: the goroutine that does so on a node that has stopped ends here.
func (l logger) Info(msg string, keyvals ...any) {
	if msg == lookingForSnapshots {
		if l.engine.stopping.Load() {
			runtime.Goexit()
		}
		l.to.Info("no peer has a snapshot that can be verified yet; they are asked again")
		return
	}
	for _, each := range keyvals {
		if refused, is := each.(p2p.ErrRejected); is && refused.IsSelf() {
			l.log(slog.LevelWarn, "a node that connects has this node's own node key, as a copy of its home has, or this node dials itself; give each node a node-key file of its own", nil)
			return
		}
	}
	l.log(slog.LevelDebug, msg, keyvals)
}

// Warn logs at warn level.
func (l logger) Warn(msg string, keyvals ...any) { l.log(slog.LevelWarn, msg, keyvals) }

// Error logs at error level; a peer that left at info level, and everything else that is not an error of this node at
// debug level. A disk that takes no writes is told once, by the chain that halts.
func (l logger) Error(msg string, keyvals ...any) {
	full := l.diskFailure(keyvals)
	if msg == consensusFailure {
		l.engine.failed(failure{text: "consensus failed: " + gist(value(keyvals, "err")), cause: full})
	}
	if msg == conflictingVote {
		l.engine.conflicting.Store(true)
	}
	if syncFailures[msg] && !l.engine.stopping.Load() {
		l.engine.failed(failure{text: "the node cannot begin with a snapshot: " + gist(l.engine.hidden(value(keyvals, "err"))), cause: full})
	}
	level := slog.LevelError
	if msg == peerGone {
		level = slog.LevelInfo
	}
	if full != nil || clientGone[msg] || l.engine.stopping.Load() || (refusedInReplay[msg] && !l.engine.witnessing.Load()) {
		level = slog.LevelDebug
	}
	l.log(level, msg, keyvals)
}

// diskFailure returns the error of a disk that takes no writes, if a line tells of one or a line before did.
func (l logger) diskFailure(keyvals []any) error {
	for _, value := range keyvals {
		if err, is := value.(error); is && disk.Full(err) {
			l.engine.full.CompareAndSwap(nil, &err)
		}
	}
	if full := l.engine.full.Load(); full != nil {
		return *full
	}
	return nil
}

// With adds attributes to every line.
func (l logger) With(keyvals ...any) log.Logger {
	return logger{to: l.to.With(l.attributes(keyvals)...), engine: l.engine}
}

func (l logger) log(level slog.Level, msg string, keyvals []any) {
	ctx := context.Background()
	if l.to.Enabled(ctx, level) {
		l.to.Log(ctx, level, msg, l.attributes(keyvals)...)
	}
}

// attributes converts keys and values without URLs of servers.
func (l logger) attributes(keyvals []any) []any {
	attrs := attributes(keyvals)
	if l.engine.hide == nil {
		return attrs
	}
	for i, attr := range attrs {
		if attr, is := attr.(slog.Attr); is && attr.Value.Kind() == slog.KindString {
			attrs[i] = slog.String(attr.Key, l.engine.hidden(attr.Value.String()))
		}
	}
	return attrs
}

// attributes converts CometBFT's keys and values to slog attributes. Values are rendered here, since many can be
// rendered only as text.
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

// gist returns the first paragraph of a CometBFT panic as one bounded line; the rest is a dump of the whole state.
func gist(text string) string {
	const most = 300
	paragraph, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	line := strings.Join(strings.Fields(paragraph), " ")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}

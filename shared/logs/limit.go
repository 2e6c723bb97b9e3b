package logs

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// mostKinds bounds the kinds of lines that are told apart. Further ones are one kind together.
	mostKinds = 256
	// mostValue bounds what an attribute's value adds to a kind, in bytes.
	mostValue = 64
	// leftOut is the attribute that counts the lines that were left out.
	leftOut = "left_out"
)

// Limit returns a handler that passes on at most one warning or error of a kind in each interval. The others are counted: the
// next line of the kind, which comes once the interval is over, says with left_out how many they were. If there is none, the
// last that was left out is passed on instead, with the next line of any kind.
//
// Lines are of one kind if level, message, groups and text attributes are the same. Errors, and numbers of warnings, are
// details: they differ from line to line, as the ports in an error do. Lines below warnings pass. The clock is that of the
// lines.
func Limit(to slog.Handler, interval time.Duration) slog.Handler {
	return &limiter{to: to, kinds: &kinds{interval: interval, known: make(map[string]*kind)}}
}

// limiter is a handler with the attributes that it was given.
type limiter struct {
	to    slog.Handler
	kinds *kinds
	// prefix is what attributes and groups add to a kind.
	prefix string
}

// Enabled implements slog.Handler.
func (l *limiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (l *limiter) WithAttrs(attributes []slog.Attr) slog.Handler {
	var prefix strings.Builder
	prefix.WriteString(l.prefix)
	for _, attribute := range attributes {
		addTo(&prefix, attribute, slog.LevelError)
	}
	return &limiter{to: l.to.WithAttrs(attributes), kinds: l.kinds, prefix: prefix.String()}
}

// WithGroup implements slog.Handler.
func (l *limiter) WithGroup(name string) slog.Handler {
	return &limiter{to: l.to.WithGroup(name), kinds: l.kinds, prefix: l.prefix + "\x00" + name}
}

// Handle implements slog.Handler.
func (l *limiter) Handle(ctx context.Context, line slog.Record) error {
	if line.Time.IsZero() {
		return l.to.Handle(ctx, line)
	}
	var pass []held
	if line.Level >= slog.LevelWarn {
		pass = l.kinds.take(l.kindOf(line), held{line, l.to})
	} else {
		pass = []held{{line, l.to}}
	}
	for _, each := range append(l.kinds.due(line.Time), pass...) {
		if err := each.to.Handle(ctx, each.line); err != nil {
			return err
		}
	}
	return nil
}

// kindOf returns the kind of a warning or an error.
func (l *limiter) kindOf(line slog.Record) string {
	var kind strings.Builder
	kind.WriteString(line.Level.String() + "\x00" + line.Message + l.prefix)
	line.Attrs(func(attribute slog.Attr) bool {
		addTo(&kind, attribute, line.Level)
		return true
	})
	return kind.String()
}

// addTo adds an attribute to a kind, unless it is a detail.
func addTo(kind *strings.Builder, attribute slog.Attr, level slog.Level) {
	value := attribute.Value.Resolve()
	var text string
	switch {
	case attribute.Key == "error" || attribute.Key == "err":
		return
	case value.Kind() == slog.KindString:
		text = value.String()
	case value.Kind() == slog.KindInt64 && level >= slog.LevelError:
		text = strconv.FormatInt(value.Int64(), 10)
	default:
		return
	}
	kind.WriteString("\x00" + attribute.Key + "=" + text[:min(len(text), mostValue)])
}

// held is a line with the handler that it is for.
type held struct {
	line slog.Record
	to   slog.Handler
}

// counting returns the line with how many like it were left out.
func (h held) counting(left int) held {
	if left > 0 {
		h.line = h.line.Clone()
		h.line.AddAttrs(slog.Int(leftOut, left))
	}
	return h
}

// kind is what is known of the lines of one kind.
type kind struct {
	// until is when the next one is passed on.
	until time.Time
	// left is how many were left out, the last of which is last.
	left int
	last held
}

// kinds are the lines of all kinds. Its methods may be called by many goroutines.
type kinds struct {
	interval time.Duration

	mu    sync.Mutex
	known map[string]*kind
	// next is when the first of the kinds may be over; zero for no kind.
	next time.Time
}

// take returns a line to be passed on, or counts it.
func (k *kinds) take(name string, line held) []held {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := line.line.Time
	known := k.known[name]
	if known == nil && len(k.known) >= mostKinds {
		name = "" // of all others
		known = k.known[name]
	}
	if known != nil && k.waits(known, now) {
		known.left++
		known.last = line
		return nil
	}
	if known != nil {
		line = line.counting(known.left)
	}
	k.known[name] = &kind{until: now.Add(k.interval)}
	if k.next.IsZero() || k.known[name].until.Before(k.next) {
		k.next = k.known[name].until
	}
	return []held{line}
}

// waits reports whether lines of a kind are not passed on yet. A clock that was set back ends the waiting.
func (k *kinds) waits(each *kind, now time.Time) bool {
	return now.Before(each.until) && each.until.Sub(now) <= k.interval
}

// due forgets the kinds whose time is over, and returns the last of those that were left out, the oldest first.
func (k *kinds) due(now time.Time) []held {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next.IsZero() || now.Before(k.next) && k.next.Sub(now) <= k.interval {
		return nil
	}
	var due []held
	k.next = time.Time{}
	for name, each := range k.known {
		switch {
		case k.waits(each, now):
		case each.left == 0:
			delete(k.known, name)
			continue
		default:
			due = append(due, each.last.counting(each.left-1))
			*each = kind{until: now.Add(k.interval)}
		}
		if k.next.IsZero() || each.until.Before(k.next) {
			k.next = each.until
		}
	}
	slices.SortFunc(due, func(a, b held) int { return a.line.Time.Compare(b.line.Time) })
	return due
}

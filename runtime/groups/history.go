package groups

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// history reads how long is kept what was measured.
func (r *reader) history(n *yaml.Node, key string, h *configs.History) {
	read, ok := r.object(n, key, r.ofHistory(h)...)
	if !ok {
		return
	}
	if read.fine("five_minutes", "hours") && h.Hours < h.FiveMinutes {
		r.say(read, "hours", "is %s; allowed: at least five_minutes, which is %s", h.Hours, h.FiveMinutes)
	}
}

func (r *reader) ofHistory(h *configs.History) []field {
	return []field{
		{"five_minutes", func(n *yaml.Node, key string) { h.FiveMinutes = r.days(n, key) }},
		{"hours", func(n *yaml.Node, key string) { h.Hours = r.days(n, key) }},
		{"max_bytes", func(n *yaml.Node, key string) { h.MaxBytes = r.bytes(n, key) }},
		{"sessions", func(n *yaml.Node, key string) { h.Sessions = int(r.whole(n, key, 0, configs.MaximumKeptSessions)) }},
		{"sessions_max_bytes", func(n *yaml.Node, key string) { h.SessionsMaxBytes = r.bytes(n, key) }},
	}
}

// days reads how long something is kept, as in 24h or 400d.
func (r *reader) days(n *yaml.Node, key string) configs.Span {
	const want = "1h to 3660d, as in 24h or 400d"
	written, ok := r.text(n, key, want)
	if !ok {
		return 0
	}
	kept, err := rollup.ParseSpan(written)
	if err != nil || kept < configs.MinimumKept || kept > configs.MaximumKept {
		r.add(n, key, "is "+shown(written)+"; allowed: "+want)
	}
	return configs.Span(kept)
}

// units of bytes.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}

// bytes reads a size: a number of bytes, or a whole number with a unit, as in 2GiB.
func (r *reader) bytes(n *yaml.Node, key string) int64 {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		return r.whole(n, key, configs.MinimumHistoryBytes, configs.MaximumHistoryBytes)
	}
	want := fmt.Sprintf("%d to %d bytes, as in 512MiB or 2GiB", configs.MinimumHistoryBytes, int64(configs.MaximumHistoryBytes))
	written, ok := r.text(n, key, want)
	if !ok {
		return 0
	}
	for _, unit := range units {
		digits, has := strings.CutSuffix(written, unit.name)
		number, err := strconv.ParseInt(strings.TrimSuffix(digits, " "), 10, 32)
		if has && err == nil && number > 0 && number <= configs.MaximumHistoryBytes/unit.bytes && number*unit.bytes >= configs.MinimumHistoryBytes {
			return number * unit.bytes
		}
	}
	r.add(n, key, "is "+shown(written)+"; allowed: "+want)
	return 0
}

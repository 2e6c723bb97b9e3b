package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/rollup"
)

// History is how long a fisherman keeps what it measured, on this machine. Sessions with their single checks are kept as
// many as the chain, or a group, says at least; rollups of 5 minutes and of 1 hour are kept for longer.
type History struct {
	// FiveMinutes and Hours are how long rollups are kept: 1h to 3660d. Hours is not less than FiveMinutes.
	FiveMinutes Span `json:"five_minutes"`
	Hours       Span `json:"hours"`
	// MaxBytes caps the rollups, 1 MiB to 1 TiB; the oldest are removed first.
	MaxBytes int64 `json:"max_bytes"`
	// Sessions are kept with their checks if the chain, or the groups together, retain fewer; 0 to 1 000 000.
	Sessions int `json:"sessions"`
	// SessionsMaxBytes caps the sessions with their checks, 1 MiB to 1 TiB; the oldest are removed first.
	SessionsMaxBytes int64 `json:"sessions_max_bytes"`
}

// DefaultHistory returns what is kept by default.
func DefaultHistory() History {
	return History{FiveMinutes: Span(7 * 24 * time.Hour), Hours: Span(400 * 24 * time.Hour), MaxBytes: 2 << 30, SessionsMaxBytes: 256 << 20}
}

// UnmarshalJSON reads a history; what it leaves out has the default. Keys that it does not know are errors.
func (h *History) UnmarshalJSON(text []byte) error {
	type plain History
	read := plain(DefaultHistory())
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	*h = History(read)
	return nil
}

// Bounds of History.
const (
	MinimumKept         = time.Hour
	MaximumKept         = 3660 * 24 * time.Hour
	MinimumHistoryBytes = 1 << 20
	MaximumHistoryBytes = 1 << 40
	MaximumKeptSessions = 1_000_000
)

// history checks what is kept.
func (p *problems) history(field string, h History) {
	for name, kept := range map[string]Span{".five_minutes": h.FiveMinutes, ".hours": h.Hours} {
		p.add(MinimumKept <= time.Duration(kept) && time.Duration(kept) <= MaximumKept, field+name, kept.String(), "1h to 3660d")
	}
	p.add(h.FiveMinutes <= h.Hours, field+".hours", h.Hours.String(), "at least five_minutes, which is "+h.FiveMinutes.String())
	for name, bytes := range map[string]int64{".max_bytes": h.MaxBytes, ".sessions_max_bytes": h.SessionsMaxBytes} {
		p.add(MinimumHistoryBytes <= bytes && bytes <= MaximumHistoryBytes, field+name, fmt.Sprint(bytes),
			fmt.Sprintf("%d to %d", MinimumHistoryBytes, int64(MaximumHistoryBytes)))
	}
	p.add(0 <= h.Sessions && h.Sessions <= MaximumKeptSessions, field+".sessions", fmt.Sprint(h.Sessions), fmt.Sprintf("0 to %d", MaximumKeptSessions))
}

// Span is a stretch of time that may have days, encoded as text: "24h", "400d".
type Span time.Duration

// String returns the span in days if it is whole days, otherwise in the form of time.Duration.
func (s Span) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(s); d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(s).String()
}

// MarshalText returns the span in the form of String.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts the form of time.ParseDuration in whole seconds, and days.
func (s *Span) UnmarshalText(text []byte) error {
	parsed, err := rollup.ParseSpan(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a stretch of time, as in 24h or 400d", quoted(string(text)))
	}
	*s = Span(parsed)
	return nil
}

package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Record is what a machine remembers of a servicer and a rule, in a form that can be stored.
type Record struct {
	Rule string `json:"rule"`
	// Alert is as the verdict matched last.
	Alert Alert `json:"alert"`
	// Over is how the alert ended, which is not told yet; nil while it has not ended.
	Over *Alert `json:"over,omitempty"`
	// Firing is whether the rule fires.
	Firing bool `json:"firing"`
	// Told is whether the receivers were told that it fires, at ToldAt.
	Told   bool      `json:"told"`
	ToldAt time.Time `json:"told_at,omitzero"`
	// HeldMillis and WellMillis are for how long the verdict matched, and was over.
	HeldMillis int64 `json:"held_ms"`
	WellMillis int64 `json:"well_ms"`
}

// Records returns what the machine remembers, at most MaximumStates, sorted.
func (m *Machine) Records() []Record {
	records := make([]Record, 0, len(m.states))
	for at, s := range m.states {
		record := Record{Rule: at.rule, Alert: s.alert, Firing: s.phase == firing, Told: s.told, ToldAt: s.toldAt,
			HeldMillis: s.held.Milliseconds(), WellMillis: s.well.Milliseconds()}
		if s.phase == ended {
			over := s.over
			record.Over = &over
		}
		records = append(records, record)
	}
	slices.SortFunc(records, func(a, b Record) int {
		if order := strings.Compare(a.Rule, b.Rule); order != 0 {
			return order
		}
		return a.Alert.Key.compare(b.Alert.Key)
	})
	return records
}

// Restore has the machine remember records, of which it takes at most MaximumStates. What was stored by another program is
// made printable.
func (m *Machine) Restore(records []Record) {
	for _, record := range records {
		if len(m.states) >= MaximumStates {
			return
		}
		s := &state{told: record.Told, toldAt: record.ToldAt, alert: restored(record.Alert), held: millis(record.HeldMillis), well: millis(record.WellMillis)}
		switch {
		case record.Over != nil:
			s.phase, s.over = ended, restored(*record.Over)
		case record.Firing:
			s.phase = firing
		}
		m.states[place{record.Rule, record.Alert.Key}] = s
	}
}

func restored(alert Alert) Alert {
	alert.Reason = text.Line(alert.Reason, maximumReason)
	return alert
}

// millis returns a duration of a stored number, which may be anything.
func millis(n int64) time.Duration {
	const most = int64(24 * time.Hour * 365 / time.Millisecond)
	return time.Duration(min(max(n, 0), most)) * time.Millisecond
}

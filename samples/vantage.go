package samples

import (
	"time"
)

// Vantage is a vantage point: a fisherman in some place whose samples a collector stores.
type Vantage struct {
	// Place names it. Places differ.
	Place string
	// Fisherman is the address of the key that its samples are signed with.
	Fisherman string
	// Store has its sessions and rounds; History what they add up to over time, nil for none.
	Store   Store
	History HistoryStore
	// Health says what is known of it besides its samples; nil for nothing. It is called often and returns at once.
	Health func() VantageHealth
}

// VantageHealth is what a collector knows of a vantage point besides its samples.
type VantageHealth struct {
	// Heard is when something of it was received last, by the collector's clock; zero for never.
	Heard time.Time
	// Skew is by how much its clock is ahead of the collector's; nil while that is not known. A skew above largestSkew either
	// way moves its samples to the time at which they were asked by the collector's clock.
	Skew *time.Duration
}

const (
	// largestSkew is how far off a clock may be without being shown as SKEWED.
	largestSkew = 2 * time.Second
	// silence is how long after it was heard last a vantage point is SILENT.
	silence = 10 * time.Minute
)

func (v *Vantage) health() VantageHealth {
	if v.Health == nil {
		return VantageHealth{}
	}
	return v.Health()
}

// ahead returns by how much the times of its samples are set back; 0 while its clock is right.
func (h VantageHealth) ahead() time.Duration {
	if !h.skewed() {
		return 0
	}
	return *h.Skew
}

func (h VantageHealth) skewed() bool { return h.Skew != nil && h.Skew.Abs() > largestSkew }

// silent reports whether the vantage point was heard, and then no more.
func (h VantageHealth) silent(now time.Time) bool {
	return !h.Heard.IsZero() && now.Sub(h.Heard) > silence
}

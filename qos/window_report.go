package qos

import (
	"encoding/json"
	"time"
)

// WindowsReport is what a fisherman knows of its newest sessions together. Its JSON is as stable as that of Report.
type WindowsReport struct {
	// Window is what was asked for: a number of sessions, or a duration.
	Window string `json:"window"`
	// RelativeError bounds how far the quantiles lie from the exact ones, as a share of them.
	RelativeError float64 `json:"rtt_relative_error"`
	// Windows are by relay chain and geo zone, whose sessions are never merged with others.
	Windows []WindowReport `json:"windows"`
}

// WindowReport merges the complete sessions of one relay chain and geo zone that a window reaches.
type WindowReport struct {
	RelayChain string `json:"relay_chain"`
	GeoZone    string `json:"geo_zone"`
	// Applications whose sessions they are, by address.
	Applications []string `json:"applications"`
	// Sessions that were merged.
	Sessions int `json:"sessions"`
	// SessionsLeftOut are retained sessions within the window's reach that do not count: they still run, or were joined
	// after their first block, or cannot be read.
	SessionsLeftOut int `json:"sessions_left_out"`
	// FirstHeight and LastHeight of the sessions; nil without any.
	FirstHeight *int64 `json:"first_height"`
	LastHeight  *int64 `json:"last_height"`
	// From is when the first session was taken up, To when the last check was asked; UTC, nil without sessions.
	From *time.Time `json:"from"`
	To   *time.Time `json:"to"`
	// Sums over the sessions.
	ChecksPlanned int `json:"checks_planned"`
	ChecksDone    int `json:"checks_done"`
	ChecksDropped int `json:"checks_dropped"`
	ChecksVoid    int `json:"checks_void"`
	// MaxSkewMicros is the largest of the sessions'; nil when nothing was asked.
	MaxSkewMicros *int64 `json:"max_skew_us"`
	// Servicers of the sessions, worst first.
	Servicers []WindowServicer `json:"servicers"`
}

// WindowServicer is one servicer's part in a window.
type WindowServicer struct {
	Address string `json:"address"`
	// ServiceURL in the newest session.
	ServiceURL string `json:"service_url"`
	// Sessions of the window that it is in.
	Sessions int `json:"sessions"`
	// Verdicts counts them by its verdict in each. Verdicts that did not occur are absent.
	Verdicts map[Verdict]int `json:"verdicts"`
	// Samples, NullSamples and Void are sums over its sessions.
	Samples     int `json:"samples"`
	NullSamples int `json:"null_samples"`
	Void        int `json:"void"`
	// NullSamplesAllowed and SamplesRequired are the thresholds of the verdict: sums over its sessions, where no session
	// allows more null samples than it has samples.
	NullSamplesAllowed int `json:"null_samples_allowed"`
	SamplesRequired    int `json:"samples_required"`
	// Availability is the share of samples that were answered.
	Availability Interval `json:"availability"`
	// RoundTripTimes are estimated, within RelativeError.
	RoundTripTimes RoundTripTimes `json:"rtt_ms"`
	// OverSLA counts the answers above the latency SLA of their session.
	OverSLA     int         `json:"over_sla"`
	Consistency Consistency `json:"consistency"`
	// Outcomes counts samples by the label of their outcome, void ones under VOID.
	Outcomes map[string]int `json:"outcomes"`
	Verdict  Verdict        `json:"verdict"`
	Reason   string         `json:"reason"`
	// Rank among the window's servicers; nil when the verdict is unknown, or there are fewer samples than required.
	Rank *int `json:"rank"`
}

// MarshalJSON writes an empty list of windows as [].
func (r WindowsReport) MarshalJSON() ([]byte, error) {
	type plain WindowsReport
	r.Windows = present(r.Windows)
	return json.Marshal(plain(r))
}

// MarshalJSON writes empty lists as [].
func (w WindowReport) MarshalJSON() ([]byte, error) {
	type plain WindowReport
	w.Applications, w.Servicers = present(w.Applications), present(w.Servicers)
	return json.Marshal(plain(w))
}

// MarshalJSON writes counts of nothing as {}.
func (s WindowServicer) MarshalJSON() ([]byte, error) {
	type plain WindowServicer
	if s.Verdicts == nil {
		s.Verdicts = map[Verdict]int{}
	}
	if s.Outcomes == nil {
		s.Outcomes = map[string]int{}
	}
	return json.Marshal(plain(s))
}

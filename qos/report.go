package qos

import "encoding/json"

// Report is what a fisherman knows of the sessions that it sampled, oldest first. Its JSON is the project's stable form:
// fields in the order below, numbers as numbers, absent values null, lists never null.
type Report struct {
	Sessions []SessionReport `json:"sessions"`
}

// SessionReport is one sampled session.
type SessionReport struct {
	// ID of the session, 64 hex digits.
	ID string `json:"id"`
	// Height is the session's first height.
	Height int64 `json:"height"`
	// RelayChain is four hex digits.
	RelayChain string `json:"relay_chain"`
	GeoZone    string `json:"geo_zone"`
	// Application is the address that the session serves.
	Application string `json:"application"`
	// ChecksPlanned is the size of the session's plan. In a closed session it is the sum of the next three.
	ChecksPlanned int `json:"checks_planned"`
	// ChecksDone were asked and count.
	ChecksDone int `json:"checks_done"`
	// ChecksDropped were never asked. In a closed session that includes planned checks of which nothing was stored.
	ChecksDropped int `json:"checks_dropped"`
	// ChecksVoid were asked but count for nobody.
	ChecksVoid int `json:"checks_void"`
	// MaxSkewMicros is the largest time between first and last write of a check that was asked (done or void), in
	// microseconds, rounded up; nil when none was asked.
	MaxSkewMicros *int64 `json:"max_skew_us"`
	// Reasons of the checks that are void or dropped, the most frequent first; at most eight.
	Reasons []Reason `json:"reasons"`
	// Complete: the session is closed, and was taken up at its first block.
	Complete bool `json:"complete"`
	// Servicers of the session, worst first.
	Servicers []ServicerReport `json:"servicers"`
}

// ServicerReport is one servicer's part in a session.
type ServicerReport struct {
	Address    string `json:"address"`
	ServiceURL string `json:"service_url"`
	// Samples is the number of samples that count: answered or null, not void.
	Samples int `json:"samples"`
	// NullSamples are those of them that brought no valid answer in time.
	NullSamples int `json:"null_samples"`
	// NullIndices are the checks of the null samples, ascending.
	NullIndices []uint32 `json:"null_indices"`
	// Void samples count for nobody.
	Void int `json:"void"`
	// Availability is the share of samples that were answered.
	Availability Interval `json:"availability"`
	// RoundTripTimes of the answers, on connections of one kind.
	RoundTripTimes RoundTripTimes `json:"rtt_ms"`
	// OverSLA counts the answers above the latency SLA, on connections of either kind.
	OverSLA     int         `json:"over_sla"`
	Consistency Consistency `json:"consistency"`
	// Outcomes counts samples by the label of their outcome, void ones under VOID. Outcomes that did not occur are absent.
	Outcomes map[string]int `json:"outcomes"`
	Verdict  Verdict        `json:"verdict"`
	// Reason says in one line why the verdict is what it is.
	Reason string `json:"reason"`
	// Rank is 1 plus the number of the session's servicers that are better beyond doubt (see Summarize); nil when the
	// verdict is unknown, or there are fewer samples than required.
	Rank *int `json:"rank"`
	// scarce: fewer samples than required.
	scarce bool
	// voids are the void samples by cause.
	voids voids
}

// Consistency counts a servicer's answers by how they compare with the others' of the same check.
type Consistency struct {
	// Agree with the strict majority.
	Agree int `json:"agree"`
	// Disagree with it.
	Disagree int `json:"disagree"`
	// Undecidable: there was no strict majority, or there were too few votes.
	Undecidable int `json:"undecidable"`
	// Interval estimates agree / (agree + disagree).
	Interval
}

// MarshalJSON writes an empty list of sessions as [].
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	r.Sessions = present(r.Sessions)
	return json.Marshal(plain(r))
}

// MarshalJSON writes empty lists of servicers and reasons as [].
func (s SessionReport) MarshalJSON() ([]byte, error) {
	type plain SessionReport
	s.Servicers, s.Reasons = present(s.Servicers), present(s.Reasons)
	return json.Marshal(plain(s))
}

// MarshalJSON writes an empty list of indices as [] and no outcomes as {}.
func (s ServicerReport) MarshalJSON() ([]byte, error) {
	type plain ServicerReport
	s.NullIndices = present(s.NullIndices)
	if s.Outcomes == nil {
		s.Outcomes = map[string]int{}
	}
	return json.Marshal(plain(s))
}

// present is list, or an empty list in place of nil.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

package qos

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/types/known/durationpb"
)

// RoundReport is one check of a session as people and programs read it. The form of its JSON is that of Report: numbers
// as numbers, what is not known null, lists never null.
type RoundReport struct {
	// Session is the session's id, 64 hex digits.
	Session string `json:"session"`
	// Index is the check's place in the session's plan, from 0.
	Index uint32 `json:"index"`
	// Status is "DONE", "VOID" (asked, but it counts for nobody) or "DROPPED" (never asked).
	Status string `json:"status"`
	// Reason says in one line why the status is not DONE; empty when it is.
	Reason string `json:"reason"`
	// Planned is when the schedule wanted the check; Released when its requests were let go, nil when they were not.
	Planned  *time.Time `json:"planned"`
	Released *time.Time `json:"released"`
	// SkewMicros is the time between first and last request, less intended offsets, in microseconds, rounded up; nil when
	// nothing was asked.
	SkewMicros *int64 `json:"skew_us"`
	// Question that was asked, as in "block height=12".
	Question string `json:"question"`
	// Samples by servicer, ordered by address; empty when the check was dropped.
	Samples []SampleReport `json:"samples"`
}

// SampleReport is what one servicer did with the question of a check. Times are milliseconds, rounded to whole
// microseconds.
type SampleReport struct {
	Servicer   string `json:"servicer"`
	ServiceURL string `json:"service_url"`
	// Outcome of the request: "OK", "TIMEOUT", … A sample that counts for nobody is "VOID".
	Outcome string `json:"outcome"`
	// Blame is whom an outcome other than OK speaks against: "SERVICER", "BACKEND", "SELF" or "UNKNOWN"; nil for nobody.
	Blame *string `json:"blame"`
	// Consistency with the other answers: "AGREE", "DISAGREE" or "UNDECIDABLE"; nil without an answer to compare.
	Consistency *string `json:"consistency"`
	// Detail explains an outcome other than OK in one line.
	Detail string `json:"detail"`
	// Sent is when the request was sent; nil when it never was.
	Sent *time.Time `json:"sent"`
	// RoundTripTime is from request sent to last byte of the answer, by the clock that Timing names; nil without an answer.
	RoundTripTime *float64 `json:"rtt_ms"`
	// TimeToFirstByte is by the same clock.
	TimeToFirstByte *float64 `json:"ttfb_ms"`
	// UserRoundTripTime is the round-trip time as the fisherman's program saw it. What it is longer than RoundTripTime is
	// the delay of the fisherman's own machine.
	UserRoundTripTime *float64 `json:"user_rtt_ms"`
	// Timing is the clock: "KERNEL" or "USER_SPACE"; nil without an answer.
	Timing *string `json:"timing"`
	// DNS, Connect and TLS are the phases of making a new connection, which are no part of the round-trip time; nil for a
	// kept one.
	DNS     *float64 `json:"dns_ms"`
	Connect *float64 `json:"connect_ms"`
	TLS     *float64 `json:"tls_ms"`
	// Reused: the connection was kept from an earlier check.
	Reused bool `json:"reused"`
	// OverSLA: the round-trip time is above the latency SLA.
	OverSLA bool `json:"over_sla"`
	// RelayErrorCode is that of the servicer's signed error, and RelayError its name; nil when it signed none.
	RelayErrorCode *uint32 `json:"relay_error_code"`
	RelayError     *string `json:"relay_error"`
	// AnswerDigest is the SHA-256 of the canonical answer in hex; nil without one.
	AnswerDigest *string `json:"answer_digest"`
	// Evidence: the signed request and answer are kept.
	Evidence bool `json:"evidence"`
}

// ReportRound makes a report of a round.
func ReportRound(round *types.QoSRound) RoundReport {
	report := RoundReport{
		Session:  round.GetSessionId(),
		Index:    round.GetIndex(),
		Status:   round.GetStatus().Label(),
		Reason:   round.GetReason(),
		Planned:  moment(round.GetPlannedUnixNano()),
		Released: moment(round.GetReleasedUnixNano()),
		Question: round.GetQuestion(),
		Samples:  make([]SampleReport, 0, len(round.GetSamples())),
	}
	if asked(round) {
		report.SkewMicros = microsUp(round.GetSkew())
	}
	for _, sample := range round.GetSamples() {
		report.Samples = append(report.Samples, sampleOf(sample))
	}
	return report
}

func sampleOf(sample *types.QoSSample) SampleReport {
	report := SampleReport{
		Servicer:          sample.GetServicer(),
		ServiceURL:        sample.GetServiceUrl(),
		Outcome:           sample.GetOutcome().Label(),
		Blame:             unless(sample.GetBlame() == types.Blame_BLAME_UNSPECIFIED, sample.GetBlame().Label()),
		Consistency:       unless(sample.GetConsistency() == types.Consistency_CONSISTENCY_UNSPECIFIED, sample.GetConsistency().Label()),
		Detail:            sample.GetDetail(),
		Sent:              moment(sample.GetSentUnixNano()),
		RoundTripTime:     millisecondsOf(sample.GetRoundTripTime()),
		TimeToFirstByte:   millisecondsOf(sample.GetTimeToFirstByte()),
		UserRoundTripTime: millisecondsOf(sample.GetUserRoundTripTime()),
		Timing:            unless(sample.GetTiming() == types.TimingSource_TIMING_SOURCE_UNSPECIFIED, sample.GetTiming().Label()),
		DNS:               millisecondsOf(sample.GetDnsTime()),
		Connect:           millisecondsOf(sample.GetConnectTime()),
		TLS:               millisecondsOf(sample.GetTlsTime()),
		Reused:            sample.GetReusedConnection(),
		OverSLA:           sample.GetOverSla(),
		AnswerDigest:      unless(len(sample.GetAnswerDigest()) == 0, hex.EncodeToString(sample.GetAnswerDigest())),
		Evidence:          len(sample.GetResponseEnvelope()) > 0,
	}
	if code := sample.GetRelayErrorCode(); code != 0 {
		name := types.RelayErrorCode(code).Label()
		report.RelayErrorCode, report.RelayError = &code, &name
	}
	return report
}

// MarshalJSON writes an empty list of samples as [].
func (r RoundReport) MarshalJSON() ([]byte, error) {
	type plain RoundReport
	r.Samples = present(r.Samples)
	return json.Marshal(plain(r))
}

// moment is a moment in UTC; nil for 0, which stands for none.
func moment(unixNano int64) *time.Time {
	if unixNano == 0 {
		return nil
	}
	at := time.Unix(0, unixNano).UTC()
	return &at
}

// unless is the text, or nil when there is none.
func unless(none bool, text string) *string {
	if none {
		return nil
	}
	return &text
}

// millisecondsOf are nil when the duration is not set.
func millisecondsOf(d *durationpb.Duration) *float64 {
	if d == nil {
		return nil
	}
	value := milliseconds(d.AsDuration())
	return &value
}

// microsUp are whole microseconds, rounded up; nil when the duration is not set.
func microsUp(d *durationpb.Duration) *int64 {
	if d == nil {
		return nil
	}
	micros := int64(math.Ceil(float64(d.AsDuration()) / float64(time.Microsecond)))
	return &micros
}

package qos

import (
	"encoding/hex"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// CheckVerdict is what one check says of one servicer. It counts for nothing.
type CheckVerdict string

// Verdicts of a check; the first that holds.
const (
	// CheckVoid: it counts for nobody, because the fault may be the fisherman's.
	CheckVoid CheckVerdict = "void"
	// CheckNull: there was no valid answer in time.
	CheckNull CheckVerdict = "null"
	// CheckInconsistent: the answer contradicts the majority.
	CheckInconsistent CheckVerdict = "inconsistent"
	// CheckSlow: the answer took longer than the latency SLA.
	CheckSlow CheckVerdict = "slow"
	// CheckUndecidable: the answer cannot be compared, for want of a majority.
	CheckUndecidable CheckVerdict = "undecidable"
	// CheckOK: answered within the SLA, as the majority did.
	CheckOK CheckVerdict = "ok"
)

// Words for what was found of a signature or a binding.
const (
	HoldsNot = "failed"
	Holds    = "ok"
)

// CheckReport is one check on demand.
type CheckReport struct {
	Session EvidenceSession `json:"session"`
	// Servicer that the check was made for.
	Servicer string       `json:"servicer"`
	Verdict  CheckVerdict `json:"verdict"`
	// Reason for which the whole check is void; empty when it is not.
	Reason string `json:"reason"`
	// Question is its name for people.
	Question string `json:"question"`
	AskedAt  string `json:"asked_at"`
	// SkewMicros is from the first request's writing to the last's, in microseconds.
	SkewMicros int64 `json:"skew_us"`
	// TimeoutMS and LatencySLAMS are what the session's parameters allow, in milliseconds.
	TimeoutMS    float64 `json:"timeout_ms"`
	LatencySLAMS float64 `json:"latency_sla_ms"`
	// Quorum is the fewest votes of a majority.
	Quorum int `json:"quorum"`
	// Samples of all servicers of the session, by address.
	Samples []CheckSample `json:"samples"`
}

// CheckSample is what one servicer did. Times are in milliseconds, nil where there are none.
type CheckSample struct {
	Servicer   string `json:"servicer"`
	ServiceURL string `json:"service_url"`
	// Outcome, Blame and Consistency by their labels; empty where there is none.
	Outcome     string `json:"outcome"`
	Blame       string `json:"blame"`
	Consistency string `json:"consistency"`
	// RelayError is the code of a signed error, as in "NOT_IN_SESSION"; empty without one.
	RelayError string `json:"relay_error"`
	// Detail explains an outcome other than OK.
	Detail string `json:"detail"`
	// Signature and Binding are Holds, HoldsNot, or empty when there was nothing to check.
	Signature string `json:"signature"`
	Binding   string `json:"binding"`
	// DNSMS, ConnectMS and TLSMS are the parts of making the connection; they are not part of a round-trip time.
	DNSMS     *float64 `json:"dns_ms"`
	ConnectMS *float64 `json:"connect_ms"`
	TLSMS     *float64 `json:"tls_ms"`
	// WriteMS is how long the writing of the request took, as this program saw it.
	WriteMS *float64 `json:"write_ms"`
	// Timing is the clock of the following: "KERNEL", from when the kernel sent the request; "USER_SPACE", from before the
	// writing; empty without an answer.
	Timing string `json:"timing"`
	// FirstByteMS and LastByteMS are to the first and last byte of the answer; the latter is the round-trip time.
	FirstByteMS *float64 `json:"first_byte_ms"`
	LastByteMS  *float64 `json:"last_byte_ms"`
	// UserLastByteMS is the round-trip time as this program saw it: what it is longer is this machine's own delay.
	UserLastByteMS *float64 `json:"user_last_byte_ms"`
	OverSLA        bool     `json:"over_sla"`
	// Digest of the answer's canonical form, in hex; empty without one.
	Digest string `json:"digest"`
}

// Sample is that of a servicer; nil when it was not asked.
func (r CheckReport) Sample(servicer string) *CheckSample {
	at := slices.IndexFunc(r.Samples, func(s CheckSample) bool { return s.Servicer == servicer })
	if at < 0 {
		return nil
	}
	return &r.Samples[at]
}

// ReportCheck makes the report of a round on demand, for one of its servicers. The rest of the report is the caller's.
func ReportCheck(servicer string, round *types.QoSRound, writes map[string]time.Duration) CheckReport {
	report := CheckReport{
		Servicer:   servicer,
		Verdict:    CheckVoid,
		Reason:     round.GetReason(),
		Question:   round.GetQuestion(),
		AskedAt:    time.Unix(0, round.GetReleasedUnixNano()).UTC().Format(time.RFC3339Nano),
		SkewMicros: round.GetSkew().AsDuration().Microseconds(),
		Samples:    []CheckSample{},
	}
	for _, sample := range round.GetSamples() {
		made := reportSample(sample)
		if write, wrote := writes[sample.GetServicer()]; wrote {
			made.WriteMS = duration(write)
		}
		report.Samples = append(report.Samples, made)
		if sample.GetServicer() == servicer {
			report.Verdict = judgeCheck(sample)
		}
	}
	return report
}

func reportSample(sample *types.QoSSample) CheckSample {
	made := CheckSample{
		Servicer:    sample.GetServicer(),
		ServiceURL:  sample.GetServiceUrl(),
		Outcome:     sample.GetOutcome().Label(),
		Detail:      sample.GetDetail(),
		DNSMS:       optional(sample.GetDnsTime()),
		ConnectMS:   optional(sample.GetConnectTime()),
		FirstByteMS: optional(sample.GetTimeToFirstByte()),
		LastByteMS:  optional(sample.GetRoundTripTime()),

		UserLastByteMS: optional(sample.GetUserRoundTripTime()),
		OverSLA:        sample.GetOverSla(),
		Digest:         hex.EncodeToString(sample.GetAnswerDigest()),
	}
	if handshake := sample.GetTlsTime(); handshake.AsDuration() > 0 { // without TLS it takes no time
		made.TLSMS = optional(handshake)
	}
	if sample.GetTiming() != types.TimingSource_TIMING_SOURCE_UNSPECIFIED {
		made.Timing = sample.GetTiming().Label()
	}
	if sample.GetBlame() != types.Blame_BLAME_UNSPECIFIED {
		made.Blame = sample.GetBlame().Label()
	}
	if sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED {
		made.Consistency = sample.GetConsistency().Label()
	}
	if code := types.RelayErrorCode(sample.GetRelayErrorCode()); code != types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED {
		made.RelayError = code.Label()
	}
	made.Signature, made.Binding = trust(sample)
	return made
}

// trust says what an outcome tells of the signature and the binding of what came back.
func trust(sample *types.QoSSample) (signature, binding string) {
	switch outcome := sample.GetOutcome(); {
	case outcome == types.Outcome_OUTCOME_BAD_SIGNATURE:
		return HoldsNot, ""
	case outcome == types.Outcome_OUTCOME_WRONG_BINDING:
		return Holds, HoldsNot
	case outcome == types.Outcome_OUTCOME_OK, outcome == types.Outcome_OUTCOME_BACKEND_ERROR, len(sample.GetAnswerDigest()) > 0,
		sample.GetRelayErrorCode() != 0:
		return Holds, Holds
	}
	return "", ""
}

func judgeCheck(sample *types.QoSSample) CheckVerdict {
	switch {
	case sample.GetOutcome() == types.Outcome_OUTCOME_VOID:
		return CheckVoid
	case sample.GetOutcome() != types.Outcome_OUTCOME_OK:
		return CheckNull
	case sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE:
		return CheckInconsistent
	case sample.GetOverSla():
		return CheckSlow
	case sample.GetConsistency() != types.Consistency_CONSISTENCY_AGREE:
		return CheckUndecidable
	}
	return CheckOK
}

func optional(d *durationpb.Duration) *float64 {
	if d == nil {
		return nil
	}
	return duration(d.AsDuration())
}

func duration(d time.Duration) *float64 {
	value := milliseconds(d)
	return &value
}

package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// mostDetail bounds the text kept with a sample.
	mostDetail = 256
	// mostEvidence bounds each envelope kept with a sample.
	mostEvidence = 64 << 10
)

// judge turns a finished round into its record. Whatever may be our own fault voids the round or the sample; only what
// is left counts for or against a servicer.
func (r *round) judge(ctx context.Context, execution error) *types.QoSRound {
	record := r.record(types.RoundStatus_ROUND_STATUS_DONE)
	record.ReleasedUnixNano = unixNano(r.released)
	record.Skew = durationpb.New(r.skew)
	record.IgnoredFields = r.ignoredFields
	r.answers = verify.NewReader(func(status uint32, payload []byte) (verify.Digest, error) {
		return verify.ReadAnswer(r.question.Payload, status, payload, r.ignored...)
	})
	var ballots []verify.Ballot
	var voters []int
	for _, slot := range r.slots {
		sample, digest := r.sample(slot)
		if sample.Outcome == types.Outcome_OUTCOME_OK {
			ballots = append(ballots, verify.Ballot{Origin: origin(sample.ServiceUrl), Digest: digest})
			voters = append(voters, len(record.Samples))
		}
		record.Samples = append(record.Samples, sample)
	}
	for i, consistency := range verify.Compare(ballots, r.policy.Quorum) {
		record.Samples[voters[i]].Consistency = consistency
	}
	r.keepEvidence(record)
	if reason := r.void(ctx, record, execution); reason != "" {
		voidRound(record, reason)
	}
	slices.SortFunc(record.Samples, func(a, b *types.QoSSample) int { return cmp.Compare(a.Servicer, b.Servicer) })
	return record
}

// record starts the record of a check.
func (o *order) record(status types.RoundStatus) *types.QoSRound {
	return &types.QoSRound{
		SessionId:       o.session.GetHeader().GetId(),
		Index:           o.index,
		Status:          status,
		PlannedUnixNano: unixNano(o.due),
		Question:        o.question.Label,
	}
}

// sample says what one servicer did.
func (r *round) sample(slot *slot) (*types.QoSSample, verify.Digest) {
	times := slot.times()
	sent, _ := times.Transmission()
	sample := &types.QoSSample{
		Servicer:         slot.servicer.GetAddress(),
		ServiceUrl:       slot.servicer.GetServiceUrl(),
		SentUnixNano:     unixNano(sent),
		ReusedConnection: slot.reused,
	}
	if phases := slot.phases; !slot.reused && phases != (relay.Phases{}) {
		sample.DnsTime = durationpb.New(phases.DNS)
		sample.ConnectTime = durationpb.New(phases.Connect)
		sample.TlsTime = durationpb.New(phases.TLS)
	}
	digest, failure := r.read(slot)
	if failure != nil {
		sample.Outcome, sample.Blame = failure.Outcome, failure.Blame
		sample.Detail = clip(failure.Error())
		sample.RelayErrorCode = uint32(failure.Code)
		return sample, digest
	}
	roundTrip := times.RoundTrip()
	sample.Outcome, sample.Detail = types.Outcome_OUTCOME_OK, slot.remark
	sample.Timing = times.Source()
	sample.RoundTripTime = durationpb.New(roundTrip)
	sample.UserRoundTripTime = durationpb.New(times.UserRoundTrip())
	sample.TimeToFirstByte = durationpb.New(times.TimeToFirstByte())
	sample.OverSla = roundTrip > r.policy.LatencySLA
	sample.AnswerDigest = digest[:]
	return sample, digest
}

// read opens and reads a slot's answer.
func (r *round) read(slot *slot) (verify.Digest, *relay.Failure) {
	switch {
	case slot.unsent != nil:
		return verify.Digest{}, slot.unsent
	case slot.failure != nil:
		return verify.Digest{}, slot.failure
	case slot.answer == nil:
		return verify.Digest{}, ownFailure("exchange", errors.New("not asked"))
	}
	if failure := untimed(slot.times(), r.policy.Timeout); failure != nil {
		return verify.Digest{}, failure
	}
	response, err := slot.sealed.Open(slot.answer)
	if err != nil {
		return verify.Digest{}, r.within(failureOf("open answer", err))
	}
	slot.remark = clockRemark(response, slot.sent, slot.times().RoundTrip())
	digest, err := r.answers.Read(response.GetUpstreamStatus(), response.GetPayload())
	switch {
	case errors.Is(err, verify.ErrBackend):
		return digest, &relay.Failure{Outcome: types.Outcome_OUTCOME_BACKEND_ERROR, Blame: types.Blame_BLAME_BACKEND, Attempt: "read answer", Err: err}
	case err != nil:
		return digest, &relay.Failure{Outcome: types.Outcome_OUTCOME_MALFORMED, Blame: types.Blame_BLAME_SERVICER, Attempt: "read answer", Err: err}
	}
	return digest, nil
}

// untimed tells when this machine spoilt the timing of an answer: it was slow to write the request, and nobody knows when
// that left; or it was slow to read an answer that had arrived in time, and nobody knows how much of the time is its own.
func untimed(times relay.Times, timeout time.Duration) *relay.Failure {
	writing := times.Written.Sub(times.Sent)
	if _, stamped := times.Transmission(); !stamped && writing > writeLimit {
		return ownFailure("write request", fmt.Errorf("took %v; the moment of sending is not known", writing))
	}
	if read := times.UserRoundTrip(); times.Source() == types.TimingSource_TIMING_SOURCE_USER_SPACE && read > timeout {
		return ownFailure("read answer", fmt.Errorf("read after %v; the moment of its arrival is not known", read))
	}
	return nil
}

// void gives the reason for which a whole round counts for nobody, or "".
func (r *round) void(ctx context.Context, record *types.QoSRound, execution error) string {
	switch {
	case execution != nil:
		return "the fisherman was stopped during the check"
	case r.released.Sub(r.due) > latest:
		return fmt.Sprintf("released %v after its time", r.released.Sub(r.due).Round(time.Millisecond))
	case r.stall > stallLimit:
		return fmt.Sprintf("this machine stalled for %v during the check", r.stall.Round(time.Millisecond))
	case r.skew > r.policy.MaxSkew:
		return fmt.Sprintf("skew of %v between the requests, allowed %v", r.skew, r.policy.MaxSkew)
	case !slices.ContainsFunc(record.Samples, counts):
		return "none of its samples counts"
	case !slices.ContainsFunc(record.Samples, answered):
		if reason := onlyDisputed(record); reason != "" {
			return reason
		}
		return r.askControl(ctx)
	}
	return ""
}

func counts(sample *types.QoSSample) bool { return sample.Outcome != types.Outcome_OUTCOME_VOID }

func answered(sample *types.QoSSample) bool { return sample.Outcome == types.Outcome_OUTCOME_OK }

// askControl decides about a round that nobody answered: when a target outside of the session answers the very same
// question, the fault is the servicers'; otherwise it may be ours.
func (r *round) askControl(ctx context.Context) string {
	const nobody = "no servicer answered and "
	if r.probe == nil {
		return nobody + "there is no control probe to tell whose fault that is"
	}
	ctx, cancel := context.WithTimeout(ctx, r.policy.Timeout)
	defer cancel()
	answer, err := r.probe(ctx, r.question.Payload)
	if err == nil {
		_, err = verify.ReadAnswer(r.question.Payload, answer.Status, answer.Body)
	}
	if err != nil {
		return clip(nobody + "neither did the control probe: " + err.Error())
	}
	return ""
}

// voidRound takes the weight from a round and all its samples; what was observed stays readable in the details.
func voidRound(record *types.QoSRound, reason string) {
	record.Status, record.Reason = types.RoundStatus_ROUND_STATUS_VOID, reason
	for _, sample := range record.Samples {
		if counts(sample) {
			sample.Detail = clip(strings.TrimSuffix(sample.Outcome.Label()+" in a void round: "+sample.Detail, ": "))
		}
		sample.Outcome, sample.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
		sample.Consistency = types.Consistency_CONSISTENCY_UNSPECIFIED
	}
}

// keepEvidence keeps the envelopes of every dissenter and of one servicer of the majority.
func (r *round) keepEvidence(record *types.QoSRound) {
	dissent := slices.ContainsFunc(record.Samples, func(s *types.QoSSample) bool {
		return s.Consistency == types.Consistency_CONSISTENCY_DISAGREE
	})
	witness := !dissent
	for i, sample := range record.Samples {
		slot := r.slots[i]
		majority := sample.Consistency == types.Consistency_CONSISTENCY_AGREE && !witness
		if !majority && sample.Consistency != types.Consistency_CONSISTENCY_DISAGREE {
			continue
		}
		if len(slot.answer.Body) > mostEvidence {
			sample.Detail = clip(strings.TrimPrefix(sample.Detail+"; answer too large to keep as evidence", "; "))
			continue
		}
		witness = witness || majority
		sample.RequestEnvelope, sample.ResponseEnvelope = slot.sealed.Envelope, slot.answer.Body
	}
}

// origin is what a vote is counted by: scheme, host and port, each in one spelling.
func origin(serviceURL string) string {
	parsed, err := url.Parse(serviceURL)
	if err != nil {
		return serviceURL
	}
	host, port := strings.ToLower(strings.TrimSuffix(parsed.Hostname(), ".")), parsed.Port()
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.Unmap().String()
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	return parsed.Scheme + "://" + net.JoinHostPort(host, port)
}

func unixNano(moment time.Time) int64 {
	if moment.IsZero() {
		return 0
	}
	return moment.UnixNano()
}

// clip makes one printable line of a text in which strangers have a say, and bounds it by bytes at a rune's border.
func clip(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > mostDetail {
		text = strings.ToValidUTF8(text[:mostDetail], "")
	}
	return text
}

package judge

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// what changes an exchange into another one.
func changed(e Exchange, change func(*Exchange)) Exchange {
	change(&e)
	return e
}

// Each kind of exchange beside two servicers that answer well.
func TestSample(t *testing.T) {
	const url = "https://a.example"
	sent := due.UnixNano()
	digest := judged(t, check(answers("a", `1`)), rules()).GetSamples()[0].GetAnswerDigest()
	good := func(change func(*types.QoSSample)) *types.QoSSample {
		sample := &types.QoSSample{
			Servicer: "a", ServiceUrl: url, SentUnixNano: sent, ReusedConnection: true, Outcome: outcomeOK,
			Timing:        types.TimingSource_TIMING_SOURCE_KERNEL,
			RoundTripTime: durationpb.New(20 * time.Millisecond), TimeToFirstByte: durationpb.New(19 * time.Millisecond),
			UserRoundTripTime: durationpb.New(21 * time.Millisecond),
			AnswerDigest:      digest, Consistency: types.Consistency_CONSISTENCY_AGREE, Answer: types.AnswerClass_ANSWER_CLASS_VALUE,
		}
		change(sample)
		return sample
	}
	for name, test := range map[string]struct {
		exchange Exchange
		want     *types.QoSSample
	}{
		"answer": {answers("a", `1`), good(func(*types.QoSSample) {})},
		"answer over a new connection": {
			changed(answers("a", `1`), func(e *Exchange) { e.Reused, e.DNS, e.Connect, e.TLS = false, 1, 2, 3 }),
			good(func(s *types.QoSSample) {
				s.ReusedConnection, s.DnsTime, s.ConnectTime, s.TlsTime = false, durationpb.New(1), durationpb.New(2), durationpb.New(3)
			}),
		},
		"answer over a connection of before": {
			changed(answers("a", `1`), func(e *Exchange) { e.DNS, e.Connect, e.TLS = 1, 2, 3 }), good(func(*types.QoSSample) {}),
		},
		"answer timed by this program": {
			changed(answers("a", `1`), func(e *Exchange) { e.Times.Source = types.TimingSource_TIMING_SOURCE_USER_SPACE }),
			good(func(s *types.QoSSample) { s.Timing = types.TimingSource_TIMING_SOURCE_USER_SPACE }),
		},
		"answer with a remark": {
			changed(answers("a", `1`), func(e *Exchange) { e.Remark = "its clock is 2m0s behind ours" }),
			good(func(s *types.QoSSample) { s.Detail = "its clock is 2m0s behind ours" }),
		},
		"answer at the SLA": {
			changed(answers("a", `1`), func(e *Exchange) { e.Times.RoundTrip = 50 * time.Millisecond }),
			good(func(s *types.QoSSample) { s.RoundTripTime = durationpb.New(50 * time.Millisecond) }),
		},
		"answer over the SLA": {
			changed(answers("a", `1`), func(e *Exchange) { e.Times.RoundTrip = 50*time.Millisecond + 1 }),
			good(func(s *types.QoSSample) {
				s.RoundTripTime, s.OverSla = durationpb.New(50*time.Millisecond+1), true
			}),
		},
		"error of the node": {says("a", nodeError), &types.QoSSample{
			Servicer: "a", ServiceUrl: url, SentUnixNano: sent, ReusedConnection: true,
			Outcome: types.Outcome_OUTCOME_BACKEND_ERROR, Blame: blamesBackend, Attempt: types.Attempt_ATTEMPT_READ_ANSWER,
			Detail: "read answer: error of the node -32603: no such block", Answer: types.AnswerClass_ANSWER_CLASS_FAILURE,
		}},
		"answer to another question": {says("a", `{"jsonrpc":"2.0","id":8,"result":1}`), &types.QoSSample{
			Servicer: "a", ServiceUrl: url, SentUnixNano: sent, ReusedConnection: true,
			Outcome: types.Outcome_OUTCOME_MALFORMED, Blame: blamesServicer, Attempt: types.Attempt_ATTEMPT_READ_ANSWER,
			Detail: "read answer: malformed answer: the id is not that of the question",
		}},
		"refusal": {busy("a"), &types.QoSSample{
			Servicer: "a", ServiceUrl: url, SentUnixNano: sent,
			Outcome: outcomeRelayError, Blame: blamesServicer, Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
			RelayErrorCode: 9, RelayError: "BUSY", Detail: "signed error: BUSY: no",
		}},
		"connection refused": {down("a"), &types.QoSSample{
			Servicer: "a", ServiceUrl: url,
			Outcome: types.Outcome_OUTCOME_CONNECT, Blame: blamesServicer, Attempt: types.Attempt_ATTEMPT_CONNECT, Detail: "connect: as told",
		}},
		"still connecting": {Exchange{
			Servicer: "a", ServiceURL: url, DNS: 1, Connect: 2, TLS: 3, Late: &LateConnection{},
			Failure: own(types.Attempt_ATTEMPT_EXCHANGE, errors.New("not asked")),
		}, &types.QoSSample{
			Servicer: "a", ServiceUrl: url, DnsTime: durationpb.New(1), ConnectTime: durationpb.New(2), TlsTime: durationpb.New(3),
			Outcome: outcomeVoid, Blame: blamesSelf, Attempt: types.Attempt_ATTEMPT_CONNECT,
			Detail: "connect: not asked: still connecting when the check was released",
		}},
	} {
		record := judged(t, check(test.exchange, answers("b", `1`), answers("c", `1`)), rules())
		test.want.Origin = 1
		if got := sampleOf(t, record, "a"); !proto.Equal(got, test.want) {
			t.Errorf("%s:\n%v, want\n%v", name, got, test.want)
		}
		if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
			t.Errorf("%s: round is %v: %s", name, record.GetStatus(), record.GetReason())
		}
		for i, neighbour := range []string{"b", "c"} {
			want := good(func(s *types.QoSSample) {
				s.Servicer, s.ServiceUrl, s.Origin = neighbour, "https://"+neighbour+".example", uint32(i)+2
			})
			if got := sampleOf(t, record, neighbour); !proto.Equal(got, want) {
				t.Errorf("%s: neighbour: %v", name, got)
			}
		}
	}
}

// Every failure is kept as it was told, with whichever outcome, blame and attempt, whether an answer came or not.
func TestFailuresAreKept(t *testing.T) {
	for number := range types.Outcome_name {
		for blame := range types.Blame_name {
			for attempt := range types.Attempt_name {
				outcome := types.Outcome(number)
				if outcome == 0 || outcome == outcomeOK || blame == 0 {
					continue // no failure
				}
				failure := &types.Failure{Outcome: outcome, Blame: types.Blame(blame), Attempt: types.Attempt(attempt), Err: errors.New("as told")}
				for _, exchange := range []Exchange{{Servicer: "a", Failure: failure}, {Servicer: "a", Times: times(), Rejected: failure}} {
					sample := sampleOf(t, judged(t, check(exchange, answers("b", `1`)), rules()), "a")
					if sample.GetOutcome() != outcome || sample.GetBlame() != failure.Blame || sample.GetAttempt() != failure.Attempt || sample.GetDetail() != failure.Error() {
						t.Errorf("%v: %v", failure, sample)
					}
				}
			}
		}
	}
}

// Of several reasons for which there is no answer the first counts: too late, failed, spoilt, rejected, unreadable.
func TestFirstFailureCounts(t *testing.T) {
	exchange := answers("a", `1`)
	exchange.Payload = []byte("garbage")
	sample := func(change func(*Exchange)) *types.QoSSample {
		change(&exchange)
		return sampleOf(t, judged(t, check(exchange, answers("b", `1`)), rules()), "a")
	}
	if got := sample(func(*Exchange) {}); got.GetOutcome() != types.Outcome_OUTCOME_MALFORMED {
		t.Errorf("unreadable: %v", got)
	}
	if got := sample(func(e *Exchange) { e.Rejected = busy("a").Rejected }); got.GetRelayError() != "BUSY" {
		t.Errorf("rejected: %v", got)
	}
	spoil := func(e *Exchange) { e.Times.SentStamped, e.Times.Writing = false, time.Second }
	if got := sample(spoil); got.GetOutcome() != outcomeVoid || got.GetAttempt() != types.Attempt_ATTEMPT_WRITE_REQUEST {
		t.Errorf("spoilt: %v", got)
	}
	if got := sample(func(e *Exchange) { e.Failure = down("a").Failure }); got.GetOutcome() != types.Outcome_OUTCOME_CONNECT {
		t.Errorf("failed: %v", got)
	}
	if got := sample(func(e *Exchange) { e.Late = &LateConnection{} }); !strings.Contains(got.GetDetail(), "still connecting") {
		t.Errorf("too late: %v", got)
	}
}

// What is held against a late connection, from just above each limit.
func TestTooLate(t *testing.T) {
	const lead = LongestLead
	type phases struct{ dns, connect, tls time.Duration }
	for name, test := range map[string]struct {
		phases  phases
		late    LateConnection
		lead    time.Duration
		stall   time.Duration
		outcome types.Outcome
		blame   types.Blame
		attempt types.Attempt
	}{
		"evades":             {phases{0, lead, 1}, LateConnection{Evades: true}, lead, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"within the lead":    {phases{0, lead / 2, lead / 2}, LateConnection{Evades: true}, lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"slow name":          {phases{2 * lead, 1, 0}, LateConnection{Evades: true}, lead, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_RESOLVE_HOST_NAME},
		"slowest but for it": {phases{1, lead / 2, lead / 2}, LateConnection{Evades: true}, lead, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_RESOLVE_HOST_NAME},
		"slow name, once":    {phases{2 * lead, 1, 0}, LateConnection{}, lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"first time":         {phases{0, lead, lead}, LateConnection{}, lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"longest stall":      {phases{0, lead, lead}, LateConnection{Evades: true}, lead, StallLimit, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"we stalled":         {phases{0, lead, lead}, LateConnection{Evades: true}, lead, StallLimit + 1, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},

		// One that is late again and again is doubtful, then a null if that cannot be the distance.
		"a second time":           {phases{0, lead, 1}, LateConnection{Before: 1}, lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"a third time":            {phases{0, lead, 1}, LateConnection{Before: 2}, lead, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_CONNECT},
		"a fourth time":           {phases{0, lead, 1}, LateConnection{Before: 3}, lead, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_CONNECT},
		"a fifth time":            {phases{0, lead, 1}, LateConnection{Before: 4}, lead, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"a fifth time, far away":  {phases{0, lead, 0}, LateConnection{Before: 4}, lead / 10, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_CONNECT},
		"a fifth time, too far":   {phases{0, lead, 1}, LateConnection{Before: 4}, lead / 10, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"again, within the lead":  {phases{0, lead, 0}, LateConnection{Before: 9}, lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"again, when we stalled":  {phases{0, lead, 1}, LateConnection{Before: 9}, lead, StallLimit + 1, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"again, with a slow name": {phases{lead, lead, 0}, LateConnection{Before: 9}, lead, 0, outcomeVoid, blamesUnknown, types.Attempt_ATTEMPT_RESOLVE_HOST_NAME},
		"again, and it evades":    {phases{0, lead, 1}, LateConnection{Evades: true, Before: 1}, lead, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},

		// One that is quick to connect, hangs up right before it is asked and is slow from then on, evades as well.
		"at the release":                 {phases{0, 0, lead + 1}, LateConnection{Redialed: true, Evades: true}, 6 * lead, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"at the release, in time":        {phases{0, 0, lead}, LateConnection{Redialed: true, Evades: true}, 6 * lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"at the release, once":           {phases{0, 0, lead + 1}, LateConnection{Redialed: true}, 6 * lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
		"at the release of a short lead": {phases{0, 0, lead}, LateConnection{Redialed: true, Evades: true}, lead / 2, 0, outcomeTimeout, blamesServicer, types.Attempt_ATTEMPT_CONNECT},
		"within a long lead":             {phases{0, 0, lead + 1}, LateConnection{Evades: true}, 6 * lead, 0, outcomeVoid, blamesSelf, types.Attempt_ATTEMPT_CONNECT},
	} {
		o := check(Exchange{Servicer: "a", DNS: test.phases.dns, Connect: test.phases.connect, TLS: test.phases.tls, Late: &test.late}, answers("b", `1`))
		o.Lead, o.ConnectStall = test.lead, test.stall
		sample := sampleOf(t, judged(t, o, rules()), "a")
		if sample.GetOutcome() != test.outcome || sample.GetBlame() != test.blame || sample.GetAttempt() != test.attempt || sample.GetSentUnixNano() != 0 {
			t.Errorf("%s: %v", name, sample)
		}
	}
}

// What this machine spoils counts for nobody; what the kernel's stamps prove is not spoilt.
func TestUntimed(t *testing.T) {
	const kernel, user = types.TimingSource_TIMING_SOURCE_KERNEL, types.TimingSource_TIMING_SOURCE_USER_SPACE
	timeout := rules().Timeout
	for name, test := range map[string]struct {
		times   Times
		attempt types.Attempt
	}{
		"good":                      {Times{Writing: 1, SentStamped: true, Source: kernel, UserRoundTrip: timeout}, 0},
		"good without stamps":       {Times{Writing: 1, Source: user, UserRoundTrip: timeout}, 0},
		"slowest writing":           {Times{Writing: writeLimit, Source: user, UserRoundTrip: 1}, 0},
		"slow writing":              {Times{Writing: writeLimit + 1, Source: user, UserRoundTrip: 1}, types.Attempt_ATTEMPT_WRITE_REQUEST},
		"slow writing, stamped":     {Times{Writing: time.Second, SentStamped: true, Source: kernel, UserRoundTrip: 1}, 0},
		"slow writing, sent only":   {Times{Writing: time.Second, SentStamped: true, Source: user, UserRoundTrip: 1}, 0},
		"read late":                 {Times{Writing: 1, SentStamped: true, Source: kernel, UserRoundTrip: timeout + 1}, 0},
		"read late, sent unstamped": {Times{Writing: 1, Source: user, UserRoundTrip: timeout + 1}, types.Attempt_ATTEMPT_READ_ANSWER},
		"read late, sent stamped":   {Times{Writing: 1, SentStamped: true, Source: user, UserRoundTrip: timeout + 1}, types.Attempt_ATTEMPT_READ_ANSWER},
		"both":                      {Times{Writing: time.Second, Source: user, UserRoundTrip: timeout + 1}, types.Attempt_ATTEMPT_WRITE_REQUEST},
	} {
		exchange := answers("a", `1`)
		exchange.Times = test.times
		sample := sampleOf(t, judged(t, check(exchange, answers("b", `1`)), rules()), "a")
		spoilt := sample.GetOutcome() == outcomeVoid && sample.GetBlame() == blamesSelf
		if spoilt != (test.attempt != 0) || !spoilt && sample.GetOutcome() != outcomeOK || sample.GetAttempt() != test.attempt {
			t.Errorf("%s: %v", name, sample)
		}
	}
}

// A refusal for want of an allowance is ours only beyond the reserve that the network grants us.
func TestRefusedWithinTheReserve(t *testing.T) {
	for name, test := range map[string]struct {
		asked, reserve uint64
		outcome        types.Outcome
		blame          types.Blame
	}{
		"within":             {20, 20, outcomeRelayError, blamesServicer},
		"first":              {1, 1, outcomeRelayError, blamesServicer},
		"beyond":             {21, 20, outcomeVoid, blamesSelf},
		"reserve not known":  {1, 0, outcomeVoid, blamesSelf},
		"requests not known": {0, 20, outcomeVoid, blamesSelf},
	} {
		o := check(overAllowance("a"), busy("b"), answers("c", `1`))
		o.Asked = test.asked
		by := rules()
		by.Reserve = test.reserve
		record := judged(t, o, by)
		sample := sampleOf(t, record, "a")
		if sample.GetOutcome() != test.outcome || sample.GetBlame() != test.blame || sample.GetRelayErrorCode() != 8 || sample.GetRelayError() != "OVER_ALLOWANCE" ||
			sample.GetAttempt() != types.Attempt_ATTEMPT_SIGNED_ERROR || !strings.Contains(sample.GetDetail(), "OVER_ALLOWANCE: no") {
			t.Errorf("%s: %v", name, sample)
		}
		if within := strings.Contains(sample.GetDetail(), "of a reserve of"); within != (test.blame == blamesServicer) {
			t.Errorf("%s: %s", name, sample.GetDetail())
		}
		if other := sampleOf(t, record, "b"); other.GetOutcome() != outcomeRelayError || other.GetBlame() != blamesServicer || other.GetDetail() != "signed error: BUSY: no" {
			t.Errorf("%s: another refusal: %v", name, other)
		}
	}
}

// Strangers have a say in the details: each is one printable line, cut between runes.
func TestDetailsAreShortLines(t *testing.T) {
	long := "x" + strings.Repeat("é", mostDetail)
	for text, want := range map[string]string{
		"plain ümlaut":                        "plain ümlaut",
		"a\nb\x1b[2J\u009bc\u202e":            "a b?[2J?c?",
		"\xff\xfe":                            "??",
		strings.Repeat("x", mostDetail):       strings.Repeat("x", mostDetail),
		strings.Repeat("x", mostDetail+1):     strings.Repeat("x", mostDetail-3) + "…",
		"x" + strings.Repeat("é", mostDetail): "x" + strings.Repeat("é", mostDetail/2-2) + "…",
	} {
		remarked := changed(answers("a", `1`), func(e *Exchange) { e.Remark = text })
		failed := changed(down("b"), func(e *Exchange) { e.Failure.Err = errors.New(text) })
		record := judged(t, check(remarked, failed), rules())
		if got := sampleOf(t, record, "a").GetDetail(); got != want {
			t.Errorf("%q: %q", text, got)
		}
		if got := sampleOf(t, record, "b").GetDetail(); !strings.HasPrefix(got, "connect: ") {
			t.Errorf("%q: %q", text, got)
		}
	}
	// What is added to a detail, and a reason, are cut as well.
	o := check(changed(down("a"), func(e *Exchange) { e.Failure.Err = errors.New(long) }))
	o.Control = &Control{Err: errors.New(long + "\n")}
	record := judged(t, o, rules())
	for _, text := range []string{record.GetReason(), record.GetSamples()[0].GetDetail()} {
		if len(text) < mostDetail-4 || !strings.HasSuffix(text, "…") {
			t.Errorf("%q", text)
		}
	}
}

// The samples of a round are ordered by servicer, in whatever order they were asked.
func TestSamplesAreOrdered(t *testing.T) {
	exchanges := []Exchange{answers("a", `1`), down("b"), busy("c"), answers("d", `2`)}
	want := judged(t, check(exchanges...), rules())
	slices.Reverse(exchanges)
	if got := judged(t, check(exchanges...), rules()); !proto.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

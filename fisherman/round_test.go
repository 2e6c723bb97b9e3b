package fisherman

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Each fault beside three honest servicers: it gets what it deserves, and they get nothing of it.
func TestRoundWithEachFault(t *testing.T) {
	const servicer, backend, self = types.Blame_BLAME_SERVICER, types.Blame_BLAME_BACKEND, types.Blame_BLAME_SELF
	const busy = types.RelayErrorCode_RELAY_ERROR_CODE_BUSY
	const allowance = types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE
	const upstream = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE
	const long, short = 5 * time.Second, 250 * time.Millisecond
	for name, test := range map[string]struct {
		fault   fakes.Fault
		timeout time.Duration
		outcome types.Outcome
		blame   types.Blame
		code    types.RelayErrorCode
	}{
		"Down":        {fakes.Down(), long, types.Outcome_OUTCOME_CONNECT, servicer, 0},
		"Mute":        {fakes.Mute(), short, types.Outcome_OUTCOME_TIMEOUT, servicer, 0},
		"slow Mute":   {fakes.Mute(), longestLead + short, types.Outcome_OUTCOME_TIMEOUT, servicer, 0},
		"Hanging":     {fakes.Hanging(), short, types.Outcome_OUTCOME_TIMEOUT, servicer, 0},
		"Dripping":    {fakes.Dripping(time.Millisecond), short, types.Outcome_OUTCOME_TIMEOUT, servicer, 0},
		"too Sleepy":  {fakes.Sleepy(2 * short), short, types.Outcome_OUTCOME_TIMEOUT, servicer, 0},
		"Resetting":   {fakes.Resetting(), long, types.Outcome_OUTCOME_RESET, servicer, 0},
		"Cutting":     {fakes.Cutting(), long, types.Outcome_OUTCOME_RESET, servicer, 0},
		"Erring":      {fakes.Erring(500), long, types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"Redirecting": {fakes.Redirecting("http://127.0.0.1:9/"), long, types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"Garbled":     {fakes.Garbled(), long, types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"Chatty":      {fakes.Chatty(), long, types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"Encoded":     {fakes.Encoded(), long, types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"bad header":  {fakes.Saying("HTTP/1.1 200 OK\r\n\x1b[2J\xff\xfe no colon\r\n\r\n"), long, types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"Bomb":        {fakes.Bomb(), long, types.Outcome_OUTCOME_TOO_LARGE, servicer, 0},
		"Huge":        {fakes.Huge(), long, types.Outcome_OUTCOME_TOO_LARGE, servicer, 0},
		"Forging":     {fakes.Forging(), long, types.Outcome_OUTCOME_BAD_SIGNATURE, servicer, 0},
		"Replaying":   {fakes.Replaying(), long, types.Outcome_OUTCOME_WRONG_BINDING, servicer, 0},
		"Refusing":    {fakes.Refusing(busy), long, types.Outcome_OUTCOME_RELAY_ERROR, servicer, busy},
		"allowance":   {fakes.Refusing(allowance), long, types.Outcome_OUTCOME_VOID, self, allowance},
		"upstream":    {fakes.Refusing(upstream), long, types.Outcome_OUTCOME_BACKEND_ERROR, backend, upstream},
		"Broken":      {fakes.Broken(), long, types.Outcome_OUTCOME_BACKEND_ERROR, backend, 0},
	} {
		t.Run(name, func(t *testing.T) {
			faulty := fakes.Start(t, test.fault)
			honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
			r := newRounds(t, append(slices.Clone(honest), faulty)...)
			r.policy.Timeout = test.timeout
			record := undisturbed(t, r.run)
			if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || record.GetReason() != "" || len(record.GetSamples()) != 4 {
				t.Fatalf("round is %v with %d samples: %s", record.GetStatus(), len(record.GetSamples()), record.GetReason())
			}
			sample := sampleOf(t, record, faulty)
			isNull(t, sample, test.outcome, test.blame)
			if sample.GetRelayErrorCode() != uint32(test.code) {
				t.Errorf("code %d", sample.GetRelayErrorCode())
			}
			for _, servicer := range honest {
				isOK(t, sampleOf(t, record, servicer))
				if got := sampleOf(t, record, servicer).GetConsistency(); got != types.Consistency_CONSISTENCY_AGREE {
					t.Errorf("an honest servicer is %v", got)
				}
			}
			isStorable(t, record)
		})
	}
}

// isStorable checks what a store and a terminal need: strangers have a say in the details.
func isStorable(t *testing.T, record *types.QoSRound) {
	t.Helper()
	if _, err := proto.Marshal(record); err != nil {
		t.Errorf("cannot be stored: %v", err)
	}
	if !slices.IsSortedFunc(record.GetSamples(), func(a, b *types.QoSSample) int { return strings.Compare(a.GetServicer(), b.GetServicer()) }) {
		t.Error("samples are not ordered by address")
	}
	for _, sample := range record.GetSamples() {
		text := sample.GetDetail()
		if len(text) > mostDetail || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("detail %q", text)
		}
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"plain ümlaut":                        "plain ümlaut",
		"a\nb\x1b[2J\u009bc\u202e":            "a b [2J c ",
		"\xff\xfe":                            "\ufffd\ufffd",
		strings.Repeat("x", mostDetail+1):     strings.Repeat("x", mostDetail),
		"x" + strings.Repeat("é", mostDetail): "x" + strings.Repeat("é", mostDetail/2-1),
	} {
		if got := clip(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// One servicer's delay is in its own round-trip time, whole, and in nobody else's.
func TestNeighboursAreNotMoved(t *testing.T) {
	const delay = 50 * time.Millisecond
	for name, fault := range map[string]fakes.Fault{
		"Sleepy":   fakes.Sleepy(delay),
		"Dripping": fakes.Dripping(time.Millisecond),
		"Bomb":     fakes.Bomb(),
		"Huge":     fakes.Huge(),
		"Hanging":  fakes.Hanging(),
		"Down":     fakes.Down(),
		"Mute":     fakes.Mute(),
	} {
		t.Run(name, func(t *testing.T) {
			faulty := fakes.Start(t, fault)
			servicers := []*fakes.Servicer{faulty}
			for range 5 {
				servicers = append(servicers, fakes.Start(t, fakes.Honest()))
			}
			r := newRounds(t, servicers...)
			r.policy.Timeout, r.policy.LatencySLA = 4*delay, delay
			slowest := time.Duration(0)
			for range 5 { // a busy machine may be slow by itself, but hardly each time
				record := undisturbed(t, r.run)
				slowest = 0
				for _, servicer := range servicers[1:] {
					sample := sampleOf(t, record, servicer)
					isOK(t, sample)
					slowest = max(slowest, sample.GetRoundTripTime().AsDuration())
				}
				if sample := sampleOf(t, record, faulty); name == "Sleepy" {
					isOK(t, sample)
					if got := sample.GetRoundTripTime().AsDuration(); got < delay || got > 3*delay || sample.GetOverSla() != (got > delay) {
						t.Errorf("RTT %v of a delay of %v, over the SLA: %t", got, delay, sample.GetOverSla())
					}
				}
				if slowest < delay {
					return
				}
			}
			t.Errorf("RTT of a neighbour %v", slowest)
		})
	}
}

// Consistency as it falls out of who answers what.
func TestRoundConsistency(t *testing.T) {
	for name, test := range map[string]struct {
		faults []fakes.Fault
		quorum int
		want   string
	}{
		"all honest":               {[]fakes.Fault{fakes.Honest(), fakes.Honest(), fakes.Honest()}, 2, "aaa"},
		"one liar":                 {[]fakes.Fault{fakes.Honest(), fakes.Lying("x"), fakes.Honest()}, 2, "ada"},
		"liars outvote":            {[]fakes.Fault{fakes.Lying("x"), fakes.Honest(), fakes.Lying("x")}, 2, "ada"},
		"liars differ":             {[]fakes.Fault{fakes.Lying("x"), fakes.Honest(), fakes.Lying("y")}, 2, "uuu"},
		"one against one":          {[]fakes.Fault{fakes.Lying("x"), fakes.Honest()}, 2, "uu"},
		"alone":                    {[]fakes.Fault{fakes.Honest(), fakes.Down()}, 2, "u "},
		"quorum not reached":       {[]fakes.Fault{fakes.Honest(), fakes.Honest(), fakes.Down()}, 3, "uu "},
		"who is down has no vote":  {[]fakes.Fault{fakes.Honest(), fakes.Down(), fakes.Erring(500), fakes.Honest()}, 2, "a  a"},
		"who forges has no vote":   {[]fakes.Fault{fakes.Honest(), fakes.Forging(), fakes.Replaying(), fakes.Lying("x"), fakes.Honest()}, 3, "a  da"},
		"an error is not a result": {[]fakes.Fault{fakes.Broken(), fakes.Broken(), fakes.Broken(), fakes.Honest(), fakes.Honest()}, 2, "   aa"},
	} {
		t.Run(name, func(t *testing.T) {
			var servicers []*fakes.Servicer
			for _, fault := range test.faults {
				servicers = append(servicers, fakes.Start(t, fault))
			}
			r := newRounds(t, servicers...)
			r.policy.Quorum = test.quorum
			record := undisturbed(t, r.run)
			var got strings.Builder
			for _, servicer := range servicers {
				got.WriteByte(" adu"[sampleOf(t, record, servicer).GetConsistency()])
			}
			if got.String() != test.want {
				t.Errorf("%q, want %q", got.String(), test.want)
			}
			checkEvidence(t, record, strings.Contains(test.want, "d"))
		})
	}
}

// What the configuration ignores is not compared, and the round says what that was.
func TestIgnoredFieldsAreNotCompared(t *testing.T) {
	servicers := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Lying("x")), fakes.Start(t, fakes.Honest())}
	r := newRounds(t, servicers...)
	r.ignored, r.ignoredFields = []types.Pointer{{"lie"}}, []string{"/lie"}
	record := undisturbed(t, r.run)
	for _, servicer := range servicers {
		if got := sampleOf(t, record, servicer).GetConsistency(); got != types.Consistency_CONSISTENCY_AGREE {
			t.Errorf("%s: %v", servicer.URL(), got)
		}
	}
	if got := record.GetIgnoredFields(); !slices.Equal(got, []string{"/lie"}) {
		t.Errorf("the round says %q", got)
	}
}

// checkEvidence checks that every dissenter's envelopes are kept and those of one of the majority, and that they prove
// what was asked and answered.
func checkEvidence(t *testing.T, record *types.QoSRound, dissent bool) {
	t.Helper()
	witnesses := 0
	for _, sample := range record.GetSamples() {
		kept := len(sample.GetRequestEnvelope()) > 0
		if kept != (len(sample.GetResponseEnvelope()) > 0) {
			t.Error("half of the evidence")
		}
		switch sample.GetConsistency() {
		case types.Consistency_CONSISTENCY_DISAGREE:
			if !kept {
				t.Error("no evidence of a dissenter")
			}
		case types.Consistency_CONSISTENCY_AGREE:
			if kept {
				witnesses++
			}
		default:
			if kept {
				t.Errorf("evidence of a servicer that is %v", sample.GetConsistency())
			}
		}
		if kept {
			proves(t, sample)
		}
	}
	if want := map[bool]int{true: 1}[dissent]; witnesses != want {
		t.Errorf("evidence of %d of the majority, want %d", witnesses, want)
	}
}

func proves(t *testing.T, sample *types.QoSSample) {
	t.Helper()
	request, err := relay.OpenRequest(sample.GetRequestEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	var answer types.Envelope
	if err := proto.Unmarshal(sample.GetResponseEnvelope(), &answer); err != nil {
		t.Fatal(err)
	}
	response, err := relay.OpenResponse(sample.GetResponseEnvelope(), relay.Binding{
		RequestHash: request.BodyHash, Servicer: sample.GetServicer(), PublicKey: answer.GetSignature().GetPublicKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := verify.Read(request.Request.GetJsonRpc().GetBody(), response.GetPayload())
	if err != nil || !bytes.Equal(digest[:], sample.GetAnswerDigest()) || !request.VerifySignature() {
		t.Errorf("the evidence does not prove the digest: %v", err)
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	blusterer := fakes.Start(t, fakes.Blustering(mostEvidence, "x"))
	honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
	r := newRounds(t, append(slices.Clone(honest), blusterer)...)
	record := undisturbed(t, r.run)
	sample := sampleOf(t, record, blusterer)
	if sample.GetConsistency() != types.Consistency_CONSISTENCY_DISAGREE || sample.GetResponseEnvelope() != nil || !strings.Contains(sample.GetDetail(), "too large") {
		t.Errorf("%v: %s", sample.GetConsistency(), sample.GetDetail())
	}
	witnesses := 0
	for _, servicer := range honest {
		if sampleOf(t, record, servicer).GetResponseEnvelope() != nil {
			witnesses++
		}
	}
	if witnesses != 1 {
		t.Errorf("%d witnesses", witnesses)
	}
}

func TestOrigin(t *testing.T) {
	for name, spellings := range map[string][]string{
		"default port":  {"http://a.example", "http://a.example:80", "http://A.EXAMPLE/path", "http://a.example.", "http://a.example.:80/other"},
		"secure":        {"https://a.example", "https://a.example:443/x"},
		"address":       {"http://127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/"},
		"IPv6":          {"http://[::1]", "http://[0:0:0:0:0:0:0:1]:80"},
		"another port":  {"http://a.example:8080"},
		"another host":  {"http://b.example"},
		"not a URL":     {"http://[::1"},
		"another such":  {"http://[::2"},
		"other address": {"http://127.0.0.1:8081"},
	} {
		for _, spelling := range spellings {
			if origin(spelling) != origin(spellings[0]) {
				t.Errorf("%s: %s is not %s", name, origin(spelling), origin(spellings[0]))
			}
		}
		for _, other := range []string{"http://c.example", "https://c.example"} {
			if origin(other) == origin(spellings[0]) {
				t.Errorf("%s is %s", other, spellings[0])
			}
		}
	}
	if origin("http://a.example") == origin("https://a.example") || origin("http://[::1") == origin("http://[::2") || origin("http://a.example") == origin("http://a.example:8080") {
		t.Error("two origins are one")
	}
}

// When nobody answers, the control probe decides whose fault it is.
func TestNobodyAnswers(t *testing.T) {
	answer := func(_ context.Context, payload types.Payload) (Answer, error) {
		var asked struct{ ID json.RawMessage }
		if err := json.Unmarshal(payload.JSONRPC, &asked); err != nil {
			return Answer{}, err
		}
		return Answer{Body: fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{}}`, asked.ID)}, nil
	}
	for name, test := range map[string]struct {
		faults []fakes.Fault
		probe  Probe
		void   string
	}{
		"the probe answers":    {[]fakes.Fault{fakes.Down(), fakes.Hanging()}, answer, ""},
		"the probe fails":      {[]fakes.Fault{fakes.Down(), fakes.Hanging()}, func(context.Context, types.Payload) (Answer, error) { return Answer{}, errors.New("offline") }, "neither did the control probe: offline"},
		"the probe is garbled": {[]fakes.Fault{fakes.Down()}, func(context.Context, types.Payload) (Answer, error) { return Answer{Body: []byte("<html>")}, nil }, "neither did the control probe"},
		"the probe errs as well": {[]fakes.Fault{fakes.Broken(), fakes.Broken()}, func(context.Context, types.Payload) (Answer, error) {
			return Answer{Body: []byte(`{"jsonrpc":"2.0","id":1,"error":{"code":1}}`)}, nil
		}, "neither did the control probe"},
		"the probe hangs":           {[]fakes.Fault{fakes.Down()}, func(ctx context.Context, _ types.Payload) (Answer, error) { <-ctx.Done(); return Answer{}, ctx.Err() }, "neither did the control probe"},
		"there is no probe":         {[]fakes.Fault{fakes.Down(), fakes.Resetting()}, nil, "no control probe"},
		"only our own fault is nul": {[]fakes.Fault{fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE)}, answer, "none of its samples counts"},
		"some our own fault":        {[]fakes.Fault{fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE), fakes.Down()}, answer, ""},
		"nobody to ask":             {nil, answer, "none of its samples counts"},
	} {
		t.Run(name, func(t *testing.T) {
			var servicers []*fakes.Servicer
			for _, fault := range test.faults {
				servicers = append(servicers, fakes.Start(t, fault))
			}
			r := newRounds(t, servicers...)
			r.policy.Timeout = 200 * time.Millisecond
			r.probe = test.probe
			record := undisturbed(t, r.run)
			if test.void != "" {
				isVoid(t, record, test.void)
				for _, sample := range record.GetSamples() {
					if sample.GetDetail() == "" {
						t.Error("nothing is said of a sample")
					}
				}
			} else if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
				t.Errorf("round is %v: %s", record.GetStatus(), record.GetReason())
			} else if down := record.GetSamples(); !slices.ContainsFunc(down, func(s *types.QoSSample) bool { return s.GetBlame() == types.Blame_BLAME_SERVICER }) {
				t.Error("nobody is blamed")
			}
			isStorable(t, record)
		})
	}
}

func TestControlProbeIsAskedOnlyWhenNobodyAnswers(t *testing.T) {
	honest, down := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Down())
	r := newRounds(t, honest, down)
	r.probe = func(context.Context, types.Payload) (Answer, error) {
		t.Error("asked")
		return Answer{}, nil
	}
	isNull(t, sampleOf(t, undisturbed(t, r.run), down), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
}

// What may be the fault of this machine voids a round that went well, from just above each limit.
func TestOwnFaultsVoid(t *testing.T) {
	honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
	for name, test := range map[string]struct {
		harm func(*round)
		void string
	}{
		"unharmed":        {func(*round) {}, ""},
		"longest stall":   {func(r *round) { r.stall = stallLimit }, ""},
		"stall":           {func(r *round) { r.stall = stallLimit + 1 }, "stalled"},
		"largest skew":    {func(r *round) { r.skew = r.policy.MaxSkew }, ""},
		"skew":            {func(r *round) { r.skew = r.policy.MaxSkew + 1 }, "skew"},
		"latest release":  {func(r *round) { r.due = r.released.Add(-latest) }, ""},
		"late release":    {func(r *round) { r.due = r.released.Add(-latest - 1) }, "after its time"},
		"longest writing": {func(r *round) { r.slots[0].written = r.slots[0].sent.Add(writeLimit) }, ""},
	} {
		r := newRounds(t, honest...)
		record := undisturbed(t, func() *types.QoSRound {
			one := r.at(time.Now())
			err := one.execute(t.Context())
			if clean := one.judge(t.Context(), err); disturbed(clean) {
				return clean
			}
			test.harm(one)
			record := one.judge(t.Context(), err)
			if test.void != "" {
				record = proto.CloneOf(record)
				isVoid(t, record, test.void)
				record.Reason, record.Samples = "", nil // not for undisturbed to see
			}
			return record
		})
		if done := record.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE; done != (test.void == "") {
			t.Errorf("%s: round is %v", name, record.GetStatus())
		}
	}
}

func TestSlowWritingVoidsTheSample(t *testing.T) {
	slow, honest := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, slow, honest)
	one := r.at(time.Now())
	err := one.execute(t.Context())
	for _, slot := range one.slots {
		if slot.servicer.GetAddress() == slow.Address() {
			slot.written = slot.sent.Add(writeLimit + 1)
			slot.stamps.Transmitted = time.Time{} // the kernel's would tell
		}
	}
	isNull(t, sampleOf(t, one.judge(t.Context(), err), slow), types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF)
}

// An answer is timed from the moment of writing, whenever we came to know that it was written.
func TestRoundTripOfAnEarlyAnswer(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		first, last, wantFirst, want time.Duration
	}{
		"after the write":  {4 * time.Millisecond, 5 * time.Millisecond, 4 * time.Millisecond, 5 * time.Millisecond},
		"within the write": {500 * time.Microsecond, 700 * time.Microsecond, 500 * time.Microsecond, 700 * time.Microsecond},
		"begun before it":  {-time.Millisecond, time.Millisecond, 0, time.Millisecond},
	} {
		s := &slot{sent: now, written: now.Add(time.Millisecond), answer: &relay.Answer{FirstByte: now.Add(test.first), LastByte: now.Add(test.last)}}
		times := s.times()
		if times.TimeToFirstByte() != test.wantFirst || times.RoundTrip() != test.want {
			t.Errorf("%s: first byte %v, RTT %v", name, times.TimeToFirstByte(), times.RoundTrip())
		}
	}
}

func TestSkew(t *testing.T) {
	now := time.Now()
	at := func(sent, offset time.Duration) *slot { return &slot{sent: now.Add(sent), offset: offset} }
	for name, test := range map[string]struct {
		slots []*slot
		want  time.Duration
	}{
		"nobody":           {nil, 0},
		"one":              {[]*slot{at(5, 0)}, 0},
		"some":             {[]*slot{at(5, 0), at(2, 0), at(9, 0)}, 7},
		"offsets":          {[]*slot{at(5, 0), at(105, 100), at(207, 200)}, 2},
		"not written":      {[]*slot{at(5, 0), {}, at(9, 0)}, 4},
		"none was written": {[]*slot{{}, {}}, 0},
	} {
		if got := skewOf(test.slots); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Stopping the fisherman ends a round at once, whatever it is doing, and blames nobody.
func TestShutdown(t *testing.T) {
	t.Run("while asking", func(t *testing.T) {
		honest, hanging := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Hanging())
		r := newRounds(t, honest, hanging)
		r.policy.Timeout = time.Minute
		stopped(t, r, time.Now(), func() { honest.AwaitRequests(t, 1); hanging.AwaitRequests(t, 1) })
		r.links.close()
		honest.AwaitOpen(t, 0)
		hanging.AwaitOpen(t, 0)
	})
	t.Run("before the release", func(t *testing.T) {
		honest := fakes.Start(t, fakes.Honest())
		r := newRounds(t, honest)
		stopped(t, r, time.Now().Add(time.Hour), func() { honest.AwaitAccepted(t, 1) })
		honest.AwaitOpen(t, 0)
		if honest.Requests() > 0 {
			t.Error("asked")
		}
	})
	t.Run("while connecting", func(t *testing.T) {
		mute, honest := fakes.Start(t, fakes.Mute()), fakes.Start(t, fakes.Honest())
		r := newRounds(t, mute, honest)
		r.policy.Timeout = time.Minute
		stopped(t, r, time.Now(), func() { mute.AwaitAccepted(t, 1); honest.AwaitAccepted(t, 1) })
		r.links.close()
		mute.AwaitOpen(t, 0)
		honest.AwaitOpen(t, 0)
	})
	t.Run("while waiting for a late connection", func(t *testing.T) {
		mute, honest := fakes.Start(t, fakes.Mute()), fakes.Start(t, fakes.Honest())
		r := newRounds(t, mute, honest)
		r.policy.Timeout = time.Minute
		stopped(t, r, time.Now(), func() { honest.AwaitRequests(t, 1) })
		r.links.close()
		mute.AwaitOpen(t, 0)
		honest.AwaitOpen(t, 0)
	})
	t.Run("between offsets", func(t *testing.T) {
		servicers := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
		r := newRounds(t, servicers...)
		r.policy.ServicerOffset = 1000 * time.Hour
		stopped(t, r, time.Now(), func() { servicers[0].AwaitAccepted(t, 1); servicers[1].AwaitAccepted(t, 1) })
		servicers[0].AwaitOpen(t, 0)
		servicers[1].AwaitOpen(t, 0)
	})
}

// stopped runs a round that would last, and stops it when a moment has come.
func stopped(t *testing.T, r *rounds, due time.Time, moment func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	judged := make(chan *types.QoSRound, 1)
	go func() {
		one := r.at(due)
		judged <- one.judge(ctx, one.execute(ctx))
	}()
	moment()
	cancel()
	select {
	case record := <-judged:
		isVoid(t, record, "stopped")
		isStorable(t, record)
	case <-time.After(10 * time.Second):
		t.Fatal("the round does not end")
	}
}

// A dial that takes its time delays nobody. The sample is void and not null, and the connection serves the next check.
func TestStillConnecting(t *testing.T) {
	slow, honest := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, slow, honest)
	dial := r.dial
	open := make(chan struct{})
	var once sync.Once
	r.dial = func(ctx context.Context, serviceURL string) (*relay.Conn, error) {
		if serviceURL == slow.URL() {
			<-open
		}
		return dial(ctx, serviceURL)
	}
	one := r.at(time.Now().Add(longestLead))
	record := func() *types.QoSRound {
		// The slow one may connect when the other has been asked.
		go func() { honest.AwaitRequests(t, 1); once.Do(func() { close(open) }) }()
		return one.judge(t.Context(), one.execute(t.Context()))
	}()
	if late := one.released.Sub(one.due); late > longestLead/2 {
		t.Errorf("released %v late", late)
	}
	sample := sampleOf(t, record, slow)
	isNull(t, sample, types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF)
	if !strings.Contains(sample.GetDetail(), "still connecting") || sample.GetSentUnixNano() != 0 || slow.Requests() != 0 {
		t.Errorf("sent %d: %s", sample.GetSentUnixNano(), sample.GetDetail())
	}
	next := undisturbed(t, r.run)
	isOK(t, sampleOf(t, next, slow))
	if !sampleOf(t, next, slow).GetReusedConnection() || slow.Accepted() != 1 {
		t.Errorf("%d connections", slow.Accepted())
	}
}

// A connection that cannot be made speaks for itself, also after the release.
func TestLateDialFails(t *testing.T) {
	slow, honest := fakes.Start(t, fakes.Down()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, slow, honest)
	dial := r.dial
	r.dial = func(ctx context.Context, serviceURL string) (*relay.Conn, error) {
		if serviceURL == slow.URL() {
			honest.AwaitRequests(t, 1)
		}
		return dial(ctx, serviceURL)
	}
	isNull(t, sampleOf(t, undisturbed(t, r.run), slow), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
}

func TestConnectionsAreKept(t *testing.T) {
	plain, secured, closing := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil), fakes.Start(t, fakes.Closing())
	r := newRounds(t, plain, secured, closing)
	const checks = 4
	for check := range checks {
		record := r.run()
		closing.AwaitOpen(t, 0)
		for _, servicer := range []*fakes.Servicer{plain, secured, closing} {
			sample := sampleOf(t, record, servicer)
			kept := check > 0 && servicer != closing
			if disturbed(record) {
				continue
			}
			isOK(t, sample)
			if sample.GetReusedConnection() != kept || (sample.ConnectTime == nil) != kept || (sample.DnsTime == nil) != kept ||
				(sample.GetTlsTime().AsDuration() > 0) != (servicer == secured && !kept) {
				t.Errorf("check %d of %s: %v", check, servicer.URL(), sample)
			}
		}
	}
	if plain.Accepted() != 1 || secured.Accepted() != 1 || closing.Accepted() != checks {
		t.Errorf("%d, %d and %d connections", plain.Accepted(), secured.Accepted(), closing.Accepted())
	}
	r.links.close()
	plain.AwaitOpen(t, 0)
	secured.AwaitOpen(t, 0)
}

// A connection that is closed while it waits for the release is made anew, and nobody is blamed.
func TestConnectionClosedBeforeTheRelease(t *testing.T) {
	restarting := fakes.Start(t, fakes.Honest())
	r := newRounds(t, restarting, fakes.Start(t, fakes.Honest()))
	one := r.at(time.Now().Add(longestLead))
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		restarting.AwaitAccepted(t, 1)
		restarting.HangUp()
	}()
	record := one.judge(t.Context(), one.execute(t.Context()))
	<-hungUp
	if disturbed(record) {
		t.Skip("this machine is too busy")
	}
	isOK(t, sampleOf(t, record, restarting))
	if restarting.Accepted() != 2 || restarting.Requests() != 1 {
		t.Errorf("%d connections, %d requests", restarting.Accepted(), restarting.Requests())
	}
}

func TestServicerGoesDownBeforeTheRelease(t *testing.T) {
	going, honest := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, going, honest)
	dial := r.dial
	dials := 0
	r.dial = func(ctx context.Context, serviceURL string) (*relay.Conn, error) {
		if serviceURL != going.URL() {
			return dial(ctx, serviceURL)
		}
		if dials++; dials > 1 {
			return nil, &relay.Failure{Outcome: types.Outcome_OUTCOME_CONNECT, Blame: types.Blame_BLAME_SERVICER, Attempt: "connect", Err: errors.New("refused")}
		}
		conn, err := dial(ctx, serviceURL)
		going.AwaitAccepted(t, 1)
		going.HangUp()
		return conn, err
	}
	record := r.run()
	if disturbed(record) {
		t.Skip("this machine is too busy")
	}
	isNull(t, sampleOf(t, record, going), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
	if dials != 2 {
		t.Errorf("%d dials", dials)
	}
}

// A servicer that no request can be sealed for keeps nobody else from being asked.
func TestUnsealable(t *testing.T) {
	bad, unusable, honest := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, bad, unusable, honest)
	for _, actor := range r.actors {
		switch actor.GetAddress() {
		case bad.Address():
			actor.PublicKey = "zz"
		case unusable.Address():
			actor.ServiceUrl = "http://xn--a\u00ad\u0301.example"
		}
	}
	record := undisturbed(t, r.run)
	isNull(t, sampleOf(t, record, bad), types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF)
	isNull(t, sampleOf(t, record, unusable), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
	isOK(t, sampleOf(t, record, honest))
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || bad.Accepted() > 0 {
		t.Errorf("round is %v, %d connections", record.GetStatus(), bad.Accepted())
	}
}

// Offsets set the requests apart and are neither in the skew nor in a round-trip time; each request has its whole
// timeout.
func TestOffsets(t *testing.T) {
	const delay = 100 * time.Millisecond
	var servicers []*fakes.Servicer
	for range 6 {
		servicers = append(servicers, fakes.Start(t, fakes.Sleepy(delay)))
	}
	r := newRounds(t, servicers...)
	r.policy.ServicerOffset = 6 * delay
	r.policy.Timeout = 3 * delay
	record := undisturbed(t, r.run)
	var sent []int64
	for _, servicer := range servicers {
		sample := sampleOf(t, record, servicer)
		isOK(t, sample)
		sent = append(sent, sample.GetSentUnixNano())
	}
	if apart := time.Duration(slices.Max(sent) - slices.Min(sent)); apart <= record.GetSkew().AsDuration() || record.GetSkew().AsDuration() > delay {
		t.Errorf("sent %v apart, skew %v", apart, record.GetSkew().AsDuration())
	}
}

// Rounds of one session overlap when answers take long; each has its own connections.
func TestRoundsOverlap(t *testing.T) {
	var servicers []*fakes.Servicer
	for range 4 {
		servicers = append(servicers, fakes.Start(t, fakes.Sleepy(20*time.Millisecond)))
	}
	r := newRounds(t, servicers...)
	const together = 6
	for range 3 {
		var running sync.WaitGroup
		for range together {
			running.Go(func() {
				record := r.run()
				for _, servicer := range servicers {
					if sample := sampleOf(t, record, servicer); !disturbed(record) {
						isOK(t, sample)
					}
				}
			})
		}
		running.Wait()
	}
	for _, servicer := range servicers {
		servicer.AwaitOpen(t, mostIdle)
		if servicer.Requests() != 3*together || servicer.Accepted() > 3*together {
			t.Errorf("%d requests, %d connections", servicer.Requests(), servicer.Accepted())
		}
	}
	r.links.close()
	for _, servicer := range servicers {
		servicer.AwaitOpen(t, 0)
	}
}

// A connection on which an answer came before it was asked for is not kept: the next answer would be the last one's.
func TestAnticipatedAnswer(t *testing.T) {
	anticipating, honest := fakes.Start(t, fakes.Anticipating()), fakes.Start(t, fakes.Honest())
	r := newRounds(t, anticipating, honest)
	r.policy.ServicerOffset = 100 * time.Millisecond // the answer is there before the question
	for range 3 {
		record := undisturbed(t, r.run)
		isNull(t, sampleOf(t, record, anticipating), types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER)
		isOK(t, sampleOf(t, record, honest))
		if len(r.links.idle[anticipating.URL()]) > 0 {
			t.Error("the connection is kept")
		}
	}
}

// When a request cannot be written we close the connection, which ends the receiver; what counts is why.
func TestFailureToWriteComesFirst(t *testing.T) {
	broken := &relay.Failure{Outcome: types.Outcome_OUTCOME_RESET, Blame: types.Blame_BLAME_SERVICER, Attempt: "write request", Err: errors.New("broken pipe")}
	r := newRounds(t).at(time.Now())
	if _, failure := r.read(&slot{unsent: broken, failure: ownFailure("read answer", net.ErrClosed)}); failure != broken {
		t.Errorf("%v", failure)
	}
	if _, failure := r.read(&slot{}); failure == nil || failure.Blame != types.Blame_BLAME_SELF {
		t.Errorf("never asked: %v", failure)
	}
}

func TestExecuteCheck(t *testing.T) {
	honest, down := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Down())
	session := sessionOf(10, 10, 12, honest.Actor(), down.Actor())
	network := newNetwork()
	network.seal = (&relay.Protocol{Key: fishermanKey, Now: time.Now}).Seal
	network.dial = (&relay.Dialer{AllowPrivate: true}).Dial
	fisherman := network.fisherman(t)
	defer fisherman.links.close()
	record := undisturbed(t, func() *types.QoSRound {
		record, err := fisherman.ExecuteCheck(t.Context(), session, 3)
		if err != nil {
			t.Fatal(err)
		}
		return record
	})
	isOK(t, sampleOf(t, record, honest))
	isNull(t, sampleOf(t, record, down), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
	if record.GetIndex() != 3 || record.GetSessionId() != session.GetHeader().GetId() || record.GetQuestion() == "" {
		t.Errorf("%v", record)
	}
	if len(network.store.rounds) > 0 {
		t.Error("stored")
	}
	if got := fisherman.extras.of(session.GetHeader().GetId()); got == 0 {
		t.Error("what was asked on demand does not count")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if record, err := fisherman.ExecuteCheck(ctx, session, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", record, err)
	}
	session.Header.RelayChain = "0002"
	if record, err := fisherman.ExecuteCheck(t.Context(), session, 3); err == nil {
		t.Errorf("asked on a chain without questions: %v", record)
	}
}

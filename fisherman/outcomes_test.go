package fisherman

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	blamesServicer = types.Blame_BLAME_SERVICER
	blamesBackend  = types.Blame_BLAME_BACKEND
	blamesSelf     = types.Blame_BLAME_SELF
	blamesUnknown  = types.Blame_BLAME_UNKNOWN

	outcomeOK = types.Outcome_OUTCOME_OK
)

// faulty is a servicer with a fault and what it deserves.
type faulty struct {
	name    string
	fault   fakes.Fault
	outcome types.Outcome
	blame   types.Blame
	code    types.RelayErrorCode
	// host stands in the service URL in place of 127.0.0.1.
	host string
}

// faults are those that plain and secured servicers may have.
func faults(another *fakes.Servicer) []faulty {
	const timeout, connect, reset = types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_CONNECT, types.Outcome_OUTCOME_RESET
	const status, malformed, large = types.Outcome_OUTCOME_HTTP_STATUS, types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TOO_LARGE
	const signature, binding, void = types.Outcome_OUTCOME_BAD_SIGNATURE, types.Outcome_OUTCOME_WRONG_BINDING, types.Outcome_OUTCOME_VOID
	const backend, dns = types.Outcome_OUTCOME_BACKEND_ERROR, types.Outcome_OUTCOME_DNS
	honest := fakes.Honest()
	rows := []faulty{
		{name: "refused", fault: fakes.Down(), outcome: connect, blame: blamesServicer},
		{name: "name does not exist", fault: honest, host: "missing.example", outcome: dns, blame: blamesServicer},
		{name: "name gets no verdict", fault: honest, host: "failing.example", outcome: void, blame: blamesUnknown},
		{name: "name gets no answer", fault: honest, host: "silent.example", outcome: void, blame: blamesUnknown},
		{name: "reset before the request is read", fault: fakes.Slamming(), outcome: reset, blame: blamesServicer},
		{name: "reset before the header", fault: fakes.Resetting(), outcome: reset, blame: blamesServicer},
		{name: "reset in the header", fault: fakes.BreakingHeader(), outcome: reset, blame: blamesServicer},
		{name: "reset after the header", fault: fakes.BreakingBody(), outcome: reset, blame: blamesServicer},
		{name: "closed in the body", fault: fakes.Cutting(), outcome: reset, blame: blamesServicer},
		{name: "no answer", fault: fakes.Hanging(), outcome: timeout, blame: blamesServicer},
		{name: "answer after the timeout", fault: fakes.Sleepy(time.Minute), outcome: timeout, blame: blamesServicer},
		{name: "dripping header", fault: fakes.DrippingHeader(20 * time.Millisecond), outcome: timeout, blame: blamesServicer},
		{name: "dripping body", fault: fakes.DrippingBody(20 * time.Millisecond), outcome: timeout, blame: blamesServicer},
		{name: "handshake after the timeout", fault: fakes.Dawdling(time.Minute), outcome: timeout, blame: blamesServicer},
		{name: "endless header", fault: fakes.EndlessHeader(), outcome: large, blame: blamesServicer},
		{name: "endless chunks", fault: fakes.Bomb(), outcome: large, blame: blamesServicer},
		{name: "a gigabyte", fault: fakes.Flooding(), outcome: large, blame: blamesServicer},
		{name: "a terabyte announced", fault: fakes.Huge(), outcome: large, blame: blamesServicer},
		{name: "gzip bomb", fault: fakes.Zipped(), outcome: malformed, blame: blamesServicer},
		{name: "compressed", fault: fakes.Encoded(), outcome: malformed, blame: blamesServicer},
		{name: "redirect to a private address", fault: fakes.Redirecting(another.URL() + relay.Path), outcome: status, blame: blamesServicer},
		{name: "HTTP status", fault: fakes.Erring(503), outcome: status, blame: blamesServicer},
		{name: "wrong content type", fault: fakes.Mistyped("text/html"), outcome: malformed, blame: blamesServicer},
		{name: "not HTTP", fault: fakes.Garbled(), outcome: malformed, blame: blamesServicer},
		{name: "bytes before the question", fault: fakes.Chatty(), outcome: malformed, blame: blamesServicer},
		{name: "bad signature", fault: fakes.Tampering(), outcome: signature, blame: blamesServicer},
		{name: "unknown key", fault: fakes.Forging(), outcome: signature, blame: blamesServicer},
		{name: "another servicer's signature", fault: fakes.Borrowing(another), outcome: signature, blame: blamesServicer},
		{name: "another servicer's answer", fault: fakes.Impersonating(another), outcome: signature, blame: blamesServicer},
		{name: "another servicer's name", fault: fakes.Misnaming(), outcome: binding, blame: blamesServicer},
		{name: "another question's answer", fault: fakes.Replaying(), outcome: binding, blame: blamesServicer},
		{name: "error of the node", fault: fakes.Broken(), outcome: backend, blame: blamesBackend},
		{name: "clock behind", fault: fakes.Anachronous(-3*time.Hour, -3*time.Hour), outcome: outcomeOK},
		{name: "clock ahead", fault: fakes.Anachronous(3*time.Hour, 3*time.Hour), outcome: outcomeOK},
		{name: "clock contradicts itself", fault: fakes.Anachronous(0, -time.Hour), outcome: outcomeOK},
	}
	for number := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		row := faulty{name: code.Label(), fault: fakes.Refusing(code), code: code, outcome: types.Outcome_OUTCOME_RELAY_ERROR, blame: blamesServicer}
		switch {
		case code == types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED:
			continue // cannot be sealed
		case code == types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE:
			row.outcome, row.blame = void, blamesSelf
		case code >= types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT:
			row.outcome, row.blame = backend, blamesBackend
		}
		rows = append(rows, row)
	}
	return rows
}

// cast is all faults at once, each plain and over TLS, with honest servicers of both kinds among them.
type cast struct {
	faulty  map[*fakes.Servicer]faulty
	honest  []*fakes.Servicer
	another *fakes.Servicer
	rounds  *rounds
}

func newCast(t *testing.T) *cast {
	t.Helper()
	hosts := []string{"127.0.0.1", "failing.example", "missing.example", "silent.example"}
	good, authority := fakes.Certificate(t, hosts, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	expired, expiredAuthority := fakes.Certificate(t, hosts, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	elsewhere, elsewhereAuthority := fakes.Certificate(t, []string{"servicer.example"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	unknown, _ := fakes.Certificate(t, hosts, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	roots := x509.NewCertPool()
	for _, known := range []*x509.Certificate{authority, expiredAuthority, elsewhereAuthority} {
		roots.AddCert(known)
	}
	c := &cast{faulty: make(map[*fakes.Servicer]faulty), another: fakes.Start(t, fakes.Honest())}
	for _, row := range faults(c.another) {
		if row.name != "handshake after the timeout" { // a plain connection has none
			c.faulty[fakes.Start(t, row.fault)] = row
		}
		secured := row
		secured.name += " over TLS"
		c.faulty[fakes.StartTLS(t, row.fault, good)] = secured
	}
	for name, secure := range map[string]*tls.Config{"expired": expired, "wrong host": elsewhere, "unknown authority": unknown} {
		c.faulty[fakes.StartTLS(t, fakes.Honest(), secure)] = faulty{name: name, outcome: types.Outcome_OUTCOME_TLS, blame: blamesServicer}
	}
	for range 3 {
		c.honest = append(c.honest, fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), good))
	}
	c.rounds = newRounds(t, c.honest...)
	for servicer, row := range c.faulty {
		actor := servicer.Actor()
		if row.host != "" {
			actor.ServiceUrl = strings.Replace(actor.ServiceUrl, "127.0.0.1", row.host, 1)
		}
		c.rounds.actors = append(c.rounds.actors, actor)
	}
	dialer := &relay.Dialer{AllowPrivate: true, RootCAs: roots, Resolver: fakes.StartNames(t).Resolver()}
	c.rounds.dial = dialer.Dial
	return c
}

// Every fault at once, plain and over TLS: each gets what it deserves, and the honest ones among them get nothing of it.
func TestOutcomes(t *testing.T) {
	c := newCast(t)
	c.rounds.policy.Timeout = time.Second
	asked := 0
	record := undisturbed(t, func() *types.QoSRound { asked++; return c.rounds.run() })
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || len(record.GetSamples()) != len(c.rounds.actors) {
		t.Fatalf("round is %v with %d samples: %s", record.GetStatus(), len(record.GetSamples()), record.GetReason())
	}
	for servicer, row := range c.faulty {
		sample := sampleOf(t, record, servicer)
		if row.outcome == outcomeOK {
			if sample.GetOutcome() != outcomeOK || sample.GetBlame() != 0 || sample.GetRoundTripTime().AsDuration() <= 0 || !strings.Contains(sample.GetDetail(), "its ") {
				t.Errorf("%s: %v of %v: %s", row.name, sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
			}
			continue
		}
		if sample.GetOutcome() != row.outcome || sample.GetBlame() != row.blame || sample.GetRelayErrorCode() != uint32(row.code) {
			t.Errorf("%s: %v of %v, want %v of %v: %s", row.name, sample.GetOutcome(), sample.GetBlame(), row.outcome, row.blame, sample.GetDetail())
			continue
		}
		isNull(t, sample, row.outcome, row.blame)
		if servicer.Requests() > asked {
			t.Errorf("%s: asked %d times in %d checks", row.name, servicer.Requests(), asked)
		}
	}
	for _, servicer := range c.honest {
		isOK(t, sampleOf(t, record, servicer))
		if got := sampleOf(t, record, servicer).GetConsistency(); got != types.Consistency_CONSISTENCY_AGREE {
			t.Errorf("an honest servicer is %v", got)
		}
	}
	if c.another.Accepted() > 0 {
		t.Error("a redirect was followed")
	}
	isStorable(t, record)
}

// Every outcome there is occurs in the table.
func TestOutcomesAreAll(t *testing.T) {
	seen := map[types.Outcome]bool{types.Outcome_OUTCOME_UNSPECIFIED: true, types.Outcome_OUTCOME_TLS: true}
	for _, row := range faults(fakes.Start(t, fakes.Honest())) {
		seen[row.outcome] = true
	}
	for number := range types.Outcome_name {
		if !seen[types.Outcome(number)] {
			t.Errorf("no fault is %v", types.Outcome(number))
		}
	}
}

// An answer that was good once is another request's from then on: in the next check, in another session, and over TLS.
func TestHoardedAnswer(t *testing.T) {
	for name, hoarder := range map[string]*fakes.Servicer{"plain": fakes.Start(t, fakes.Hoarding()), "TLS": fakes.StartTLS(t, fakes.Hoarding(), nil)} {
		r := newRounds(t, hoarder, fakes.Start(t, fakes.Honest()))
		if first := sampleOf(t, r.run(), hoarder); first.GetOutcome() != outcomeOK && first.GetOutcome() != types.Outcome_OUTCOME_VOID {
			t.Errorf("%s: the first answer is %v", name, first.GetOutcome())
		}
		isNull(t, sampleOf(t, undisturbed(t, r.run), hoarder), types.Outcome_OUTCOME_WRONG_BINDING, blamesServicer)
		isNull(t, sampleOf(t, undisturbed(t, func() *types.QoSRound {
			one := r.at(time.Now())
			one.session = sessionOf(20, 10, 20, r.actors...)
			return one.judge(t.Context(), one.execute(t.Context()))
		}), hoarder), types.Outcome_OUTCOME_WRONG_BINDING, blamesServicer)
	}
}

// A kept connection that breaks when the request was written is the servicer's fault: the request is not sent again.
// Before it was written the connection is made anew, once (TestConnectionClosedBeforeTheRelease).
func TestNoRetryAfterTheWrite(t *testing.T) {
	for name, fickle := range map[string]*fakes.Servicer{"plain": fakes.Start(t, fakes.Fickle(1)), "TLS": fakes.StartTLS(t, fakes.Fickle(1), nil)} {
		honest := fakes.Start(t, fakes.Honest())
		r := newRounds(t, fickle, honest)
		for check := range 4 {
			record := r.run()
			if disturbed(record) {
				t.Skip("this machine is too busy")
			}
			isOK(t, sampleOf(t, record, honest))
			if sample := sampleOf(t, record, fickle); check%2 == 0 {
				isOK(t, sample)
			} else {
				isNull(t, sample, types.Outcome_OUTCOME_RESET, blamesServicer)
				if !sample.GetReusedConnection() {
					t.Errorf("%s: a new connection", name)
				}
			}
			if fickle.Requests() != check+1 {
				t.Errorf("%s: asked %d times in %d checks", name, fickle.Requests(), check+1)
			}
		}
	}
}

// A connection that is kept and closed between two checks costs nobody anything: it is made anew before the release.
func TestClosedBetweenChecks(t *testing.T) {
	plain, secured := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil)
	r := newRounds(t, plain, secured)
	for range 3 {
		record := undisturbed(t, r.run)
		for _, servicer := range []*fakes.Servicer{plain, secured} {
			isOK(t, sampleOf(t, record, servicer))
			servicer.HangUp()
			servicer.AwaitOpen(t, 0)
		}
	}
	if plain.Requests() < 3 || plain.Accepted() != plain.Requests() || secured.Accepted() != secured.Requests() {
		t.Errorf("%d and %d connections, %d and %d requests", plain.Accepted(), secured.Accepted(), plain.Requests(), secured.Requests())
	}
}

// A refusal for want of an allowance is ours only beyond the reserve that the network grants us.
func TestRefusedWithinTheReserve(t *testing.T) {
	const code = types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE
	refusing, busy := fakes.Start(t, fakes.Refusing(code)), fakes.Start(t, fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY))
	honest := fakes.Start(t, fakes.Honest())
	for name, test := range map[string]struct {
		asked, reserve uint64
		outcome        types.Outcome
		blame          types.Blame
	}{
		"within":             {20, 20, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer},
		"first":              {1, 1, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer},
		"beyond":             {21, 20, types.Outcome_OUTCOME_VOID, blamesSelf},
		"reserve not known":  {1, 0, types.Outcome_OUTCOME_VOID, blamesSelf},
		"requests not known": {0, 20, types.Outcome_OUTCOME_VOID, blamesSelf},
	} {
		r := newRounds(t, refusing, busy, honest)
		r.policy.Reserve = test.reserve
		record := undisturbed(t, func() *types.QoSRound {
			one := r.at(time.Now())
			one.asked = test.asked
			return one.judge(t.Context(), one.execute(t.Context()))
		})
		sample := sampleOf(t, record, refusing)
		isNull(t, sample, test.outcome, test.blame)
		if sample.GetRelayErrorCode() != uint32(code) {
			t.Errorf("%s: code %d", name, sample.GetRelayErrorCode())
		}
		isNull(t, sampleOf(t, record, busy), types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer)
		isOK(t, sampleOf(t, record, honest))
	}
}

// What the fisherman can have asked for is never reckoned too low: a killed run may have asked without storing.
func TestMostAsked(t *testing.T) {
	w, err := newWatch([32]byte{}, sessionOf(10, 10, 10), testPolicy())
	if err != nil {
		t.Fatal(err)
	}
	if w.mostAsked(0) != 1 || w.mostAsked(9) != 10 {
		t.Errorf("%d and %d", w.mostAsked(0), w.mostAsked(9))
	}
	w.resume(&types.QoSSession{}, nil)
	if w.mostAsked(0) != 2 || w.mostAsked(9) != 20 {
		t.Errorf("after a restart %d and %d", w.mostAsked(0), w.mostAsked(9))
	}
	var more extras
	more.add("a")
	more.add("a")
	more.add("b")
	if more.forget("b"); more.of("a") != 2 || more.of("b") != 0 {
		t.Errorf("%d and %d on demand", more.of("a"), more.of("b"))
	}
	for i := range mostExtras {
		more.add(string(rune(0x1000 + i)))
	}
	if len(more.counts) > mostExtras {
		t.Errorf("%d sessions are remembered", len(more.counts))
	}
}

func TestClockRemark(t *testing.T) {
	sent := time.Now()
	const roundTrip = 20 * time.Second
	for name, test := range map[string]struct {
		received, answered time.Duration
		want               string
	}{
		"in time":               {5 * time.Second, 15 * time.Second, ""},
		"tolerated behind":      {-clockTolerance, -clockTolerance, ""},
		"behind":                {-clockTolerance - time.Second, 0, "1m1s behind"},
		"tolerated ahead":       {roundTrip, roundTrip + clockTolerance, ""},
		"ahead":                 {roundTrip, roundTrip + clockTolerance + time.Second, "1m1s ahead"},
		"a step within":         {10 * time.Second, -10 * time.Second, ""},
		"backwards":             {10 * time.Second, 10*time.Second - clockTolerance - 1, "contradict"},
		"before there was time": {-1 << 62, -1 << 62, "behind"},
	} {
		response := &types.RelayResponse{ReceivedUnixNano: sent.Add(test.received).UnixNano(), AnsweredUnixNano: sent.Add(test.answered).UnixNano()}
		got := clockRemark(response, sent, roundTrip)
		if got == "" != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// evading runs rounds of a servicer that shakes hands later than the lead, beside an honest one that keeps connections.
func evading(t *testing.T, fault fakes.Fault, leads ...time.Duration) []*types.QoSSample {
	t.Helper()
	late, honest := fakes.StartTLS(t, fault, nil), fakes.Start(t, fakes.Honest())
	r := newRounds(t, late, honest)
	var samples []*types.QoSSample
	for _, lead := range leads {
		one := r.at(time.Now().Add(lead))
		one.lead = lead
		record := one.judge(t.Context(), one.execute(t.Context()))
		if disturbed(record) {
			t.Skip("this machine is too busy")
		}
		isOK(t, sampleOf(t, record, honest))
		samples = append(samples, proto.CloneOf(sampleOf(t, record, late)))
		honest.AwaitOpen(t, 1)
	}
	return samples
}

// A servicer that connects late and closes what was made cannot keep from being measured.
func TestEvadingServicer(t *testing.T) {
	const lead, handshake = 50 * time.Millisecond, 300 * time.Millisecond
	samples := evading(t, fakes.Evading(handshake), lead, lead)
	isNull(t, samples[0], types.Outcome_OUTCOME_VOID, blamesSelf)
	isNull(t, samples[1], types.Outcome_OUTCOME_TIMEOUT, blamesServicer)
	if !strings.Contains(samples[1].GetDetail(), "after it had closed a connection") {
		t.Errorf("%s", samples[1].GetDetail())
	}
}

// One that is merely slow to connect is measured from the second check on: over the connection that it keeps, or over
// one that it is given the time for.
func TestSlowToConnect(t *testing.T) {
	const lead, handshake = 50 * time.Millisecond, 300 * time.Millisecond
	samples := evading(t, fakes.Dawdling(handshake), lead, lead)
	isNull(t, samples[0], types.Outcome_OUTCOME_VOID, blamesSelf)
	isOK(t, samples[1])
	if !samples[1].GetReusedConnection() {
		t.Error("a new connection")
	}
}

// One that is quick to connect, hangs up right before it is asked and is slow from then on, evades as well.
func TestEvadingAtTheRelease(t *testing.T) {
	one := &round{order: order{lead: 3 * time.Second}}
	late := &slot{redialed: true, phases: relay.Phases{TLS: longestLead + 1}}
	if got := one.tooLate(late, true); got.Outcome != types.Outcome_OUTCOME_TIMEOUT || got.Blame != blamesServicer {
		t.Errorf("%v of %v", got.Outcome, got.Blame)
	}
	if got := one.tooLate(late, false); got.Outcome != types.Outcome_OUTCOME_VOID {
		t.Errorf("the first time: %v of %v", got.Outcome, got.Blame)
	}
	late.redialed = false
	if got := one.tooLate(late, true); got.Outcome != types.Outcome_OUTCOME_VOID {
		t.Errorf("within the lead: %v of %v", got.Outcome, got.Blame)
	}
}

// What is held against a late connection, from just above each limit.
func TestTooLate(t *testing.T) {
	const lead = 500 * time.Millisecond
	for name, test := range map[string]struct {
		phases  relay.Phases
		evades  bool
		stall   time.Duration
		outcome types.Outcome
		blame   types.Blame
	}{
		"evades":          {relay.Phases{Connect: lead, TLS: 1}, true, 0, types.Outcome_OUTCOME_TIMEOUT, blamesServicer},
		"within the lead": {relay.Phases{Connect: lead / 2, TLS: lead / 2}, true, 0, types.Outcome_OUTCOME_VOID, blamesSelf},
		"slow name":       {relay.Phases{DNS: 2 * lead, Connect: 1}, true, 0, types.Outcome_OUTCOME_VOID, blamesUnknown},
		"slow name, once": {relay.Phases{DNS: 2 * lead, Connect: 1}, false, 0, types.Outcome_OUTCOME_VOID, blamesSelf},
		"first time":      {relay.Phases{Connect: lead, TLS: lead}, false, 0, types.Outcome_OUTCOME_VOID, blamesSelf},
		"longest stall":   {relay.Phases{Connect: lead, TLS: lead}, true, stallLimit, types.Outcome_OUTCOME_TIMEOUT, blamesServicer},
		"we stalled":      {relay.Phases{Connect: lead, TLS: lead}, true, stallLimit + 1, types.Outcome_OUTCOME_VOID, blamesSelf},
	} {
		one := &round{order: order{lead: lead}, connectStall: test.stall}
		if got := one.tooLate(&slot{phases: test.phases}, test.evades); got.Outcome != test.outcome || got.Blame != test.blame {
			t.Errorf("%s: %v of %v", name, got.Outcome, got.Blame)
		}
	}
}

// What is known of who connects late: until it answers, and for as long as a session needs it.
func TestTardiness(t *testing.T) {
	servicer, other := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	url := servicer.URL()
	kept := &links{}
	defer kept.close()
	known := func(slowest time.Duration, evasive bool) {
		t.Helper()
		if got := kept.slowest(actorsOf(other, servicer)); got != slowest || kept.evasive(url) != evasive || kept.slowest(actorsOf(other)) > 0 {
			t.Errorf("slowest %v, evasive %t", got, kept.evasive(url))
		}
	}
	kept.hungUp(url) // a restart, nothing else
	known(0, false)
	kept.giveLate(url, dialled(t, servicer), 2*time.Second)
	known(2*time.Second, false)
	servicer.AwaitOpen(t, 1)
	servicer.HangUp()
	servicer.AwaitOpen(t, 0)
	if kept.take(url) != nil {
		t.Error("took a dead connection")
	}
	known(2*time.Second, true)
	kept.giveLate(url, dialled(t, servicer), time.Second) // late again: what it did before still counts
	known(2*time.Second, true)
	kept.answered(url)
	known(2*time.Second, false)
	kept.hungUp(url)
	known(2*time.Second, true)
	kept.retain(map[string]bool{url: true})
	known(2*time.Second, true)
	kept.retain(nil)
	known(0, false)
}

// The lead of a session with a tardy servicer is twice what that took, up to the timeout, as far as the checks lie apart.
func TestLongLead(t *testing.T) {
	for name, test := range map[string]struct {
		checks                  int
		interval, timeout, took time.Duration
		want                    time.Duration
	}{
		"far apart":     {10, time.Minute, 3 * time.Second, 600 * time.Millisecond, 1200 * time.Millisecond},
		"timeout":       {10, time.Minute, 3 * time.Second, 2 * time.Second, 3 * time.Second},
		"close":         {10, time.Second, 3 * time.Second, 2 * time.Second, time.Second},
		"very close":    {10_000, time.Second, 3 * time.Second, time.Second, shortestLead},
		"short timeout": {10, time.Minute, 10 * time.Millisecond, time.Second, longestLead},
		"quick":         {10, time.Minute, 3 * time.Second, 1, longestLead},
	} {
		policy := testPolicy()
		policy.Checks, policy.Timeout = test.checks, test.timeout
		w, err := newWatch([32]byte{}, sessionOf(10, 10, 10, actor("a")), policy)
		if err != nil {
			t.Fatal(err)
		}
		l := &loop{Fisherman: &Fisherman{links: &links{}}}
		l.pace.Interval = test.interval
		if got := l.lead(w); got != w.lead(test.interval) {
			t.Errorf("%s: lead %v", name, got)
		}
		l.links.tardy = map[string]tardiness{actor("a").GetServiceUrl(): {took: test.took}}
		if got := l.lead(w); got != test.want {
			t.Errorf("%s: lead %v of a tardy one", name, got)
		}
	}
}

// The run loop counts what it asks: a refusal for want of an allowance speaks against the servicer as long as the
// session's reserve cannot be used up, and against nobody from then on.
func TestReserveIsCounted(t *testing.T) {
	refusing, honest := fakes.Start(t, fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE)), fakes.Start(t, fakes.Honest())
	n := newNetwork()
	n.interval = 40 * time.Millisecond
	n.policy.Checks, n.policy.Reserve = 4, 2
	n.seal = (&relay.Protocol{Key: fishermanKey, Now: time.Now}).Seal
	n.dial = (&relay.Dialer{AllowPrivate: true}).Dial
	n.members = func(int64) []*types.Actor { return actorsOf(refusing, honest) }
	n.while(t, func() { n.head(10); refusing.AwaitRequests(t, 4) })
	rounds, err := n.store.Rounds(t.Context(), idOf(10))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(rounds, func(r *types.QoSRound) bool { return r.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE }) {
		t.Skip("this machine is too busy")
	}
	for _, round := range rounds {
		if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
			continue
		}
		if sample := sampleOf(t, round, refusing); round.GetIndex() < 2 {
			isNull(t, sample, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer)
		} else {
			isNull(t, sample, types.Outcome_OUTCOME_VOID, blamesSelf)
		}
	}
}

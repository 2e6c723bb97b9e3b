package round_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Each fault beside three honest servicers: it gets what it deserves, and they get nothing of it.
func TestRoundWithEachFault(t *testing.T) {
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
		"Down":        {fakes.Down(), long, types.Outcome_OUTCOME_CONNECT, blamesServicer, 0},
		"Mute":        {fakes.Mute(), short, outcomeTimeout, blamesServicer, 0},
		"slow Mute":   {fakes.Mute(), round.LongestLead + short, outcomeTimeout, blamesServicer, 0},
		"Hanging":     {fakes.Hanging(), short, outcomeTimeout, blamesServicer, 0},
		"Dripping":    {fakes.Dripping(time.Millisecond), short, outcomeTimeout, blamesServicer, 0},
		"too Sleepy":  {fakes.Sleepy(2 * short), short, outcomeTimeout, blamesServicer, 0},
		"Resetting":   {fakes.Resetting(), long, types.Outcome_OUTCOME_RESET, blamesServicer, 0},
		"Cutting":     {fakes.Cutting(), long, types.Outcome_OUTCOME_RESET, blamesServicer, 0},
		"Erring":      {fakes.Erring(500), long, types.Outcome_OUTCOME_HTTP_STATUS, blamesServicer, 0},
		"Redirecting": {fakes.Redirecting("http://127.0.0.1:9/"), long, types.Outcome_OUTCOME_HTTP_STATUS, blamesServicer, 0},
		"Garbled":     {fakes.Garbled(), long, types.Outcome_OUTCOME_MALFORMED, blamesServicer, 0},
		"Chatty":      {fakes.Chatty(), long, types.Outcome_OUTCOME_MALFORMED, blamesServicer, 0},
		"Encoded":     {fakes.Encoded(), long, types.Outcome_OUTCOME_MALFORMED, blamesServicer, 0},
		"bad header":  {fakes.Saying("HTTP/1.1 200 OK\r\n\x1b[2J\xff\xfe no colon\r\n\r\n"), long, types.Outcome_OUTCOME_MALFORMED, blamesServicer, 0},
		"Bomb":        {fakes.Bomb(), long, types.Outcome_OUTCOME_TOO_LARGE, blamesServicer, 0},
		"Huge":        {fakes.Huge(), long, types.Outcome_OUTCOME_TOO_LARGE, blamesServicer, 0},
		"Forging":     {fakes.Forging(), long, types.Outcome_OUTCOME_BAD_SIGNATURE, blamesServicer, 0},
		"Replaying":   {fakes.Replaying(), long, types.Outcome_OUTCOME_WRONG_BINDING, blamesServicer, 0},
		"Refusing":    {fakes.Refusing(busy), long, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer, busy},
		"allowance":   {fakes.Refusing(allowance), long, outcomeVoid, blamesSelf, allowance},
		"upstream":    {fakes.Refusing(upstream), long, types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, upstream},
		"Broken":      {fakes.Broken(), long, types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, 0},
	} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest(), test.fault)
			r := overPipes(t, servicers...)
			r.spec.Timeout = test.timeout
			record := r.run()
			isDone(t, record)
			if len(record.GetSamples()) != 4 {
				t.Fatalf("%d samples", len(record.GetSamples()))
			}
			sample := sampleOf(t, record, servicers[3])
			isNull(t, sample, test.outcome, test.blame)
			if sample.GetRelayErrorCode() != uint32(test.code) {
				t.Errorf("code %d", sample.GetRelayErrorCode())
			}
			areUnmoved(t, record, servicers[:3])
			isStorable(t, record)
		})
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
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, fault, fakes.Honest(), fakes.Honest(), fakes.Honest(), fakes.Honest(), fakes.Honest())
			r := overPipes(t, servicers...)
			r.spec.Timeout, r.rules.LatencySLA = 4*delay, delay
			record := r.run()
			areUnmoved(t, record, servicers[1:])
			if skew := record.GetSkew().AsDuration(); skew != 0 {
				t.Errorf("skew %v", skew)
			}
			if sample := sampleOf(t, record, servicers[0]); name == "Sleepy" {
				isOK(t, sample)
				if got := sample.GetRoundTripTime().AsDuration(); got != delay+fakes.Distance || !sample.GetOverSla() {
					t.Errorf("RTT %v of a delay of %v, over the SLA: %t", got, delay, sample.GetOverSla())
				}
			}
		})
	}
}

// A real socket gives the whole delay to the one that it belongs to as well.
func TestDelayOverSockets(t *testing.T) {
	const delay = 50 * time.Millisecond
	sleepy, honest := fakes.Start(t, fakes.Sleepy(delay)), fakes.Start(t, fakes.Honest())
	r := overSockets(t, sleepy, honest).connect()
	r.spec.Timeout = time.Minute
	record := r.runCalm()
	isOK(t, sampleOf(t, record, honest))
	sample := sampleOf(t, record, sleepy)
	isOK(t, sample)
	if got := sample.GetRoundTripTime().AsDuration(); got < delay {
		t.Errorf("RTT %v of a delay of %v", got, delay)
	}
}

// faulty is a servicer with a fault and what it deserves.
type faulty struct {
	name    string
	fault   fakes.Fault
	outcome types.Outcome
	blame   types.Blame
	code    types.RelayErrorCode
	// host stands in the service URL in place of 127.0.0.1.
	host string
	// handshake: the fault is in the handshake, which a plain connection has none of.
	handshake bool
	// drips: bytes arrive until the time is up. On a socket of a busy machine they may be read too late to tell whether
	// they came in time, which counts for nobody.
	drips bool
}

// faults are those that plain and secured servicers may have.
func faults(another *fakes.Servicer) []faulty {
	const connect, reset = types.Outcome_OUTCOME_CONNECT, types.Outcome_OUTCOME_RESET
	const status, malformed, large = types.Outcome_OUTCOME_HTTP_STATUS, types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TOO_LARGE
	const signature, binding = types.Outcome_OUTCOME_BAD_SIGNATURE, types.Outcome_OUTCOME_WRONG_BINDING
	const backend, dns = types.Outcome_OUTCOME_BACKEND_ERROR, types.Outcome_OUTCOME_DNS
	honest := fakes.Honest()
	rows := []faulty{
		{name: "refused", fault: fakes.Down(), outcome: connect, blame: blamesServicer},
		{name: "name does not exist", fault: honest, host: "missing.example", outcome: dns, blame: blamesServicer},
		{name: "name gets no verdict", fault: honest, host: "failing.example", outcome: outcomeVoid, blame: blamesUnknown},
		{name: "name gets no answer", fault: honest, host: "silent.example", outcome: outcomeVoid, blame: blamesUnknown},
		{name: "reset before the request is read", fault: fakes.Slamming(), outcome: reset, blame: blamesServicer},
		{name: "reset before the header", fault: fakes.Resetting(), outcome: reset, blame: blamesServicer},
		{name: "reset in the header", fault: fakes.BreakingHeader(), outcome: reset, blame: blamesServicer},
		{name: "reset after the header", fault: fakes.BreakingBody(), outcome: reset, blame: blamesServicer},
		{name: "closed in the body", fault: fakes.Cutting(), outcome: reset, blame: blamesServicer},
		{name: "no answer", fault: fakes.Hanging(), outcome: outcomeTimeout, blame: blamesServicer},
		{name: "answer after the timeout", fault: fakes.Sleepy(time.Minute), outcome: outcomeTimeout, blame: blamesServicer},
		{name: "dripping header", fault: fakes.DrippingHeader(20 * time.Millisecond), outcome: outcomeTimeout, blame: blamesServicer, drips: true},
		{name: "dripping body", fault: fakes.DrippingBody(20 * time.Millisecond), outcome: outcomeTimeout, blame: blamesServicer, drips: true},
		{name: "handshake after the timeout", fault: fakes.Dawdling(time.Minute), outcome: outcomeTimeout, blame: blamesServicer, handshake: true},
		{name: "endless header", fault: fakes.EndlessHeader(), outcome: large, blame: blamesServicer},
		{name: "endless chunks", fault: fakes.Bomb(), outcome: large, blame: blamesServicer},
		{name: "a gigabyte", fault: fakes.Flooding(), outcome: large, blame: blamesServicer},
		{name: "a terabyte announced", fault: fakes.Huge(), outcome: large, blame: blamesServicer},
		{name: "gzip bomb", fault: fakes.Zipped(), outcome: malformed, blame: blamesServicer},
		{name: "compressed", fault: fakes.Encoded(), outcome: malformed, blame: blamesServicer},
		{name: "redirect to a private address", fault: fakes.Redirecting(another.URL() + "/v1/relay"), outcome: status, blame: blamesServicer},
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
			row.outcome, row.blame = outcomeVoid, blamesSelf
		case code >= types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT:
			row.outcome, row.blame = backend, blamesBackend
		}
		rows = append(rows, row)
	}
	return rows
}

// isDeserved checks the sample of a faulty servicer.
func (row faulty) isDeserved(t *testing.T, sample *types.QoSSample) {
	t.Helper()
	if row.outcome == outcomeOK {
		if sample.GetOutcome() != outcomeOK || sample.GetBlame() != 0 || sample.GetRoundTripTime().AsDuration() <= 0 || !strings.Contains(sample.GetDetail(), "its ") {
			t.Errorf("%s: %v of %v: %s", row.name, sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
		}
		return
	}
	if sample.GetOutcome() != row.outcome || sample.GetBlame() != row.blame || sample.GetRelayErrorCode() != uint32(row.code) {
		t.Errorf("%s: %v of %v, want %v of %v: %s", row.name, sample.GetOutcome(), sample.GetBlame(), row.outcome, row.blame, sample.GetDetail())
		return
	}
	isNull(t, sample, row.outcome, row.blame)
}

// Every fault at once: each gets what it deserves, and the honest ones among them get nothing of it.
func TestAllFaultsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		honest := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest())
		servicers, rows := slices.Clone(honest), make(map[*fakes.Servicer]faulty)
		for _, row := range faults(fakes.StartPiped(t, fakes.Honest())) {
			if row.host == "" { // nothing has a name here
				servicer := fakes.StartPiped(t, row.fault)
				servicers, rows[servicer] = append(servicers, servicer), row
			}
		}
		r := overPipes(t, servicers...)
		r.spec.Timeout = time.Second
		record := r.run()
		isDone(t, record)
		for servicer, row := range rows {
			row.isDeserved(t, sampleOf(t, record, servicer))
			if servicer.Requests() > 1 {
				t.Errorf("%s: asked %d times", row.name, servicer.Requests())
			}
		}
		areUnmoved(t, record, honest)
		isStorable(t, record)
	})
}

// Every outcome there is occurs in the table, or among the certificates of TestOutcomes; a node without the block, in
// TestRoundByREST.
func TestOutcomesAreAll(t *testing.T) {
	seen := map[types.Outcome]bool{types.Outcome_OUTCOME_UNSPECIFIED: true, types.Outcome_OUTCOME_TLS: true, types.Outcome_OUTCOME_MISSING: true,
		types.Outcome_OUTCOME_THROTTLED: true} // what a network finds in an answer
	for _, row := range faults(fakes.StartPiped(t, fakes.Honest())) {
		seen[row.outcome] = true
	}
	for number := range types.Outcome_name {
		if !seen[types.Outcome(number)] {
			t.Errorf("no fault is %v", types.Outcome(number))
		}
	}
}

// Everybody in turn refuses with each code there is. Each is either a word against the request or one about the servicer
// itself; a new one has to be decided about.
func TestEveryRefusalIsDecided(t *testing.T) {
	about := map[types.RelayErrorCode]bool{
		types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE: true, types.RelayErrorCode_RELAY_ERROR_CODE_BUSY: true,
		types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY: true,
	}
	for number := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		if code == types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED {
			continue // cannot be sealed
		}
		virtually(t, code.Label(), func(t *testing.T) {
			servicers := piped(t, fakes.Refusing(code), fakes.Refusing(code))
			r := overPipes(t, servicers...)
			observed := r.observe(t.Context(), time.Now())
			observed.Control = &judge.Control{Err: errOffline}
			refusal := exchangeOf(t, observed, servicers[0]).Rejected.Refusal
			disputes := code < types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT && !about[code]
			if refusal == nil || refusal.DisputesRequest != disputes || refusal.Label != code.Label() {
				t.Errorf("%+v", refusal)
			}
			if refused := r.judge(observed).GetCause() == types.Cause_CAUSE_REFUSED; refused != disputes {
				t.Errorf("%v", r.judge(observed))
			}
		})
	}
}

// When every servicer that can be reached calls the request wrong, it may be: the fisherman's node may have fallen behind.
// Nobody is blamed then. One that is alone in that, or contradicted by another, is.
func TestEverybodyRefuses(t *testing.T) {
	const stale, stranger = types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT, types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED
	const busy, upstream = types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT
	for name, test := range map[string]struct {
		faults []fakes.Fault
		void   bool
	}{
		"all":                             {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(stale), fakes.Refusing(stale)}, true},
		"for different reasons":           {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(stranger)}, true},
		"all that can be reached":         {[]fakes.Fault{fakes.Refusing(stale), fakes.Down(), fakes.Refusing(stale)}, true},
		"one answers":                     {[]fakes.Fault{fakes.Refusing(stale), fakes.Honest(), fakes.Refusing(stale)}, false},
		"one would, but is busy":          {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(busy), fakes.Refusing(stale)}, false},
		"one would, but for its node":     {[]fakes.Fault{fakes.Refusing(stale), fakes.Refusing(upstream), fakes.Refusing(stale)}, false},
		"one passes an error on":          {[]fakes.Fault{fakes.Refusing(stale), fakes.Broken(), fakes.Refusing(stale)}, false},
		"one alone":                       {[]fakes.Fault{fakes.Refusing(stale)}, false},
		"one alone, beside one not there": {[]fakes.Fault{fakes.Refusing(stale), fakes.Down()}, false},
	} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, test.faults...)
			r := overPipes(t, servicers...)
			observed := r.observe(t.Context(), time.Now())
			observed.Control = answering(observed)
			record := r.judge(observed)
			if test.void {
				isVoid(t, record, types.Cause_CAUSE_REFUSED)
				if !strings.Contains(record.GetReason(), "refused the request as wrong: S") {
					t.Error(record.GetReason())
				}
				return
			}
			sample := sampleOf(t, record, servicers[0])
			isNull(t, sample, types.Outcome_OUTCOME_RELAY_ERROR, blamesServicer)
			isDone(t, record)
			if sample.GetRelayErrorCode() != uint32(stale) || sample.GetRelayError() != stale.Label() {
				t.Errorf("code %d, %s", sample.GetRelayErrorCode(), sample.GetRelayError())
			}
		})
	}
}

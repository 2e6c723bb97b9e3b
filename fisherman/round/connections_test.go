package round_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// slowly has a servicer dialled a time late.
func (r *rig) slowly(servicer *fakes.Servicer, late time.Duration) {
	dial := r.Dial
	r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
		if serviceURL == servicer.URL() {
			time.Sleep(late)
		}
		return dial(ctx, serviceURL)
	}
}

// A dial that takes its time delays nobody. The sample is void and not null, and the connection serves the next check.
func TestStillConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		slow, honest := servicers[0], servicers[1]
		r := overPipes(t, servicers...)
		r.slowly(slow, round.LongestLead+time.Millisecond)
		due := time.Now().Add(round.LongestLead)
		observed := r.observe(t.Context(), due)
		if !observed.Released.Equal(due) {
			t.Errorf("released %v late", observed.Released.Sub(due))
		}
		if late := exchangeOf(t, observed, slow).Late; late == nil || late.Evades || late.Redialed {
			t.Errorf("%+v", late)
		}
		record := r.judge(observed)
		isDone(t, record)
		areAlone(t, record, honest)
		sample := sampleOf(t, record, slow)
		isNull(t, sample, outcomeVoid, blamesSelf)
		if !strings.Contains(sample.GetDetail(), "still connecting") || sample.GetSentUnixNano() != 0 || slow.Requests() != 0 {
			t.Errorf("sent %d: %s", sample.GetSentUnixNano(), sample.GetDetail())
		}
		next := r.run()
		isOK(t, sampleOf(t, next, slow))
		if !sampleOf(t, next, slow).GetReusedConnection() || slow.Accepted() != 1 {
			t.Errorf("%d connections", slow.Accepted())
		}
	})
}

// areAlone checks that a servicer answered with nobody to compare it to.
func areAlone(t *testing.T, record *types.QoSRound, servicer *fakes.Servicer) {
	t.Helper()
	sample := sampleOf(t, record, servicer)
	isOK(t, sample)
	if sample.GetConsistency() != types.Consistency_CONSISTENCY_UNDECIDABLE || sample.GetRoundTripTime().AsDuration() != fakes.Distance {
		t.Errorf("%v, RTT %v", sample.GetConsistency(), sample.GetRoundTripTime().AsDuration())
	}
}

// A connection that cannot be made speaks for itself, also after the release.
func TestLateDialFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Down(), fakes.Honest())
		r := overPipes(t, servicers...)
		r.slowly(servicers[0], round.LongestLead+time.Millisecond)
		record := r.run()
		isNull(t, sampleOf(t, record, servicers[0]), types.Outcome_OUTCOME_CONNECT, blamesServicer)
		areAlone(t, record, servicers[1])
	})
}

// areKept makes some checks and checks which of them connect.
func areKept(t *testing.T, r *rig, checks int, secured, plain, closing *fakes.Servicer) {
	t.Helper()
	for check := range checks {
		record := r.runConnecting()
		closing.AwaitOpen(t, 0)
		for _, servicer := range []*fakes.Servicer{plain, secured, closing} {
			sample := sampleOf(t, record, servicer)
			kept := check > 0 && servicer != closing
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
	r.Pool.Close()
	plain.AwaitOpen(t, 0)
	secured.AwaitOpen(t, 0)
}

func TestConnectionsAreKept(t *testing.T) {
	virtually(t, "over pipes", func(t *testing.T) {
		servicers := piped(t, fakes.Dawdling(time.Millisecond), fakes.Honest(), fakes.Closing())
		areKept(t, overPipes(t, servicers...), 4, servicers[0], servicers[1], servicers[2])
	})
	t.Run("over sockets", func(t *testing.T) {
		t.Parallel()
		secured, plain, closing := fakes.StartTLS(t, fakes.Honest(), nil), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Closing())
		areKept(t, overSockets(t, secured, plain, closing), 2, secured, plain, closing)
	})
}

// A cold check goes over new connections, which take the place of those that were kept.
func TestColdCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		r := overPipes(t, servicers...)
		for check, cold := range []bool{false, false, true, false, true, true, false} {
			r.spec.Cold = cold
			record := r.run()
			for _, servicer := range servicers {
				sample := sampleOf(t, record, servicer)
				isOK(t, sample)
				if sample.GetReusedConnection() != (check > 0 && !cold) {
					t.Errorf("check %d: reused %t", check, sample.GetReusedConnection())
				}
				servicer.AwaitOpen(t, 1)
			}
		}
		for _, servicer := range servicers {
			if servicer.Accepted() != 4 {
				t.Errorf("%d connections", servicer.Accepted())
			}
		}
	})
}

// A cold check leaves the kept connection to the next check, which overlaps it: only those are cold that have to be, and the
// first, for which nothing is kept yet. A kept connection does not outlive the cold checks.
func TestColdChecksOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		r := overPipes(t, servicers...)
		const checks, share = 40, 5
		samples := make([]*types.QoSSample, checks)
		var under sync.WaitGroup
		for i, due := 0, time.Now(); i < checks; i++ {
			due = due.Add(time.Second)
			if i%share == 4 {
				due = due.Add(round.LongestLead/2 - time.Second) // soon after a cold one
			}
			time.Sleep(time.Until(due.Add(-round.LongestLead)))
			one := *r
			one.spec.Lead, one.spec.Cold = round.LongestLead, i%share == 3
			under.Go(func() { samples[i] = sampleOf(t, one.judge(one.observe(t.Context(), due)), servicers[0]) })
		}
		under.Wait()
		for i, sample := range samples {
			isOK(t, sample)
			if cold := i%share == 3 || i == 0; sample.GetReusedConnection() == cold {
				t.Errorf("check %d: reused %t", i, sample.GetReusedConnection())
			}
		}
		if made := servicers[0].Accepted(); made != 1+checks/share {
			t.Errorf("%d connections", made)
		}
		servicers[0].AwaitOpen(t, 1)
	})
}

// A servicer that answers on an old connection and lets nobody in any more is found by a cold check. The old one serves on.
func TestShutToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest())
		shut := servicers[0]
		r := overPipes(t, servicers...)
		r.run()
		dial := r.Dial
		r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
			if serviceURL == shut.URL() {
				return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, syscall.ECONNREFUSED)
			}
			return dial(ctx, serviceURL)
		}
		for _, cold := range []bool{false, true, true, false} {
			r.spec.Cold = cold
			record := r.run()
			if sample := sampleOf(t, record, shut); cold {
				isNull(t, sample, types.Outcome_OUTCOME_CONNECT, blamesServicer)
			} else {
				isOK(t, sample)
			}
			isOK(t, sampleOf(t, record, servicers[1]))
		}
	})
}

// A connection that is closed while it waits for the release is made anew, and nobody is blamed.
func TestConnectionClosedBeforeTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		r := overPipes(t, servicers...)
		time.AfterFunc(round.LongestLead/2, servicers[0].HangUp)
		record := r.judge(r.observe(t.Context(), time.Now().Add(round.LongestLead)))
		areUnmoved(t, record, servicers)
		restarting := servicers[0]
		if restarting.Accepted() != 2 || restarting.Requests() != 1 {
			t.Errorf("%d connections, %d requests", restarting.Accepted(), restarting.Requests())
		}
		// So is one that was kept.
		time.AfterFunc(round.LongestLead/2, restarting.HangUp)
		next := r.judge(r.observe(t.Context(), time.Now().Add(round.LongestLead)))
		areUnmoved(t, next, servicers)
		if sample := sampleOf(t, next, restarting); sample.GetReusedConnection() || sample.ConnectTime == nil || restarting.Accepted() != 3 {
			t.Errorf("%d connections: %v", restarting.Accepted(), sample)
		}
	})
}

func TestServicerGoesDownBeforeTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		going := servicers[0]
		r := overPipes(t, servicers...)
		dial := r.Dial
		dials := 0
		r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
			if serviceURL != going.URL() {
				return dial(ctx, serviceURL)
			}
			if dials++; dials > 1 {
				return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, errors.New("refused"))
			}
			conn, err := dial(ctx, serviceURL)
			going.HangUp()
			return conn, err
		}
		record := r.run()
		isNull(t, sampleOf(t, record, going), types.Outcome_OUTCOME_CONNECT, blamesServicer)
		areAlone(t, record, servicers[1])
		if dials != 2 {
			t.Errorf("%d dials", dials)
		}
	})
}

// noRetry checks that a servicer that breaks each second exchange is asked once a check.
func noRetry(t *testing.T, r *rig, fickle, honest *fakes.Servicer) {
	t.Helper()
	for check := range 4 {
		if check%2 == 0 {
			r.connect()
		}
		record := r.runCalm()
		isOK(t, sampleOf(t, record, honest))
		if sample := sampleOf(t, record, fickle); check%2 == 0 {
			isOK(t, sample)
		} else {
			isNull(t, sample, types.Outcome_OUTCOME_RESET, blamesServicer)
			if !sample.GetReusedConnection() {
				t.Error("a new connection")
			}
		}
		if fickle.Requests() != check+1 || fickle.Accepted() != check/2+1 {
			t.Errorf("asked %d times over %d connections in %d checks", fickle.Requests(), fickle.Accepted(), check+1)
		}
	}
}

// A kept connection that breaks when the request was written is the servicer's fault: the request is not sent again.
// Before it was written the connection is made anew, once (TestConnectionClosedBeforeTheRelease).
func TestNoRetryAfterTheWrite(t *testing.T) {
	virtually(t, "over a pipe", func(t *testing.T) {
		servicers := piped(t, fakes.Fickle(1), fakes.Honest())
		noRetry(t, overPipes(t, servicers...), servicers[0], servicers[1])
	})
	for name, fickle := range map[string]*fakes.Servicer{"plain": fakes.Start(t, fakes.Fickle(1)), "TLS": fakes.StartTLS(t, fakes.Fickle(1), nil)} {
		t.Run(name, func(t *testing.T) {
			honest := fakes.Start(t, fakes.Honest())
			noRetry(t, overSockets(t, fickle, honest), fickle, honest)
		})
	}
}

// closedBetween makes checks with connections closed between them.
func closedBetween(t *testing.T, r *rig, servicers ...*fakes.Servicer) {
	t.Helper()
	for range 3 {
		record := r.runConnecting()
		for _, servicer := range servicers {
			isOK(t, sampleOf(t, record, servicer))
			servicer.HangUp()
			servicer.AwaitOpen(t, 0)
		}
	}
	for _, servicer := range servicers {
		if servicer.Requests() != 3 || servicer.Accepted() != 3 {
			t.Errorf("%d connections, %d requests", servicer.Accepted(), servicer.Requests())
		}
	}
}

// A connection that is kept and closed between two checks costs nobody anything: it is made anew before the release.
func TestClosedBetweenChecks(t *testing.T) {
	virtually(t, "over pipes", func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		closedBetween(t, overPipes(t, servicers...), servicers...)
	})
	t.Run("over sockets", func(t *testing.T) {
		t.Parallel()
		plain, secured := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil)
		closedBetween(t, overSockets(t, plain, secured), plain, secured)
	})
}

// evading runs two rounds of a servicer that shakes hands later than the lead, beside an honest one that keeps
// connections.
func evading(t *testing.T, fault func(handshake time.Duration) fakes.Fault) []*types.QoSSample {
	t.Helper()
	const lead, handshake = 50 * time.Millisecond, 300 * time.Millisecond
	servicers := piped(t, fault(handshake), fakes.Honest())
	late, honest := servicers[0], servicers[1]
	r := overPipes(t, servicers...)
	r.spec.Lead = lead
	var samples []*types.QoSSample
	for range 2 {
		record := r.judge(r.observe(t.Context(), time.Now().Add(lead)))
		isOK(t, sampleOf(t, record, honest))
		samples = append(samples, sampleOf(t, record, late))
		honest.AwaitOpen(t, 1)
	}
	return samples
}

// A servicer that connects late and closes what was made cannot keep from being measured.
func TestEvadingServicer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := evading(t, fakes.Evading)
		isNull(t, samples[0], outcomeVoid, blamesSelf)
		isNull(t, samples[1], outcomeTimeout, blamesServicer)
		if !strings.Contains(samples[1].GetDetail(), "after it had closed a connection") {
			t.Errorf("%s", samples[1].GetDetail())
		}
	})
}

// One that is merely slow to connect is measured from the second check on: over the connection that it keeps, or over
// one that it is given the time for.
func TestSlowToConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := evading(t, fakes.Dawdling)
		isNull(t, samples[0], outcomeVoid, blamesSelf)
		isOK(t, samples[1])
		if !samples[1].GetReusedConnection() {
			t.Error("a new connection")
		}
	})
}

// One that hangs up right before it is asked, and is as late again then, evades as well. It is given no more than the
// longest lead for that, and is forgiven when it answers.
func TestEvadingAtTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Dawdling(2*round.LongestLead), fakes.Honest())
		late, honest := servicers[0], servicers[1]
		r := overPipes(t, servicers...)
		for check, want := range []struct {
			lead    time.Duration // which the check is launched ahead
			hangsUp bool
			late    judge.LateConnection
			outcome types.Outcome
			waited  time.Duration
		}{
			{lead: round.LongestLead, outcome: outcomeVoid},
			{lead: 3 * round.LongestLead, hangsUp: true, late: judge.LateConnection{Redialed: true, Evades: true, Before: 1}, outcome: outcomeTimeout, waited: round.LongestLead},
			{lead: round.LongestLead, outcome: outcomeOK},
		} {
			if want.hangsUp {
				time.AfterFunc(round.LongestLead/2, late.HangUp)
			}
			r.spec.Lead = want.lead
			observed := r.observe(t.Context(), time.Now().Add(want.lead))
			if waited := observed.Released.Sub(observed.Due); waited != want.waited {
				t.Errorf("check %d: released %v late", check, waited)
			}
			if exchange := exchangeOf(t, observed, late); want.outcome != outcomeOK && (exchange.Late == nil || *exchange.Late != want.late) {
				t.Errorf("check %d: %+v", check, exchange.Late)
			}
			record := r.judge(observed)
			if sample := sampleOf(t, record, late); sample.GetOutcome() != want.outcome {
				t.Errorf("check %d: %v of %v: %s", check, sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
			}
			isOK(t, sampleOf(t, record, honest))
			if evasive := want.outcome == outcomeTimeout; r.Pool.Evasive(late.URL()) != evasive {
				t.Errorf("check %d: evasive: %t", check, !evasive)
			}
		}
	})
}

// A check that is launched late waits no longer than the longest lead for those that connect.
func TestLeadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Mute(), fakes.Honest())
		r := overPipes(t, servicers...)
		r.spec.Lead = 10 * round.LongestLead
		observed := r.observe(t.Context(), time.Now())
		if waited := observed.Released.Sub(observed.Due); waited != round.LongestLead {
			t.Errorf("released %v late", waited)
		}
		isNull(t, sampleOf(t, r.judge(observed), servicers[0]), outcomeTimeout, blamesServicer)
	})
}

// unwritable is a stream that takes no request.
type unwritable struct{ net.Conn }

func (unwritable) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// A request that cannot be written ends its exchange at once.
func TestUnwritable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest())
		r := overPipes(t, servicers...)
		dial := r.Dial
		r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
			if serviceURL != servicers[0].URL() {
				return dial(ctx, serviceURL)
			}
			stream, err := servicers[0].Connect(ctx)
			return wire.Over(unwritable{stream}), err
		}
		started := time.Now()
		record := r.run()
		sample := sampleOf(t, record, servicers[0])
		isNull(t, sample, types.Outcome_OUTCOME_RESET, blamesServicer)
		if took := time.Since(started); took != fakes.Distance || sample.GetAttempt() != types.Attempt_ATTEMPT_WRITE_REQUEST || sample.GetSentUnixNano() != 0 {
			t.Errorf("after %v: %v", took, sample)
		}
		areAlone(t, record, servicers[1])
	})
}

// Offsets set the requests apart and are neither in the skew nor in a round-trip time; each request has its whole
// timeout.
func TestOffsets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 100 * time.Millisecond
		fault := fakes.Sleepy(delay)
		servicers := piped(t, fault, fault, fault, fault, fault, fault)
		r := overPipes(t, servicers...)
		r.spec.Offset, r.spec.Timeout = 6*delay, delay+2*fakes.Distance
		record := r.run()
		var sent []int64
		for _, servicer := range servicers {
			sample := sampleOf(t, record, servicer)
			isOK(t, sample)
			if got := sample.GetRoundTripTime().AsDuration(); got != delay+fakes.Distance {
				t.Errorf("RTT %v", got)
			}
			sent = append(sent, sample.GetSentUnixNano())
		}
		if apart := time.Duration(slices.Max(sent) - slices.Min(sent)); apart == 0 || apart > r.spec.Offset || record.GetSkew().AsDuration() != 0 {
			t.Errorf("sent %v apart, skew %v", apart, record.GetSkew().AsDuration())
		}
	})
}

// sluggish is a stream that takes its time to be written to.
type sluggish struct{ net.Conn }

func (s sluggish) Write(p []byte) (int, error) {
	time.Sleep(fakes.Distance)
	return s.Conn.Write(p)
}

// What holds the requests up is in the skew, which voids the round from just above its limit, and is in the time of the
// request that was held up.
func TestSkewIsNoted(t *testing.T) {
	for name, most := range map[string]time.Duration{"allowed": fakes.Distance, "too much": fakes.Distance - 1} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, fakes.Honest(), fakes.Honest())
			r := overPipes(t, servicers...)
			r.rules.MaxSkew = most
			r.Dial = func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
				stream, err := among(servicers, serviceURL).Connect(ctx)
				return wire.Over(sluggish{stream}), err
			}
			observed := r.observe(t.Context(), time.Now())
			if observed.Skew != fakes.Distance {
				t.Errorf("skew %v", observed.Skew)
			}
			for _, exchange := range observed.Exchanges {
				if exchange.Times.Writing != fakes.Distance || exchange.Times.RoundTrip != 2*fakes.Distance {
					t.Errorf("%+v", exchange.Times)
				}
			}
			if record := r.judge(observed); most < fakes.Distance {
				isVoid(t, record, types.Cause_CAUSE_SKEW)
			} else {
				isDone(t, record)
			}
		})
	}
}

// Rounds of one session overlap when answers take long; each has its own connections.
func TestRoundsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay, mostIdle, together = 20 * time.Millisecond, 4, 6
		fault := fakes.Sleepy(delay)
		servicers := piped(t, fault, fault, fault, fault)
		r := overPipes(t, servicers...)
		for range 3 {
			var running sync.WaitGroup
			for range together {
				running.Go(func() {
					record := r.run()
					for _, servicer := range servicers {
						sample := sampleOf(t, record, servicer)
						isOK(t, sample)
						if got := sample.GetRoundTripTime().AsDuration(); got != delay+fakes.Distance {
							t.Errorf("RTT %v", got)
						}
					}
				})
			}
			running.Wait()
		}
		for _, servicer := range servicers {
			servicer.AwaitOpen(t, mostIdle)
			// The first rounds connect all at once; the later ones connect for what was not kept.
			if servicer.Requests() != 3*together || servicer.Accepted() != together+2*(together-mostIdle) {
				t.Errorf("%d requests, %d connections", servicer.Requests(), servicer.Accepted())
			}
		}
		r.Pool.Close()
		for _, servicer := range servicers {
			servicer.AwaitOpen(t, 0)
		}
	})
}

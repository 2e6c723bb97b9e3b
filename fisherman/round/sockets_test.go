package round_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// cast is all faults at once, each plain and over TLS, with honest servicers of both kinds among them.
type cast struct {
	faulty  map[*fakes.Servicer]faulty
	honest  []*fakes.Servicer
	another *fakes.Servicer
	rig     *rig
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
		if !row.handshake {
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
	dialer := &wire.Dialer{AllowPrivate: true, RootCAs: roots, Resolver: fakes.StartNames(t).Resolver()}
	c.rig = newRig(t, dialer.Dial, c.honest...)
	var unreachable []*types.Actor
	for servicer, row := range c.faulty {
		actor := servicer.Actor()
		switch {
		case row.host != "":
			actor.ServiceUrl = strings.Replace(actor.ServiceUrl, "127.0.0.1", row.host, 1)
			unreachable = append(unreachable, actor)
		case row.handshake:
			unreachable = append(unreachable, actor)
		default:
			c.rig.actors = append(c.rig.actors, actor)
		}
	}
	c.rig.connect() // so many handshakes within the round would take a busy machine longer than there is time
	c.rig.actors = append(c.rig.actors, unreachable...)
	return c
}

// Every fault at once, plain and over TLS, on sockets: each gets what it deserves, and the honest ones among them get
// nothing of it. TestAllFaultsAtOnce has the times.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	c.rig.spec.Timeout = 3 * time.Second
	record := c.rig.runConnecting()
	isDone(t, record)
	if len(record.GetSamples()) != len(c.rig.actors) {
		t.Fatalf("%d samples", len(record.GetSamples()))
	}
	for servicer, row := range c.faulty {
		if sample := sampleOf(t, record, servicer); !row.drips || !isReadLate(sample) {
			row.isDeserved(t, sample)
		}
		if servicer.Requests() > 1 {
			t.Errorf("%s: asked %d times", row.name, servicer.Requests())
		}
	}
	for _, servicer := range c.honest {
		isOK(t, sampleOf(t, record, servicer))
		if got := sampleOf(t, record, servicer).GetConsistency(); got != agrees {
			t.Errorf("an honest servicer is %v", got)
		}
	}
	if c.another.Accepted() > 0 {
		t.Error("a redirect was followed")
	}
	isStorable(t, record)
}

// isReadLate reports whether a sample is void because this machine found bytes too late to tell when they came.
func isReadLate(sample *types.QoSSample) bool {
	reading := sample.GetAttempt() == types.Attempt_ATTEMPT_READ_RESPONSE_HEADER || sample.GetAttempt() == types.Attempt_ATTEMPT_READ_RESPONSE_BODY
	return reading && sample.GetOutcome() == outcomeVoid && sample.GetBlame() == blamesSelf
}

// A sample says which clock it was timed by, and has this program's own time beside.
func TestSamplesSayHowTheyWereTimed(t *testing.T) {
	const byKernel, byUserSpace = types.TimingSource_TIMING_SOURCE_KERNEL, types.TimingSource_TIMING_SOURCE_USER_SPACE
	plain, secured, down := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil), fakes.Start(t, fakes.Down())
	for name, userSpace := range map[string]bool{"kernel": false, "user space": true} {
		t.Run(name, func(t *testing.T) {
			r := overSockets(t, plain, secured, down)
			r.Dial = (&wire.Dialer{AllowPrivate: true, RootCAs: secured.Roots(), UserSpace: userSpace}).Dial
			r.connect()
			stamped := 0
			for range 10 {
				record := r.runCalm()
				for _, servicer := range []*fakes.Servicer{plain, secured} {
					sample := sampleOf(t, record, servicer)
					isOK(t, sample)
					own := sample.GetUserRoundTripTime().AsDuration()
					switch {
					case sample.GetTiming() == byKernel && !userSpace && own >= sample.GetRoundTripTime().AsDuration():
						stamped++
					case sample.GetTiming() != byUserSpace || own != sample.GetRoundTripTime().AsDuration():
						t.Errorf("%v, RTT %v, by user space %v", sample.GetTiming(), sample.GetRoundTripTime().AsDuration(), own)
					}
				}
				null := sampleOf(t, record, down)
				if null.GetTiming() != types.TimingSource_TIMING_SOURCE_UNSPECIFIED || null.UserRoundTripTime != nil {
					t.Errorf("a null sample is timed: %v", null)
				}
			}
			if stamped == 0 && !userSpace {
				t.Skip("the kernel stamps no TCP connections here")
			}
		})
	}
}

// named lets rounds reach their servicers by name.
func (r *rig) named(names *fakes.Names) {
	for _, actor := range r.actors {
		actor.ServiceUrl = strings.Replace(actor.ServiceUrl, "127.0.0.1", "servicer.example", 1)
	}
	r.Dial = (&wire.Dialer{AllowPrivate: true, Resolver: names.Resolver()}).Dial
}

// Our name server goes down: who has to be connected to anew is not blamed, who has a connection is measured.
func TestNamesDown(t *testing.T) {
	names := fakes.StartNames(t)
	closing, kept := fakes.Start(t, fakes.Closing()), fakes.Start(t, fakes.Honest())
	r := overSockets(t, closing, kept)
	r.named(names)
	r.connect()
	for _, sample := range r.runCalm().GetSamples() {
		isOK(t, sample)
	}
	closing.AwaitOpen(t, 0)
	names.Stop()
	record := r.runCalm()
	isNull(t, sampleOf(t, record, closing), outcomeVoid, blamesUnknown)
	isOK(t, sampleOf(t, record, kept))

	r.actors = r.actors[:1] // with nobody else
	isVoid(t, r.runCalm(), types.Cause_CAUSE_NO_SAMPLE)
}

// A check says where each connection led to, new or kept, and which operator its servicer declares: that is what votes are
// counted by. On one machine every port is a place.
func TestPlaces(t *testing.T) {
	servicers := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil), fakes.Start(t, fakes.Closing())}
	r := overSockets(t, servicers...)
	r.actors[1].Operator = "acme"
	for range 2 {
		observed := r.observe(t.Context(), time.Now().Add(round.LongestLead))
		for i, servicer := range servicers {
			_, want, _ := strings.Cut(servicer.URL(), "://")
			if got := exchangeOf(t, observed, servicer); got.Place != want || got.Operator != r.actors[i].GetOperator() {
				t.Errorf("%s is at %q, operator %q", servicer.URL(), got.Place, got.Operator)
			}
		}
	}
}

package fisherman

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	byKernel    = types.TimingSource_TIMING_SOURCE_KERNEL
	byUserSpace = types.TimingSource_TIMING_SOURCE_USER_SPACE
)

// A sample says which clock it was timed by, and has this program's own time beside.
func TestSamplesSayHowTheyWereTimed(t *testing.T) {
	plain, secured, down := fakes.Start(t, fakes.Honest()), fakes.StartTLS(t, fakes.Honest(), nil), fakes.Start(t, fakes.Down())
	for name, userSpace := range map[string]bool{"kernel": false, "user space": true} {
		r := newRounds(t, plain, secured, down)
		r.dial = (&relay.Dialer{AllowPrivate: true, RootCAs: secured.Roots(), UserSpace: userSpace}).Dial
		stamped := 0
		for range 10 {
			record := undisturbed(t, r.run)
			for _, servicer := range []*fakes.Servicer{plain, secured} {
				sample := sampleOf(t, record, servicer)
				isOK(t, sample)
				own := sample.GetUserRoundTripTime().AsDuration()
				switch {
				case sample.GetTiming() == byKernel && !userSpace && own >= sample.GetRoundTripTime().AsDuration():
					stamped++
				case sample.GetTiming() != byUserSpace || own != sample.GetRoundTripTime().AsDuration():
					t.Errorf("%s: %v, RTT %v, by user space %v", name, sample.GetTiming(), sample.GetRoundTripTime().AsDuration(), own)
				}
			}
			null := sampleOf(t, record, down)
			if null.GetTiming() != types.TimingSource_TIMING_SOURCE_UNSPECIFIED || null.UserRoundTripTime != nil {
				t.Errorf("%s: a null sample is timed: %v", name, null)
			}
		}
		if stamped == 0 && !userSpace {
			t.Skip("the kernel stamps no TCP connections here")
		}
	}
}

// stampedSlot was written at a moment after a base, within 600 µs, and sent by the kernel at another one; 0 for no stamp.
func stampedSlot(base time.Time, sent, transmitted, offset time.Duration) *slot {
	s := &slot{sent: base.Add(sent), written: base.Add(sent + 600*time.Microsecond), offset: offset}
	if transmitted != 0 {
		s.stamps = relay.Stamps{Transmitted: base.Round(0).Add(transmitted), Taken: base.Add(time.Second)}
	}
	return s
}

// The skew goes by the kernel's stamps where all have one that can be right; the two clocks do not mix.
func TestSkewByStamps(t *testing.T) {
	base := time.Now()
	const unit = time.Microsecond
	at := func(sent, transmitted, offset time.Duration) *slot {
		return stampedSlot(base, sent*unit, transmitted*unit, offset*unit)
	}
	for name, test := range map[string]struct {
		slots []*slot
		want  time.Duration
	}{
		"all stamped":           {[]*slot{at(0, 1, 0), at(10, 14, 0), at(20, 21, 0)}, 20},
		"held up before":        {[]*slot{at(0, 501, 0), at(510, 511, 0)}, 10},
		"held up by the other":  {[]*slot{at(0, 1, 0), at(10, 900, 0)}, 609},
		"one without":           {[]*slot{at(0, 1, 0), at(10, 18, 0), at(20, 0, 0)}, 20},
		"one not to be right":   {[]*slot{at(0, 8, 0), at(10, 5000, 0)}, 10},
		"one was not written":   {[]*slot{at(0, 1, 0), {}, at(10, 15, 0)}, 14},
		"offsets":               {[]*slot{at(0, 1, 0), at(1000, 1005, 1000)}, 4},
		"sent in another order": {[]*slot{at(10, 11, 0), at(0, 4, 0)}, 7},
	} {
		if got := skewOf(test.slots); got != test.want*unit {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What this machine spoils counts for nobody; what the kernel's stamps prove is not spoilt.
func TestUntimed(t *testing.T) {
	const timeout = time.Second
	for name, test := range map[string]struct {
		writing, read time.Duration
		transmitted   time.Duration
		arrived       time.Duration
		spoilt        bool
	}{
		"good":                        {time.Microsecond, timeout / 2, 1, timeout / 3, false},
		"good without stamps":         {time.Microsecond, timeout / 2, 0, 0, false},
		"slowest writing":             {writeLimit, timeout / 2, 0, 0, false},
		"slow writing":                {writeLimit + 1, timeout / 2, 0, 0, true},
		"slow writing, stamped":       {time.Second / 4, timeout / 2, time.Second / 8, timeout / 3, false},
		"slow writing, stamped wrong": {writeLimit + 1, timeout / 2, 2 * writeLimit, timeout / 3, true},
		"read late":                   {time.Microsecond, timeout + 1, 1, timeout / 3, false},
		"read late, sent unstamped":   {time.Microsecond, timeout + 1, 0, timeout / 3, true},
		"latest without stamps":       {time.Microsecond, timeout, 0, 0, false},
	} {
		base := time.Now()
		wall := base.Round(0)
		stamps := relay.Stamps{InOrder: true, Taken: base.Add(test.read)}
		if test.transmitted != 0 {
			stamps.Transmitted = wall.Add(test.transmitted)
		}
		if test.arrived != 0 {
			stamps.FirstByte, stamps.LastByte = wall.Add(test.arrived), wall.Add(test.arrived)
		}
		read := base.Add(test.read)
		times := relay.TimesOf(base, base.Add(test.writing), &relay.Answer{FirstByte: read, LastByte: read}, stamps)
		if failure := untimed(times, timeout); (failure != nil) != test.spoilt || failure != nil && failure.Blame != types.Blame_BLAME_SELF {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

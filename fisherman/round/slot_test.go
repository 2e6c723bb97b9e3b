package round

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// blank is a request that every answer belongs to, and is a good one.
type blank struct{}

func (blank) Wire() []byte     { return nil }
func (blank) Evidence() []byte { return nil }

func (blank) Open(*wire.Answer) (Reply, *wire.Failure) {
	return Reply{Status: http.StatusOK, Payload: []byte(`{}`)}, nil
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
		s := &slot{request: blank{}, sent: now, written: now.Add(time.Millisecond), answer: &wire.Answer{FirstByte: now.Add(test.first), LastByte: now.Add(test.last)}}
		s.end(wire.Stamps{}, wire.Arrival{})
		if times := s.observe().Times; times.FirstByte != test.wantFirst || times.RoundTrip != test.want || times.Writing != time.Millisecond {
			t.Errorf("%s: %+v", name, times)
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

// stampedSlot was written at a moment after a base, within 600 µs, and sent by the kernel at another one; 0 for no stamp.
func stampedSlot(base time.Time, sent, transmitted, offset time.Duration) *slot {
	s := &slot{sent: base.Add(sent), written: base.Add(sent + 600*time.Microsecond), offset: offset}
	var stamps wire.Stamps
	if transmitted != 0 {
		stamps = wire.Stamps{Transmitted: base.Round(0).Add(transmitted), Taken: base.Add(time.Second)}
	}
	s.end(stamps, wire.Arrival{})
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
	const timeout, writeLimit = time.Second, 5 * time.Millisecond
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
		wall, read := base.Round(0), base.Add(test.read)
		s := &slot{
			request: blank{}, sent: base, written: base.Add(test.writing),
			answer: &wire.Answer{FirstByte: read, LastByte: read},
		}
		stamps := wire.Stamps{InOrder: true, Taken: read}
		if test.transmitted != 0 {
			stamps.Transmitted = wall.Add(test.transmitted)
		}
		if test.arrived != 0 {
			stamps.FirstByte, stamps.LastByte = wall.Add(test.arrived), wall.Add(test.arrived)
		}
		s.end(stamps, wire.Arrival{})
		observed := &judge.Observation{Exchanges: []judge.Exchange{s.observe()}}
		observed.Question.Payload.REST = &types.RESTPayload{}
		record, _ := judge.Round(observed, &judge.Rules{Timeout: timeout})
		sample := record.GetSamples()[0]
		outcome, blame := types.Outcome_OUTCOME_OK, types.Blame_BLAME_UNSPECIFIED
		if test.spoilt {
			outcome, blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
		}
		if sample.GetOutcome() != outcome || sample.GetBlame() != blame {
			t.Errorf("%s: %v", name, sample)
		}
	}
}

// When a request cannot be written we close the connection, which ends the receiver; what counts is why.
func TestFailureToWriteComesFirst(t *testing.T) {
	broken := wire.Fail(types.Outcome_OUTCOME_RESET, types.Attempt_ATTEMPT_WRITE_REQUEST, errors.New("broken pipe"))
	s := &slot{unsent: broken, failure: failureOf(types.Attempt_ATTEMPT_READ_ANSWER, net.ErrClosed)}
	if got := s.observe().Failure; got != broken {
		t.Errorf("%v", got)
	}
	if got := new(slot).observe().Failure; got == nil || got.Blame != types.Blame_BLAME_SELF || got.Attempt != types.Attempt_ATTEMPT_EXCHANGE {
		t.Errorf("never asked: %v", got)
	}
}

// A failure in an error keeps its blame; an error that carries none is a fault of this program.
func TestFailureOf(t *testing.T) {
	const attempt = types.Attempt_ATTEMPT_CONNECT
	theirs := wire.Fail(types.Outcome_OUTCOME_CONNECT, attempt, errors.New("refused"))
	if failureOf(attempt, nil) != nil || failureOf(attempt, errors.Join(theirs)) != theirs {
		t.Error("a failure is not what it was")
	}
	ours := failureOf(attempt, errors.New("no memory"))
	if ours.Outcome != types.Outcome_OUTCOME_VOID || ours.Blame != types.Blame_BLAME_SELF || ours.Attempt != attempt {
		t.Errorf("%+v", ours)
	}
}

package judge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	sla     = 150 * time.Millisecond
	timeout = 3 * time.Second
	kib     = 1 << 10
	ms      = time.Millisecond
)

var released = time.Unix(1_800_000_000, 0)

// arrives is a good answer of a size, its first and last byte so long after the release.
func arrives(bytes int, first, last time.Duration) judge.Exchange {
	return judge.Exchange{
		Payload:  []byte(`{"jsonrpc":"2.0","id":1,"result":"0x1"}`),
		Response: make([]byte, bytes),
		Arrived:  judge.Arrival{Bytes: bytes, First: first, Last: last},
		Times: judge.Times{Sent: released, SentStamped: true, Source: types.TimingSource_TIMING_SOURCE_KERNEL,
			FirstByte: first, RoundTrip: last, UserRoundTrip: last},
	}
}

// timesOut is an answer of which some bytes, or none, came until the timeout.
func timesOut(bytes int, first, last time.Duration) judge.Exchange {
	return judge.Exchange{
		Failure: &types.Failure{Outcome: types.Outcome_OUTCOME_TIMEOUT, Blame: types.Blame_BLAME_SERVICER,
			Attempt: types.Attempt_ATTEMPT_READ_RESPONSE_BODY, Err: errors.New("no complete answer in time")},
		Arrived: judge.Arrival{Bytes: bytes, First: first, Last: last},
		Times:   judge.Times{Sent: released, SentStamped: true},
	}
}

func refusesConnections() judge.Exchange {
	return judge.Exchange{Failure: &types.Failure{Outcome: types.Outcome_OUTCOME_CONNECT, Blame: types.Blame_BLAME_SERVICER,
		Attempt: types.Attempt_ATTEMPT_CONNECT, Err: errors.New("connection refused")}}
}

func disagrees(e judge.Exchange) judge.Exchange {
	e.Payload = []byte(`{"jsonrpc":"2.0","id":1,"result":"0x2"}`)
	return e
}

// oneOrigin is the service URL of several exchanges.
func oneOrigin(e judge.Exchange) judge.Exchange {
	e.ServiceURL = "http://8.8.8.8:8080"
	return e
}

// sentLater is an answer to a request that was sent so long after the release, by intention.
func sentLater(e judge.Exchange, by time.Duration) judge.Exchange {
	e.Times.Sent = released.Add(by)
	e.Times.RoundTrip -= by
	e.Times.FirstByte -= by
	return e
}

func times(n int, e judge.Exchange) []judge.Exchange {
	all := make([]judge.Exchange, n)
	for i := range all {
		all[i] = e
	}
	return all
}

// staggered is times with each transfer so much later than the one before.
func staggered(n int, e judge.Exchange, by time.Duration) []judge.Exchange {
	all := times(n, e)
	for i := range all {
		later := time.Duration(i) * by
		all[i] = arrives(e.Arrived.Bytes, e.Arrived.First+later, e.Arrived.Last+later)
	}
	return all
}

// judgedLink judges a check; samples are in the order of the exchanges.
func judgedLink(parts ...[]judge.Exchange) *types.QoSRound {
	observed := &judge.Observation{
		Question: question.Question{Payload: types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"m"}`)}},
		Due:      released, Released: released,
		Control: &judge.Control{Payload: []byte(`{"jsonrpc":"2.0","id":1,"result":"0x1"}`)},
	}
	for _, part := range parts {
		observed.Exchanges = append(observed.Exchanges, part...)
	}
	for i := range observed.Exchanges {
		e := &observed.Exchanges[i]
		e.Servicer = fmt.Sprintf("%03d", i)
		if e.ServiceURL == "" {
			e.ServiceURL = fmt.Sprintf("http://servicer%d.example", i)
		}
	}
	record, _ := judge.Round(observed, &judge.Rules{Timeout: timeout, LatencySLA: sla, MaxSkew: 50 * ms, Quorum: 2})
	return record
}

// The fates of a sample, as far as time goes.
const (
	timed    = "timed"
	overSLA  = "over SLA"
	untimed  = "not timed"
	null     = "TIMEOUT of the servicer"
	ourFault = "void, ours"
	isDown   = "CONNECT"
)

func fateOf(s *types.QoSSample) string {
	switch {
	case s.Outcome == types.Outcome_OUTCOME_OK && s.Large && !s.OverSla:
		return untimed
	case s.Outcome == types.Outcome_OUTCOME_OK && s.OverSla && !s.Large:
		return overSLA
	case s.Outcome == types.Outcome_OUTCOME_OK && !s.Large:
		return timed
	case s.Outcome == types.Outcome_OUTCOME_TIMEOUT && s.Blame == types.Blame_BLAME_SERVICER:
		return null
	case s.Outcome == types.Outcome_OUTCOME_VOID && s.Blame == types.Blame_BLAME_SELF:
		return ourFault
	case s.Outcome == types.Outcome_OUTCOME_CONNECT:
		return isDown
	}
	return s.String()
}

func TestOurLinkIsNotTheirLatency(t *testing.T) {
	fast := arrives(300, 5*ms, 5*ms)
	// What came at 100 Mbit/s of our link, or at 20 or 10; and what came at once.
	large, medium := arrives(256*kib, 10*ms, 260*ms), arrives(60*kib, 60*ms, 590*ms)
	quick := arrives(30*kib, 3*ms, 8*ms)
	drip, padded := arrives(60*kib, ms, time.Second), arrives(100*kib, 100*ms, 300*ms)
	stuck := timesOut(300*kib, 50*ms, 900*ms)
	for name, test := range map[string]struct {
		exchanges [][]judge.Exchange
		most      string // fate of all but the last part,
		last      string // and of that
	}{
		"small answers":                           {[][]judge.Exchange{times(11, fast), times(1, fast)}, timed, timed},
		"a slow one among small answers":          {[][]judge.Exchange{times(11, fast), {arrives(300, 200*ms, 200*ms)}}, timed, overSLA},
		"a slow one within the SLA":               {[][]judge.Exchange{times(11, fast), {arrives(300, sla, sla)}}, timed, timed},
		"large answers":                           {[][]judge.Exchange{times(11, large), times(1, large)}, untimed, untimed},
		"large answers, in time":                  {[][]judge.Exchange{times(11, arrives(65*kib, ms, 2*ms)), {arrives(65*kib, ms, 2*ms)}}, untimed, untimed},
		"at the bound":                            {[][]judge.Exchange{times(2, arrives(64*kib, 100*ms, 200*ms)), {arrives(64*kib+1, 100*ms, 200*ms)}}, overSLA, untimed},
		"padded by one":                           {[][]judge.Exchange{times(11, fast), {arrives(65*kib, 100*ms, 200*ms)}}, timed, overSLA},
		"padded by a minority":                    {[][]judge.Exchange{times(7, fast), times(5, arrives(1000*kib, 100*ms, 300*ms))}, timed, overSLA},
		"padded under one origin":                 {[][]judge.Exchange{times(2, fast), times(8, oneOrigin(arrives(100*kib, 100*ms, 300*ms)))}, timed, overSLA},
		"spelled with spaces":                     {[][]judge.Exchange{times(11, arrives(40*kib, 5*ms, 9*ms)), {arrives(75*kib, 100*ms, 200*ms)}}, timed, untimed},
		"a link of 20 Mbit/s":                     {[][]judge.Exchange{staggered(23, medium, 2*ms), {medium}}, untimed, untimed},
		"a small answer behind large ones":        {[][]judge.Exchange{times(11, large), {arrives(300, 255*ms, 255*ms)}}, untimed, untimed},
		"a node that needs most of the SLA":       {[][]judge.Exchange{times(11, arrives(60*kib, 20*ms, 110*ms)), {arrives(60*kib, 120*ms, 210*ms)}}, timed, untimed},
		"and one that needs more":                 {[][]judge.Exchange{times(11, arrives(60*kib, 20*ms, 110*ms)), {arrives(60*kib, 240*ms, 330*ms)}}, timed, overSLA},
		"too few bytes for a link":                {[][]judge.Exchange{times(11, arrives(10*kib, 20*ms, 400*ms)), {arrives(10*kib, 20*ms, 400*ms)}}, overSLA, overSLA},
		"one that drips":                          {[][]judge.Exchange{times(11, quick), {arrives(30*kib, 3*ms, 2*time.Second)}}, timed, overSLA},
		"one that drips, alone":                   {[][]judge.Exchange{nil, {arrives(60*kib, 3*ms, 2*time.Second)}}, timed, overSLA},
		"a minority that drips":                   {[][]judge.Exchange{times(7, quick), times(5, arrives(60*kib, ms, time.Second))}, timed, overSLA},
		"a minority with large answers":           {[][]judge.Exchange{times(7, fast), times(5, arrives(1000*kib, ms, time.Second))}, timed, overSLA},
		"many that drip under one origin":         {[][]judge.Exchange{times(3, quick), times(9, oneOrigin(arrives(60*kib, ms, time.Second)))}, timed, overSLA},
		"half of the others drip":                 {[][]judge.Exchange{times(5, quick), times(6, arrives(60*kib, ms, time.Second))}, timed, overSLA},
		"an origin among others that drips":       {[][]judge.Exchange{times(4, quick), append(times(4, oneOrigin(drip)), drip)}, timed, overSLA},
		"an origin pads one of its answers":       {[][]judge.Exchange{{oneOrigin(fast), fast}, {oneOrigin(padded), padded}}, timed, overSLA},
		"the end of a long transfer":              {[][]judge.Exchange{times(11, arrives(60*kib, 70*ms, 500*ms)), {arrives(60*kib, 140*ms, 650*ms)}}, untimed, untimed},
		"asked when others were nearly through":   {[][]judge.Exchange{times(11, large), {sentLater(arrives(300, 430*ms, 430*ms), 200*ms)}}, untimed, overSLA},
		"answered when others had hardly begun":   {[][]judge.Exchange{times(11, arrives(60*kib, 190*ms, time.Second)), {arrives(300, 200*ms, 200*ms)}}, untimed, overSLA},
		"one that withholds beside large answers": {[][]judge.Exchange{times(11, large), {timesOut(0, 0, 0)}}, untimed, null},
		"large answers begin late and go on":      {[][]judge.Exchange{times(11, timesOut(100*kib, 1600*ms, 2999*ms)), {timesOut(0, 0, 0)}}, null, null},
		"one that stops beside large answers":     {[][]judge.Exchange{times(11, large), {timesOut(200*kib, 10*ms, 250*ms)}}, untimed, null},
		"a minority that drips beyond the end":    {[][]judge.Exchange{times(7, large), times(5, timesOut(900*kib, 10*ms, 2999*ms))}, untimed, null},
		"one that came too late of large answers": {[][]judge.Exchange{times(11, arrives(1000*kib, 50*ms, 2800*ms)), {stuck}}, untimed, ourFault},
		"one that is down":                        {[][]judge.Exchange{times(11, arrives(1000*kib, 50*ms, 2800*ms)), {refusesConnections()}}, untimed, isDown},
		"one down, and the others cut off":        {[][]judge.Exchange{times(11, stuck), {refusesConnections()}}, ourFault, isDown},
	} {
		record := judgedLink(test.exchanges...)
		last := len(test.exchanges) - 1
		for i, sample := range record.Samples {
			want := test.most
			if i >= len(record.Samples)-len(test.exchanges[last]) {
				want = test.last
			}
			if got := fateOf(sample); got != want {
				t.Errorf("%s, servicer %d: %s, want %s (%s)", name, i, got, want, sample.Detail)
				break
			}
		}
		if record.Status != types.RoundStatus_ROUND_STATUS_DONE {
			t.Errorf("%s: %v, %s", name, record.Status, record.Reason)
		}
	}
}

// A check of which our own link let nothing through in time is void, although the control probe answers.
func TestSaturatedRound(t *testing.T) {
	record := judgedLink(times(12, timesOut(300*kib, 50*ms, 2950*ms)))
	if record.Status != types.RoundStatus_ROUND_STATUS_VOID || record.Cause != types.Cause_CAUSE_SATURATED {
		t.Errorf("%v, %v: %s", record.Status, record.Cause, record.Reason)
	}
	for _, sample := range record.Samples {
		if !strings.Contains(sample.Detail, "our own link was busy with other answers for 2.95s") {
			t.Errorf("%q", sample.Detail)
		}
	}
	record = judgedLink(times(12, timesOut(0, 0, 0)))
	if record.Status != types.RoundStatus_ROUND_STATUS_DONE || fateOf(record.Samples[0]) != null {
		t.Errorf("nobody sent anything: %v, %v: %s", record.Status, record.Samples[0].Outcome, record.Reason)
	}
}

// What is excused is the time alone.
func TestDisagreementSurvivesABusyLink(t *testing.T) {
	large := arrives(256*kib, 10*ms, 260*ms)
	record := judgedLink(times(11, large), []judge.Exchange{disagrees(large)})
	if sample := record.Samples[11]; sample.Consistency != types.Consistency_CONSISTENCY_DISAGREE || !sample.Large || sample.RoundTripTime.AsDuration() != 260*ms {
		t.Errorf("%v", sample)
	}
}

// However a minority sends, it is excused for no longer than the transfers of the others take.
func TestAMinorityIsNotExcused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		honest := rapid.IntRange(2, 12).Draw(t, "honest")
		colluding := rapid.IntRange(1, honest-1).Draw(t, "colluding")
		moment := func(limit time.Duration, label string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(limit)).Draw(t, label))
		}
		var others, minority []judge.Exchange
		transfers := time.Duration(0)
		for range honest {
			first, took := moment(sla/2, "first"), moment(10*ms, "transfer")
			transfers += took
			others = append(others, arrives(rapid.IntRange(1, 30*kib).Draw(t, "size"), first, first+took))
		}
		slowest := 2 * (sla + transfers)
		for range colluding {
			first, last := moment(slowest, "first byte"), slowest+ms+moment(timeout-slowest-ms, "last byte")
			bytes := rapid.IntRange(1, 1000*kib).Draw(t, "bytes")
			if rapid.Bool().Draw(t, "ends") {
				minority = append(minority, arrives(bytes, first, last))
			} else {
				minority = append(minority, timesOut(bytes, first, last))
			}
		}
		for i, sample := range judgedLink(others, minority).Samples {
			if fate := fateOf(sample); i < honest && fate != timed || i >= honest && fate != overSLA && fate != null {
				t.Fatalf("servicer %d of %d + %d: %s", i, honest, colluding, fate)
			}
		}
	})
}

package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// What our own link does to an answer is not held against its servicer: large answers are not timed, and neither is one
// that came while the answers of others kept the link busy. A time-out of that kind is void. Nothing else about a sample
// changes, so that a slow servicer cannot take a disagreement, or another's null, out of a check.

// hold holds round-trip times against the SLA, and excuses what our own link did.
func (j *judgement) hold(record *types.QoSRound) {
	large := j.largeQuestion(record)
	for i, sample := range record.Samples {
		times := &j.Exchanges[i].Times
		switch {
		case answered(sample) && large && len(j.Exchanges[i].Response) > largestTimed:
			sample.Large = true
		case answered(sample) && times.RoundTrip > j.LatencySLA:
			busy := j.busy(i, times.RoundTrip)
			sample.Large = 2*busy > times.RoundTrip || times.RoundTrip-busy <= j.LatencySLA
			sample.OverSla = !sample.Large
			if sample.Large {
				remark := fmt.Sprintf("not timed: our own link was busy with other answers for %v", busy.Round(time.Millisecond))
				sample.Detail = text.Line(strings.TrimPrefix(sample.Detail+"; "+remark, "; "), mostDetail)
			}
		case sample.Outcome == types.Outcome_OUTCOME_TIMEOUT && !times.Sent.IsZero():
			if busy := j.busy(i, j.Timeout); 2*busy > j.Timeout {
				j.crowded = true
				sample.Outcome, sample.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
				sample.Detail = text.Line(fmt.Sprintf("%s, while our own link was busy with other answers for %v", sample.Detail, busy.Round(time.Millisecond)), mostDetail)
			}
		}
	}
}

// largeQuestion reports whether the answer to the question is larger than what is timed in somebody's spelling. It goes by a
// strict majority of the origins with an answer: a servicer does not escape from being timed by padding its own.
func (j *judgement) largeQuestion(record *types.QoSRound) bool {
	return poll(j, func(i int) (large, some bool) {
		return respelled*len(j.Exchanges[i].Response) > largestTimed, answered(record.Samples[i])
	}, all).Leads(true)
}

// busy returns for how long, from the i-th request sent until an end after it, our link was busy with the answers of
// others. It was while more than half of the other origins that sent anything were in the middle of their answers at
// once, if these have enough bytes in all. So neither a servicer nor a minority of them keeps it busy by sending slowly.
func (j *judgement) busy(i int, end time.Duration) (busy time.Duration) {
	sent := j.Exchanges[i].Times.Sent.Sub(j.Released)
	type edge struct {
		at     time.Duration
		origin int
		change int // of the answers that the origin is in the middle of
	}
	var edges []edge
	self := j.origins[i]
	if j.received == nil {
		j.receive()
	}
	if j.receivedAll-j.received[self] < saturating {
		return 0
	}
	arriving, seen, sending := make([]int, len(j.voters)), make([]bool, len(j.voters)), 0
	for k := range j.Exchanges {
		arrived, from := &j.Exchanges[k].Arrived, j.origins[k]
		if arrived.Bytes == 0 || from == self {
			continue
		}
		if !seen[from] {
			seen[from] = true
			sending++
		}
		if last := j.ended(&j.Exchanges[k]); arrived.First < last {
			edges = append(edges, edge{arrived.First, from, 1}, edge{last, from, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	origins, last := 0, sent
	for _, edge := range edges {
		at := min(max(edge.at, sent), sent+end)
		if 2*origins > sending {
			busy += at - last
		}
		last = at
		before := arriving[edge.origin] > 0
		arriving[edge.origin] += edge.change
		switch after := arriving[edge.origin] > 0; {
		case after && !before:
			origins++
		case before && !after:
			origins--
		}
	}
	return busy
}

// receive counts the bytes that came from each origin.
func (j *judgement) receive() {
	j.received = make([]int, len(j.voters))
	for i := range j.Exchanges {
		bytes := j.Exchanges[i].Arrived.Bytes
		j.received[j.origins[i]] += bytes
		j.receivedAll += bytes
	}
}

// ended returns when an answer that had begun was over, after the release. One that was cut off was under way until then,
// however long ago its last byte is: what a full link loses is sent again after a pause.
func (j *judgement) ended(e *Exchange) time.Duration {
	if e.Failure != nil && e.Failure.Outcome == types.Outcome_OUTCOME_TIMEOUT {
		return e.Times.Sent.Add(j.Timeout).Sub(j.Released)
	}
	return e.Arrived.Last
}

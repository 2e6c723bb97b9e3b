package qos

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// packedMembers are what windows take of servicers, in as few bytes as that can be read from at once. They do not change.
type packedMembers struct {
	// words are the texts among it: verdicts, outcomes and codes of refusals.
	words []string
	text  []byte
}

// memberPacking packs servicers, one after the other. The zero value has none.
type memberPacking struct{ packedMembers }

// packed returns what was packed.
func (p *memberPacking) packed() packedMembers {
	return packedMembers{slices.Clip(p.words), slices.Clip(p.text)}
}

// add packs a servicer. memberReading.next reads in the same order.
func (p *memberPacking) add(m *memberPart) {
	p.word(string(m.verdict))
	for _, n := range []int{m.samples, m.nulls, m.void, m.throttled, m.over, m.behind, m.agree, m.disagree, m.undecidable,
		m.fallen, m.doubtful, m.overWarm, m.overCold} {
		p.number(n)
	}
	p.number(len(m.outcomes))
	for _, each := range m.outcomes {
		p.word(each.outcome)
		p.number(each.samples)
	}
	p.number(len(m.attempts))
	for _, each := range m.attempts {
		p.number(int(each.attempt))
		p.number(each.samples)
	}
	p.number(len(m.lags))
	for _, each := range m.lags {
		p.number(int(each.blocks))
		p.number(each.claims)
	}
	p.flag(m.lasted)
	if m.lasted {
		p.number(int(m.longest))
	}
	p.number(len(m.refused))
	for _, each := range m.refused {
		p.number(int(each.outcome))
		p.word(each.label)
		p.number(each.samples)
	}
	p.times(&m.warm)
	p.times(&m.cold)
}

func (p *memberPacking) times(times *packedTimes) {
	p.number(int(times.count))
	if times.count == 0 {
		return
	}
	p.number(int(times.zeros))
	p.number(int(times.least))
	p.number(int(times.longest - times.least))
	p.number(len(times.buckets))
	p.text = append(p.text, times.buckets...)
}

func (p *memberPacking) number(n int) { p.text = binary.AppendVarint(p.text, int64(n)) }

func (p *memberPacking) flag(is bool) {
	if is {
		p.number(1)
	} else {
		p.number(0)
	}
}

func (p *memberPacking) word(word string) {
	place := slices.Index(p.words, word)
	if place < 0 {
		place, p.words = len(p.words), append(p.words, word)
	}
	p.number(place)
}

// memberReading reads packed servicers in their order.
type memberReading struct {
	words []string
	rest  []byte
	read  memberPart
}

func (p *packedMembers) reading() *memberReading {
	return &memberReading{words: p.words, rest: p.text}
}

// next reads a servicer, of which nothing may be used after the call that follows.
func (r *memberReading) next() *memberPart {
	m := &r.read
	m.verdict = api.Verdict(r.word())
	for _, n := range [...]*int{&m.samples, &m.nulls, &m.void, &m.throttled, &m.over, &m.behind, &m.agree, &m.disagree, &m.undecidable,
		&m.fallen, &m.doubtful, &m.overWarm, &m.overCold} {
		*n = r.number()
	}
	m.outcomes, m.attempts, m.lags, m.refused = m.outcomes[:0], m.attempts[:0], m.lags[:0], m.refused[:0]
	for range r.number() {
		m.outcomes = append(m.outcomes, outcomeCount{r.word(), r.number()})
	}
	for range r.number() {
		m.attempts = append(m.attempts, attemptCount{types.Attempt(r.number()), r.number()})
	}
	for range r.number() {
		m.lags = append(m.lags, lagCount{int64(r.number()), r.number()})
	}
	if m.longest, m.lasted = 0, r.number() == 1; m.lasted {
		m.longest = time.Duration(r.number())
	}
	for range r.number() {
		m.refused = append(m.refused, refusalCount{refusal{types.Outcome(r.number()), r.word()}, r.number()})
	}
	m.warm, m.cold = r.times(), r.times()
	return m
}

func (r *memberReading) times() (times packedTimes) {
	if times.count = int32(r.number()); times.count == 0 {
		return times
	}
	times.zeros, times.least = int32(r.number()), time.Duration(r.number())
	times.longest = times.least + time.Duration(r.number())
	length := r.number()
	times.buckets, r.rest = r.rest[:length:length], r.rest[length:]
	return times
}

func (r *memberReading) number() int {
	n, size := binary.Varint(r.rest)
	r.rest = r.rest[size:]
	return int(n)
}

func (r *memberReading) word() string { return r.words[r.number()] }

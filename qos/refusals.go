package qos

import (
	"cmp"
	"maps"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostRefusals bounds the refusals of one servicer that are told apart. Networks have about twenty codes.
const mostRefusals = 32

// refusal is a code that servicers sign, or relay miners answer, with the outcome that it is counted under.
type refusal struct {
	outcome types.Outcome
	label   string
}

// compare orders refusals.
func (r refusal) compare(other refusal) int {
	return cmp.Or(cmp.Compare(r.outcome, other.outcome), cmp.Compare(r.label, other.label))
}

// refusals counts null samples by the code of their refusal. The zero value has none.
type refusals struct{ counts map[refusal]int }

// add counts a null sample, if it is a refusal.
func (r *refusals) add(sample *types.QoSSample) {
	if label := sample.RelayErrorName(); label != "" {
		r.count(refusal{sample.GetOutcome(), label}, 1)
	}
}

// merge adds the counts of others.
func (r *refusals) merge(others refusals) {
	for each, n := range others.counts {
		r.count(each, n)
	}
}

func (r *refusals) count(each refusal, n int) {
	if r.counts == nil {
		r.counts = make(map[refusal]int)
	}
	if _, known := r.counts[each]; known || len(r.counts) < mostRefusals {
		r.counts[each] += n
	}
}

// shown returns the counts by code; nil for none.
func (r refusals) shown() map[string]int {
	if len(r.counts) == 0 {
		return nil
	}
	shown := make(map[string]int, len(r.counts))
	for each, n := range r.counts {
		shown[each.label] += n
	}
	return shown
}

// named returns outcomes in which those that are refusals are counted under their codes, as a check names them.
func (r refusals) named(outcomes api.Outcomes) api.Outcomes {
	named := maps.Clone(outcomes)
	for each, n := range r.counts {
		outcome := each.outcome.Label()
		if named[outcome] < n {
			continue
		}
		if named[outcome] -= n; named[outcome] == 0 {
			delete(named, outcome)
		}
		named[each.label] += n
	}
	return named
}

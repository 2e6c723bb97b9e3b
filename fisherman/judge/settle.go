package judge

import (
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// settlement says what the truth is when some nodes have data and others say that there is nothing.
//
// Where a strict majority of the origins has data, whoever has nothing misses it. Otherwise the control probe is heard:
// when it has data, nothing is missed data too; when it says the same nothing as a strict majority, and the catalogue
// says that nothing can be the truth, that is the answer; and else nobody knows, and the check is void. So nodes that
// have forgotten do not outvote one that has not, and whoever invents an answer gains nothing by it.
type settlement struct {
	// agreed is the digest of the nothing that is the answer; zero when data is.
	agreed verify.Digest
	// emptyMissed: [], {} and "" miss data that others have.
	emptyMissed bool
	// cause and reason of a check that is void because the truth is not known.
	cause  types.Cause
	reason string
}

// side is what an origin says: data, or which nothing. An origin that contradicts itself says neither.
type side struct {
	data, split bool
	nothing     verify.Digest
}

// isData reports whether a reading is data. Empty data is, unless somebody has more.
func isData(reading verify.Reading, contrast bool) bool {
	return reading.Class == verify.Value || reading.Class == verify.Empty && !contrast
}

// isNothing reports whether a reading says that there is nothing.
func isNothing(reading verify.Reading, contrast bool) bool {
	return reading.Class == verify.Absence || reading.Class == verify.Claim || reading.Class == verify.Empty && contrast
}

// contrast reports whether somebody has data that is not empty.
func (j *judgement) contrast() bool {
	return slices.ContainsFunc(j.readings, func(r verify.Reading) bool { return r.Class == verify.Value })
}

// sides counts who is on which side.
func (j *judgement) sides(contrast bool) *verify.Poll[side] {
	return poll(j, func(i int) (side, bool) {
		switch reading := j.readings[i]; {
		case j.missing[i] != nil:
			return side{}, false
		case isData(reading, contrast):
			return side{data: true}, true
		default:
			return side{nothing: reading.Digest}, isNothing(reading, contrast)
		}
	}, func(a, b side) side {
		if a != b {
			return side{split: true}
		}
		return a
	})
}

// settle finds out what the truth is. A check that nobody has data for is left to unanswered. That there is a newest
// height is certain, so nothing has to be settled about it.
func (j *judgement) settle() settlement {
	contrast := j.contrast()
	some := func(is func(verify.Reading, bool) bool) bool {
		return slices.ContainsFunc(j.readings, func(r verify.Reading) bool { return is(r, contrast) })
	}
	switch taken := j.sides(contrast); {
	case j.Question.Kind == types.RoundKind_ROUND_KIND_HEAD:
		return settlement{}
	case j.Question.Kind == types.RoundKind_ROUND_KIND_TIP:
		return j.settleTip(contrast)
	case !some(isData) || !some(isNothing) || taken.Leads(side{data: true}):
		return settlement{}
	default:
		return j.hearControl(taken, contrast)
	}
}

// settleTip: our own view of the chain may be ahead of it, or the block be gone. That speaks against nobody, in whichever
// way nodes say that they do not have the block.
func (j *judgement) settleTip(contrast bool) settlement {
	has := poll(j, func(i int) (has, some bool) {
		reading := j.readings[i]
		return isData(reading, contrast), j.missing[i] == nil && reading.Class != verify.Malformed && reading.Class != verify.TooLarge
	}, all)
	if has.Con(true) > 0 && !has.Leads(true) {
		return settlement{cause: types.Cause_CAUSE_NO_DATA, reason: "most nodes do not have the block, which is near the tip"}
	}
	return settlement{}
}

// hearControl settles a check in which data is in no majority.
func (j *judgement) hearControl(taken *verify.Poll[side], contrast bool) settlement {
	const contested = "those with data are no majority, and "
	void := func(cause types.Cause, reason string) settlement {
		return settlement{cause: cause, reason: contested + reason}
	}
	switch {
	case j.Control == nil:
		return void(types.Cause_CAUSE_CONTESTED, "there is no control probe to side with them")
	case j.Control.Err != nil:
		return void(types.Cause_CAUSE_CONTESTED, "the control probe did not answer: "+j.Control.Err.Error())
	case !j.Control.fit():
		return void(types.Cause_CAUSE_CONTROL_UNFIT, "the control probe is unfit: "+j.Control.Why)
	}
	said := j.control()
	switch {
	case isData(said, contrast):
		return settlement{emptyMissed: contrast}
	case !isNothing(said, contrast):
		return void(types.Cause_CAUSE_CONTESTED, "the control probe has no answer: "+said.Err.Error())
	case taken.Leads(side{nothing: said.Digest}) && j.canBeTrue(said):
		return settlement{agreed: said.Digest}
	}
	return void(types.Cause_CAUSE_CONTESTED, "the control probe has nothing either")
}

// fit reports whether the control probe is heard.
func (c *Control) fit() bool { return c.Fitness == types.ControlFitness_CONTROL_FITNESS_FIT }

// control reads what the control probe answered.
func (j *judgement) control() verify.Reading {
	return j.reading(j.Control.Status, j.Control.Payload)
}

// canBeTrue reports whether the catalogue admits that there is nothing. Empty data is data of its kind.
func (j *judgement) canBeTrue(said verify.Reading) bool {
	return said.Class == verify.Empty || said.Class == verify.Absence && j.Question.Nothing || slices.Contains(j.Question.Errors, said.Code)
}

// unanswered decides about a check that no servicer answered with data. When the control probe, which is outside of the
// session, answers the very same question, the fault is the servicers'; otherwise it may be ours, or there is nothing to
// answer.
func (j *judgement) unanswered(record *types.QoSRound) (types.Cause, string) {
	const nobody = "nobody answered and "
	if label, only := onlyDisputed(j.Exchanges, record); only {
		return types.Cause_CAUSE_REFUSED,
			"nobody answered, and those that could be reached refused the request as wrong: " + label
	}
	silent := j.Control == nil || j.Control.Err != nil && !j.Control.TooLarge
	if silent && j.Direct && j.responded() {
		j.undecided = true
		return j.excuseNodes(record)
	}
	if j.Control == nil {
		return types.Cause_CAUSE_NO_CONTROL_PROBE, nobody + "there is no control probe to show whose fault that is"
	}
	if j.Control.TooLarge {
		return types.Cause_CAUSE_TOO_LARGE, nobody + "the answer is larger than the control probe reads"
	}
	if j.Control.Err != nil {
		return types.Cause_CAUSE_OFFLINE, nobody + "neither did the control probe: " + j.Control.Err.Error()
	}
	said := j.control()
	switch {
	case said.Class == verify.TooLarge:
		return types.Cause_CAUSE_TOO_LARGE, nobody + "the control probe's answer is too large to compare"
	case !said.Data() && isNothing(said, true):
		return types.Cause_CAUSE_NO_DATA, nobody + "the control probe has no data either: " + said.Err.Error()
	case !said.Data():
		return types.Cause_CAUSE_OFFLINE, nobody + "neither did the control probe: " + said.Err.Error()
	case !j.Control.fit() && slices.ContainsFunc(record.Samples, fromNode):
		return types.Cause_CAUSE_CONTROL_UNFIT, nobody + "the control probe, which did, is unfit: " + j.Control.Why
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// responded reports whether anything came back from a far side.
func (j *judgement) responded() bool {
	return slices.ContainsFunc(j.Exchanges, func(e Exchange) bool { return e.Responded })
}

// excuseNodes voids the samples that are a node's own word about the question, which nobody contradicts, and the whole check
// when they are all that counts. That there is a newest height needs nobody to say so.
func (j *judgement) excuseNodes(record *types.QoSRound) (types.Cause, string) {
	if j.Question.Kind == types.RoundKind_ROUND_KIND_HEAD {
		return types.Cause_CAUSE_UNSPECIFIED, ""
	}
	if !slices.ContainsFunc(record.Samples, func(s *types.QoSSample) bool { return null(s) && !fromNode(s) }) {
		return types.Cause_CAUSE_NO_DATA, "no node has data, and there is no control probe to show whether there is any"
	}
	for _, sample := range record.Samples {
		if null(sample) && fromNode(sample) {
			sample.Detail = text.Line(strings.TrimSuffix(sample.Outcome.Label()+", which nobody contradicts: "+sample.Detail, ": "), mostDetail)
			sample.Outcome, sample.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN
		}
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// fromNode reports whether a sample is what a node answered, which only a fit control probe can contradict. That a
// servicer cannot be reached needs no more than a probe that can.
func fromNode(sample *types.QoSSample) bool { return sample.GetBlame() == types.Blame_BLAME_BACKEND }

// tooLarge reports whether an exchange ended because the node's answer does not fit the protocol, and whether that can be
// true: other makes of nodes spell an answer so that it just fits. It is for at least half of the origins with data, or
// for the control probe, to show that the answer is large: one servicer that makes up a large one frees nobody.
func (j *judgement) tooLarge(e *Exchange) bool {
	refusal := refusalOf(e)
	return refusal != nil && refusal.TooLarge && (j.large || j.controlLarge())
}

// mostLarge reports whether at least half of the origins with data have a large answer.
func (j *judgement) mostLarge() bool {
	large := poll(j, func(i int) (large, some bool) {
		return len(j.Exchanges[i].Payload) >= largeAnswer, j.readings[i].Data()
	}, either)
	return large.Pro(true) > 0 && large.Pro(true) >= large.Con(true)
}

// controlLarge reports whether the control probe was asked and has a large answer.
func (j *judgement) controlLarge() bool {
	return j.Control != nil && (j.Control.TooLarge || len(j.Control.Payload) >= largeAnswer && j.control().Data())
}

// refusalOf returns the refusal that an exchange ended with; nil for none.
func refusalOf(e *Exchange) *types.Refusal {
	if e.Rejected == nil {
		return nil
	}
	return e.Rejected.Refusal
}

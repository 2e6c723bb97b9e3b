package judge

import (
	"cmp"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// origins returns for each exchange what its vote is counted by. Exchanges of one service URL's scheme, host and port have
// one vote, and so have those of one place.
//
// An origin whose exchanges led to several places counts as the first of these, in their order as text, and not as all of
// them: a name that resolves to a neighbour of this servicer and to a neighbour of that one would make the two one vote.
func origins(exchanges []Exchange) []string {
	counted, places := make([]string, len(exchanges)), make(map[string]string, len(exchanges))
	for i := range exchanges {
		at, place := types.ServiceOrigin(exchanges[i].ServiceURL), exchanges[i].Place
		counted[i] = at
		if first, known := places[at]; place != "" && (!known || place < first) {
			places[at] = place
		}
	}
	for i, at := range counted {
		if place, known := places[at]; known {
			counted[i] = place
		}
	}
	return counted
}

// voters returns for each origin who has its vote: the operator that all of its servicers declare, or the origin itself.
//
// One servicer that declares another operator, or none, leaves the origin without one: a neighbour of one servicer that
// declares the operator of another would make the two one vote.
func voters(exchanges []Exchange, origins []string) map[string]verify.Voter {
	operators := make(map[string]string, len(origins))
	for i, at := range origins {
		operator := exchanges[i].Operator
		if before, known := operators[at]; known && before != operator {
			operator = ""
		}
		operators[at] = operator
	}
	counted := make(map[string]verify.Voter, len(operators))
	for at, operator := range operators {
		counted[at] = verify.VoterOf(at, operator)
	}
	return counted
}

// poll asks what each servicer says, and counts it. The servicers of one origin say together what merge makes of it.
func poll[A comparable](j *judgement, says func(i int) (answer A, some bool), merge func(a, b A) A) *verify.Poll[A] {
	said := make(map[string]A, len(j.voters))
	for i, at := range j.origins {
		answer, some := says(i)
		if !some {
			continue
		}
		if before, known := said[at]; known {
			answer = merge(before, answer)
		}
		said[at] = answer
	}
	counted := verify.NewPoll[A](len(said))
	for at, answer := range said {
		counted.Add(j.voters[at], answer)
	}
	return counted
}

func all(a, b bool) bool { return a && b }

func either(a, b bool) bool { return a || b }

// numberOrigins notes the origin of each sample as a number, from 1 in the order of the servicers' addresses.
func numberOrigins(samples []*types.QoSSample, origins []string) {
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(samples[a].Servicer, samples[b].Servicer) })
	numbers := make(map[string]uint32, len(origins))
	for _, i := range order {
		if numbers[origins[i]] == 0 {
			numbers[origins[i]] = uint32(len(numbers)) + 1
		}
		samples[i].Origin = numbers[origins[i]]
	}
}

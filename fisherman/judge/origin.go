package judge

import (
	"cmp"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// origins returns for each exchange the number of the origin that its vote is counted by: numbers from 0, in the order of the
// exchanges. Exchanges of one service URL's scheme, host and port have
// one vote, and so have those of one place.
//
// An origin whose exchanges led to several places counts as the first of these, in their order as text, and not as all of
// them: a name that resolves to a neighbour of this servicer and to a neighbour of that one would make the two one vote.
func origins(exchanges []Exchange) []int {
	names, places := make([]string, len(exchanges)), make(map[string]string, len(exchanges))
	for i := range exchanges {
		at, place := types.ServiceOrigin(exchanges[i].ServiceURL), exchanges[i].Place
		names[i] = at
		if first, known := places[at]; place != "" && (!known || place < first) {
			places[at] = place
		}
	}
	counted, numbers := make([]int, len(exchanges)), make(map[string]int, len(exchanges))
	for i, name := range names {
		if place, known := places[name]; known {
			name = place
		}
		number, known := numbers[name]
		if !known {
			number = len(numbers)
			numbers[name] = number
		}
		counted[i] = number
	}
	return counted
}

// voters returns for each origin who has its vote: itself, or the first origin of the operator that all of its servicers
// declare.
//
// One servicer that declares another operator, or none, leaves the origin without one: a neighbour of one servicer that
// declares the operator of another would make the two one vote.
func voters(exchanges []Exchange, origins []int) []verify.Voter {
	var operators []string // of each origin
	for i, at := range origins {
		switch operator := exchanges[i].Operator; {
		case at == len(operators):
			operators = append(operators, operator)
		case operators[at] != operator:
			operators[at] = ""
		}
	}
	counted, first := make([]verify.Voter, len(operators)), make(map[string]verify.Voter)
	for at, operator := range operators {
		counted[at] = verify.Voter(at)
		if operator == "" {
			continue
		}
		if before, known := first[operator]; known {
			counted[at] = before
		} else {
			first[operator] = counted[at]
		}
	}
	return counted
}

// poll asks what each servicer says, and counts it. The servicers of one origin say together what merge makes of it.
func poll[A comparable](j *judgement, says func(i int) (answer A, some bool), merge func(a, b A) A) *verify.Poll[A] {
	said, spoke := make([]A, len(j.voters)), make([]bool, len(j.voters))
	for i, at := range j.origins {
		answer, some := says(i)
		if !some {
			continue
		}
		if spoke[at] {
			answer = merge(said[at], answer)
		}
		said[at], spoke[at] = answer, true
	}
	counted := verify.NewPoll[A](len(j.voters))
	for at, answer := range said {
		if spoke[at] {
			counted.Add(j.voters[at], answer)
		}
	}
	return counted
}

func all(a, b bool) bool { return a && b }

func either(a, b bool) bool { return a || b }

// numberOrigins notes the origin of each sample as a number, from 1 in the order of the servicers' addresses.
func numberOrigins(samples []*types.QoSSample, origins []int) {
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(samples[a].Servicer, samples[b].Servicer) })
	numbers, last := make([]uint32, len(origins)), uint32(0)
	for _, i := range order {
		if numbers[origins[i]] == 0 {
			last++
			numbers[origins[i]] = last
		}
		samples[i].Origin = numbers[origins[i]]
	}
}

package judge

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// recount is a stored round counted again, from nothing but what is stored, as docs/qos.md says ("Recomputing a report").
type recount struct {
	*types.QoSRound
	// voters of the origins, by their number.
	voters map[uint32]string
}

func recountOf(t *rapid.T, record *types.QoSRound) *recount {
	stored, err := proto.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	r := &recount{QoSRound: new(types.QoSRound), voters: make(map[uint32]string)}
	if err := proto.Unmarshal(stored, r.QoSRound); err != nil {
		t.Fatal(err)
	}
	for _, sample := range r.Samples {
		r.voters[sample.Origin] = "operator " + sample.Operator
	}
	for _, sample := range r.Samples {
		if sample.Operator == "" || r.voters[sample.Origin] != "operator "+sample.Operator {
			r.voters[sample.Origin] = string(rune(sample.Origin))
		}
	}
	return r
}

// count counts the voters for and against, of the origins that speak.
func (r *recount) count(speaks, speaksFor func(origin uint32) bool) (pro, con, all int) {
	pros, cons, voters := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for origin, voter := range r.voters {
		if !speaks(origin) {
			continue
		}
		voters[voter] = true
		if speaksFor(origin) {
			pros[voter] = true
		} else {
			cons[voter] = true
		}
	}
	return len(pros), len(cons), len(voters)
}

// consistency of a digest.
func (r *recount) consistency(digest []byte, quorum int) types.Consistency {
	said := make(map[uint32]map[string]bool)
	answers := make(map[string]bool)
	for _, sample := range r.Samples {
		answer, spoke := spokenIn(sample)
		if !spoke {
			continue
		}
		if said[sample.Origin] == nil {
			said[sample.Origin] = make(map[string]bool)
		}
		said[sample.Origin][answer], answers[answer] = true, true
	}
	speaks := func(origin uint32) bool { return len(said[origin]) == 1 }
	for answer := range answers {
		pro, con, all := r.count(speaks, func(origin uint32) bool { return said[origin][answer] })
		switch {
		case all < quorum || pro <= con:
		case string(digest) == answer:
			return types.Consistency_CONSISTENCY_AGREE
		default:
			return types.Consistency_CONSISTENCY_DISAGREE
		}
	}
	return types.Consistency_CONSISTENCY_UNDECIDABLE
}

// spokenIn returns the answer in a sample, if there is one: its digest, or one that nobody else gave where it was cut off.
func spokenIn(sample *types.QoSSample) (answer string, spoke bool) {
	switch {
	case answered(sample):
		return string(sample.AnswerDigest), true
	case sample.Attempt == types.Attempt_ATTEMPT_FIND_ROOM:
		return fmt.Sprint("cut off ", sample.Origin), true
	}
	return "", false
}

// reference is the height that most have reached; nil for none.
func (r *recount) reference(quorum int) (reference *int64) {
	claims := make(map[uint32]int64)
	var heights []int64
	for _, sample := range r.Samples {
		if sample.Attempt == types.Attempt_ATTEMPT_FIND_ROOM {
			claims[sample.Origin] = -1 // it counts, and has reached nothing
		}
		if sample.Head != nil {
			if claim, claimed := claims[sample.Origin]; !claimed || *sample.Head < claim {
				claims[sample.Origin] = *sample.Head
			}
			heights = append(heights, *sample.Head)
		}
	}
	slices.Sort(heights)
	for _, height := range heights {
		pro, con, all := r.count(func(origin uint32) bool { _, claimed := claims[origin]; return claimed },
			func(origin uint32) bool { return claims[origin] >= height })
		if all >= quorum && pro > con {
			reference = proto.Int64(height)
		}
	}
	return reference
}

// scatter draws where exchanges came from, and whom they declare.
func scatter(t *rapid.T, o *Observation) {
	for i := range o.Exchanges {
		o.Exchanges[i].Place = rapid.SampledFrom([]string{"", "", "203.0.113.0/24", "198.51.100.0/24"}).Draw(t, "place")
		o.Exchanges[i].Operator = rapid.SampledFrom([]string{"", "", "acme", "example.org"}).Draw(t, "operator")
	}
}

// cutSome draws whose answers were cut off for want of memory.
func cutSome(t *rapid.T, o *Observation) {
	for i, e := range o.Exchanges {
		if rapid.IntRange(0, 4).Draw(t, "cut off") == 0 {
			o.Exchanges[i] = cut(e.Servicer)
			o.Exchanges[i].ServiceURL, o.Exchanges[i].Place, o.Exchanges[i].Operator = e.ServiceURL, e.Place, e.Operator
		}
	}
}

// Consistency, and the reference of heads, follow exactly from what is stored of a round and the quorum.
func TestStoredRoundsCanBeRecounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, by := drawCheck(t), rules()
		scatter(t, o)
		cutSome(t, o)
		by.Quorum = rapid.IntRange(1, 4).Draw(t, "quorum")
		if rapid.Bool().Draw(t, "heads") {
			ask(o, headKind, 0)
		}
		record, _ := Round(o, by)
		again := recountOf(t, record)
		if record.Status != types.RoundStatus_ROUND_STATUS_DONE {
			return
		}
		for _, sample := range again.Samples {
			want := types.Consistency_CONSISTENCY_UNSPECIFIED
			if answered(sample) && record.Kind == types.RoundKind_ROUND_KIND_SETTLED {
				want = again.consistency(sample.AnswerDigest, by.Quorum)
			}
			if sample.Consistency != want {
				t.Errorf("%s is %v, recounted %v: %v", sample.Servicer, sample.Consistency, want, record)
			}
		}
		if record.Kind == types.RoundKind_ROUND_KIND_HEAD {
			if want := again.reference(by.Quorum); (want == nil) != (record.ReferenceHeight == nil) || want != nil && *want != *record.ReferenceHeight {
				t.Errorf("reference %v, recounted %v: %v", record.ReferenceHeight, want, record)
			}
		}
	})
}

// The number of an origin says which samples share one, and nothing else: no place is stored.
func TestOriginsAreNumbered(t *testing.T) {
	o := check(
		in("203.0.113.0/24", answers("c", `1`)), in("198.51.100.0/24", answers("b", `1`)),
		in("203.0.113.0/24", answers("a", `1`)), down("e"), at("http://d.example:80", answers("d", `1`)), at("http://d.example", down("f")),
	)
	o.Exchanges[0].Operator = "acme"
	record := judged(t, o, rules())
	var got []uint32
	for _, sample := range record.GetSamples() {
		got = append(got, sample.GetOrigin())
	}
	if want := []uint32{1, 2, 1, 3, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := sampleOf(t, record, "c").GetOperator(); got != "acme" {
		t.Errorf("operator %q", got)
	}
}

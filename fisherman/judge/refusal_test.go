package judge

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// unsigned is an exchange that ended by a refusal of the request which nothing proves.
func unsigned(servicer string, contradicted bool) Exchange {
	return refuses(servicer, outcomeVoid, types.Blame_BLAME_UNKNOWN, types.Refusal{Code: 20001, Label: "relay_authenticator/1", DisputesRequest: true, Contradicted: contradicted})
}

// disputed are the exchanges of a check, in letters: 'V' answers, 'd' disputes the request, 'D' does although it cannot be, 'S' disputes it without
// being void, '~' is down, 'U' has a node that fails, 'l' was late to connect, of which nothing follows.
func disputed(letters string) (made []Exchange) {
	for i, letter := range letters {
		servicer := fmt.Sprint("servicer-", i)
		switch letter {
		case 'V':
			made = append(made, answers(servicer, `"0x1"`))
		case 'd', 'D':
			made = append(made, unsigned(servicer, letter == 'D'))
		case 'S':
			made = append(made, disputing(servicer, "undefined/0"))
		case 'U':
			made = append(made, upstream(servicer))
		case 'l':
			late := down(servicer)
			late.Late = &LateConnection{}
			made = append(made, late)
		default:
			made = append(made, down(servicer))
		}
	}
	return made
}

// A refusal that nothing proves frees its servicer only where it can be right, or where most of the others say so.
func TestUncorroboratedRefusals(t *testing.T) {
	for _, test := range []struct {
		letters string
		// blamed: those with a D are; otherwise their samples are void.
		blamed bool
	}{
		{"DVVVV", true}, {"DVV", true}, {"DV", true}, {"D", true}, {"D~~", true}, {"DDVVV", true}, {"DDVV", true},
		{"DDVU", true}, {"DD~~", true}, {"DdVVV", true}, {"DDDVVVV", true}, {"Dlll", true},
		{"DDV", false}, {"DDDVV", false}, {"DDD~~", false}, {"DdV", false}, {"DSV", false}, {"DDDD", false}, {"DDlll", false}, {"DSSVV", false},
	} {
		o := check(disputed(test.letters)...)
		o.Control = &Control{Payload: result(`"0x1"`)}
		record, _ := Round(o, rules())
		done := record.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE
		for i, letter := range test.letters {
			sample := sampleOf(t, record, fmt.Sprint("servicer-", i))
			switch {
			case letter == 'D' && test.blamed && done &&
				(sample.GetOutcome() != outcomeRelayError || sample.GetBlame() != blamesServicer || sample.GetRelayErrorCode() == 0):
				t.Errorf("%s: servicer %d is %v, %v: %s", test.letters, i, sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
			case (letter == 'd' || letter == 'D' && !test.blamed) && sample.GetOutcome() != outcomeVoid:
				t.Errorf("%s: servicer %d is %v: %s", test.letters, i, sample.GetOutcome(), sample.GetDetail())
			case letter == 'V' && done && sample.GetOutcome() != outcomeOK:
				t.Errorf("%s: servicer %d is %v: %s", test.letters, i, sample.GetOutcome(), sample.GetDetail())
			}
		}
		if test.blamed && !done && test.letters != "DD~~" { // of which nobody took the request
			t.Errorf("%s: the check is void: %s", test.letters, record.GetReason())
		}
	}
}

// One operator's servicers have one vote, so that many of them free none.
func TestOneOperatorCorroboratesNothing(t *testing.T) {
	exchanges := disputed("DDDDVV")
	for i := range 4 {
		exchanges[i].Operator = "acme"
	}
	o := check(exchanges...)
	record, _ := Round(o, rules())
	for i := range 4 {
		if sample := sampleOf(t, record, fmt.Sprint("servicer-", i)); sample.GetOutcome() != outcomeRelayError || sample.GetBlame() != blamesServicer {
			t.Errorf("servicer %d is %v: %s", i, sample.GetOutcome(), sample.GetDetail())
		}
	}
}

// Whatever the others do: a servicer frees itself by such a refusal only with most of the voters, and its refusal changes no
// other's sample in a check that counts, but for those that refuse as it does.
func TestUncorroboratedRefusalsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := "D" + rapid.StringOfN(rapid.SampledFrom([]rune("VVVdDSU~l")), 0, 7, -1).Draw(t, "others")
		exchanges := disputed(letters)
		for i := range exchanges {
			exchanges[i].Operator = rapid.SampledFrom([]string{"", "", "acme", "best"}).Draw(t, "operator")
		}
		control := &Control{Payload: result(`"0x1"`)}
		o := check(exchanges...)
		o.Control = control
		with, _ := Round(o, rules())
		if with.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
			return
		}
		pro, con := make(map[string]bool), make(map[string]bool)
		for i, letter := range letters {
			voter := exchanges[i].Operator
			if voter == "" {
				voter = fmt.Sprint("servicer-", i)
			}
			if letter == 'l' {
				continue
			}
			if letter == 'd' || letter == 'D' || letter == 'S' {
				pro[voter] = true
			} else {
				con[voter] = true
			}
		}
		if freed := sampleIn(with, "servicer-0").GetOutcome() == outcomeVoid; freed != (len(pro) >= 2 && len(pro) > len(con)) {
			t.Fatalf("%s: void %t with %d voters that say so and %d that do not", letters, freed, len(pro), len(con))
		}
		others := check(exchanges[1:]...)
		others.Control = control
		without, _ := Round(others, rules())
		if without.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
			return
		}
		for i, letter := range letters[1:] {
			servicer := fmt.Sprint("servicer-", i+1)
			if letter != 'D' && sampleIn(with, servicer).GetOutcome() != sampleIn(without, servicer).GetOutcome() {
				t.Fatalf("%s: %s is %v with the refusal, %v without", letters, servicer, sampleIn(with, servicer).GetOutcome(), sampleIn(without, servicer).GetOutcome())
			}
		}
	})
}

func sampleIn(record *types.QoSRound, servicer string) *types.QoSSample {
	for _, sample := range record.GetSamples() {
		if sample.GetServicer() == servicer {
			return sample
		}
	}
	return nil
}

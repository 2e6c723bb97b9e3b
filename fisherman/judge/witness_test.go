package judge

import (
	"bytes"
	"testing"
)

// What servicers agree on is held against the control probe when it says something of the chain: data, which no other
// chain has, that is compared and not empty.
func TestAgreed(t *testing.T) {
	agreed := func(s scene, change func(*Observation)) []byte {
		o := s.observation()
		o.Question.Unique = true
		change(o)
		return Agreed(o, judged(t, o, rules()))
	}
	as := func(*Observation) {}
	if got := agreed(scene{answers: "VVW"}, as); len(got) != 32 || !bytes.Equal(got, agreed(scene{answers: "WVV"}, as)) {
		t.Errorf("%x", got)
	}
	for name, got := range map[string][]byte{
		"nobody agrees":               agreed(scene{answers: "VWX"}, as),
		"alone":                       agreed(scene{answers: "V"}, as),
		"half":                        agreed(scene{answers: "VVWW"}, as),
		"an agreed error":             agreed(scene{answers: "EEV", control: "E", errors: []int64{slotSkipped}}, as),
		"empty lists":                 agreed(scene{answers: "[[["}, as),
		"empty objects":               agreed(scene{answers: "{{{"}, as),
		"void":                        agreed(scene{answers: "VVV"}, func(o *Observation) { o.Stopped = true }),
		"what other chains have, too": agreed(scene{answers: "VVV"}, func(o *Observation) { o.Question.Unique = false }),
		"zero":                        agreed(scene{answers: "VVV"}, allSay(`"0x0"`)),
		"no code":                     agreed(scene{answers: "VVV"}, allSay(`"0x"`)),
		"nothing":                     agreed(scene{answers: "VVV"}, allSay(`""`)),
		"heights":                     agreed(scene{answers: "VVV"}, func(o *Observation) { allSay(`5`)(o); ask(o, headKind, 0) }),
		"a block near the tip":        agreed(scene{answers: "VVV"}, func(o *Observation) { ask(o, tipKind, 95) }),
		"what nobody answers":         agreed(scene{answers: "000", control: "V"}, as),
	} {
		if got != nil {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// allSay has all servicers answer a value.
func allSay(value string) func(*Observation) {
	return func(o *Observation) {
		for i := range o.Exchanges {
			o.Exchanges[i].Payload = result(value)
		}
	}
}

func TestWitness(t *testing.T) {
	o := scene{answers: "VVV"}.observation()
	o.Question.Unique = true
	data := Agreed(o, judged(t, o, rules()))
	for name, test := range map[string]struct {
		control     string
		same, known bool
	}{
		"the same":      {"V", true, true},
		"other data":    {"W", false, true},
		"null":          {"0", false, false},
		"not found":     {"n", false, false},
		"an error":      {"E", false, false},
		"a failure":     {"!", false, false},
		"garbage":       {"?", false, false},
		"an empty list": {"[", false, false},
		"down":          {"~", false, false},
		"too large":     {"#", false, false},
	} {
		control := scene{control: test.control}.observation().Control
		if same, known := Witness(o, rules(), control, data); known != test.known || known && same != test.same {
			t.Errorf("%s: %t, %t", name, same, known)
		}
	}
	by := rules()
	by.Ignored = append(by.Ignored, []string{"lie"})
	o = check(answers("a", `{"hash":"x","lie":1}`), answers("b", `{"hash":"x","lie":2}`))
	o.Question.Unique = true
	record := judged(t, o, by)
	if same, known := Witness(o, by, &Control{Payload: result(`{"lie":3,"hash":"x"}`)}, Agreed(o, record)); !same || !known {
		t.Errorf("ignored fields are compared: %t, %t", same, known)
	}
}

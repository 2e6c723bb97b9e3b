package judge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/internal/costs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// checkRoundCost holds judging a check, in which three servicers and the control probe answer with nearly the same, against
// the bounds, whatever is asked and in whichever form it is compared.
func checkRoundCost(t *testing.T, name string, status uint32, text []byte) {
	t.Helper()
	head, err := question.CustomHead(question.Template{Method: "status"}, "/result/a")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []types.RoundKind{types.RoundKind_ROUND_KIND_SETTLED, headKind, tipKind} {
		for _, rest := range []bool{false, true} {
			for form := range types.CompareForm_name {
				var exchanges []Exchange
				size := 0
				for i, servicer := range []string{"a", "b", "c"} {
					e := says(servicer, string(text)+strings.Repeat(" ", i))
					e.Status = status
					size += len(e.Payload)
					exchanges = append(exchanges, e)
				}
				o := check(exchanges...)
				ask(o, kind, 100)
				o.Question.ReadHead, o.Question.Form = head.Read, types.CompareForm(form)
				o.Question.Errors, o.Question.Denials = []int64{3}, []int64{3, 4}
				if rest {
					o.Question.Payload = types.Payload{REST: &types.RESTPayload{}}
				}
				o.Control = &Control{Status: status, Payload: exchanges[1].Payload, Fitness: fit}
				by := rules()
				by.Ignored = []types.Pointer{{"*", "b"}, {"a"}}
				costs.Usual().Check(t, fmt.Sprintf("%s, kind %v, REST %t, form %d", name, kind, rest, form), size+len(text), func() { Round(o, by) })
			}
		}
	}
}

// dearAnswers are responses of which each part of judging has something to do.
func dearAnswers() map[string]string {
	const size = 100_000
	fill := func(part string) string { return strings.TrimSuffix(strings.Repeat(part+",", size/(len(part)+1)), ",") }
	return map[string]string{
		"values":  `{"id":7,"result":{"a":"0x1","b":[` + fill("0") + `]}}`,
		"error":   `{"id":7,"error":{"code":3,"message":"` + strings.Repeat("é", size/2) + `","data":[` + fill("{}") + `]}}`,
		"null":    `{"id":7,"result":null,"x":[` + fill(`{"a":0}`) + `]}`,
		"digits":  `{"id":7,"result":"0x` + strings.Repeat("0A", size/2) + `"}`,
		"no JSON": strings.Repeat("\xff<html>", size/7),
	}
}

func TestNoRoundIsDear(t *testing.T) {
	for name, text := range dearAnswers() {
		for _, status := range []uint32{200, 404, 500} {
			checkRoundCost(t, name, status, []byte(text))
		}
	}
}

// FuzzRoundCost: whatever servicers and control probe answer, judging it costs no more than the bounds.
func FuzzRoundCost(f *testing.F) {
	for _, text := range dearAnswers() {
		f.Add(uint32(200), []byte(text[:min(len(text), 500)]))
		f.Add(uint32(404), []byte(text[:min(len(text), 500)]))
	}
	f.Fuzz(func(t *testing.T, status uint32, text []byte) { checkRoundCost(t, "input", status, text) })
}

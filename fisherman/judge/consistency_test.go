package judge

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// at is an exchange with a servicer at a URL.
func at(url string, e Exchange) Exchange {
	return changed(e, func(e *Exchange) { e.ServiceURL = url })
}

// Consistency as it falls out of who answers what, from where, and the evidence that is kept of it.
func TestRoundConsistency(t *testing.T) {
	broken := func(servicer string) Exchange { return says(servicer, nodeError) }
	forges := func(servicer string) Exchange {
		return changed(answers(servicer, `9`), func(e *Exchange) {
			e.Rejected = &types.Failure{Outcome: types.Outcome_OUTCOME_BAD_SIGNATURE, Blame: blamesServicer, Err: errOffline}
		})
	}
	for name, test := range map[string]struct {
		exchanges []Exchange
		quorum    int
		want      string
	}{
		"all honest":               {[]Exchange{answers("a", `1`), answers("b", `1`), answers("c", `1`)}, 2, "aaa"},
		"other spelling":           {[]Exchange{answers("a", `{"x":1.0,"y":"é"}`), answers("b", ` {"y":"\u00e9", "x":1}`)}, 2, "aa"},
		"one liar":                 {[]Exchange{answers("a", `1`), answers("b", `2`), answers("c", `1`)}, 2, "ada"},
		"liars outvote":            {[]Exchange{answers("a", `2`), answers("b", `1`), answers("c", `2`)}, 2, "ada"},
		"liars differ":             {[]Exchange{answers("a", `2`), answers("b", `1`), answers("c", `3`)}, 2, "uuu"},
		"one against one":          {[]Exchange{answers("a", `2`), answers("b", `1`)}, 2, "uu"},
		"alone":                    {[]Exchange{answers("a", `1`), down("b")}, 2, "u "},
		"quorum not reached":       {[]Exchange{answers("a", `1`), answers("b", `1`), down("c")}, 3, "uu "},
		"who is down has no vote":  {[]Exchange{answers("a", `1`), down("b"), busy("c"), answers("d", `1`)}, 2, "a  a"},
		"who forges has no vote":   {[]Exchange{answers("a", `1`), forges("b"), forges("c"), answers("d", `2`), answers("e", `1`)}, 3, "a  da"},
		"an error is not a result": {[]Exchange{broken("a"), broken("b"), broken("c"), answers("d", `1`), answers("e", `1`)}, 2, "   aa"},
		"one origin, one vote": {[]Exchange{
			at("http://x.example", answers("a", `2`)), at("http://x.example:80/other", answers("b", `2`)), at("http://X.example", answers("c", `2`)),
			answers("d", `1`), answers("e", `1`),
		}, 2, "dddaa"},
		"an origin contradicts itself": {[]Exchange{
			at("http://x.example", answers("a", `1`)), at("http://x.example/", answers("b", `2`)), answers("c", `1`), answers("d", `1`),
		}, 2, "adaa"},
	} {
		o := check(test.exchanges...)
		by := rules()
		by.Quorum = test.quorum
		o.Control = &Control{Payload: result(`1`), Fitness: fit}
		record := judged(t, o, by)
		var got strings.Builder
		for _, exchange := range test.exchanges {
			got.WriteByte(" adu"[sampleOf(t, record, exchange.Servicer).GetConsistency()])
		}
		if got.String() != test.want {
			t.Errorf("%s: %q, want %q", name, got.String(), test.want)
		}
		checkEvidence(t, name, o, record, strings.Contains(test.want, "d"))
	}
}

// checkEvidence checks that every dissenter's envelopes are kept and those of one of the majority.
func checkEvidence(t *testing.T, name string, o *Observation, record *types.QoSRound, dissent bool) {
	t.Helper()
	witnesses := 0
	for _, e := range o.Exchanges {
		sample := sampleOf(t, record, e.Servicer)
		kept := sample.RequestEnvelope != nil
		if kept && (!bytes.Equal(sample.RequestEnvelope, e.Request) || !bytes.Equal(sample.ResponseEnvelope, e.Response)) {
			t.Errorf("%s: %s: evidence of somebody else", name, e.Servicer)
		}
		switch sample.GetConsistency() {
		case types.Consistency_CONSISTENCY_DISAGREE:
			if !kept {
				t.Errorf("%s: no evidence of a dissenter", name)
			}
		case types.Consistency_CONSISTENCY_AGREE:
			if kept {
				witnesses++
			}
		default:
			if kept {
				t.Errorf("%s: evidence of a servicer that is %v", name, sample.GetConsistency())
			}
		}
	}
	if want := map[bool]int{true: 1}[dissent]; witnesses != want {
		t.Errorf("%s: evidence of %d of the majority, want %d", name, witnesses, want)
	}
}

// What the configuration ignores is not compared, and the round says what that was.
func TestIgnoredFieldsAreNotCompared(t *testing.T) {
	o := check(answers("a", `{"hash":"x"}`), answers("b", `{"hash":"x","lie":"y"}`), answers("c", `{"hash":"x"}`))
	by := rules()
	if got := sampleOf(t, judged(t, o, by), "b").GetConsistency(); got != types.Consistency_CONSISTENCY_DISAGREE {
		t.Errorf("compared: %v", got)
	}
	by.Ignored, by.IgnoredFields = []types.Pointer{{"lie"}}, []string{"/lie"}
	record := judged(t, o, by)
	for _, sample := range record.GetSamples() {
		if sample.GetConsistency() != types.Consistency_CONSISTENCY_AGREE {
			t.Errorf("%s: %v", sample.GetServicer(), sample.GetConsistency())
		}
	}
	if got := record.GetIgnoredFields(); !slices.Equal(got, []string{"/lie"}) {
		t.Errorf("the round says %q", got)
	}
}

// An answer above the bound is not kept, which the sample says; another of the majority is the witness then.
func TestEvidenceIsBounded(t *testing.T) {
	sized := func(servicer, value string, size int) Exchange {
		return changed(answers(servicer, value), func(e *Exchange) { e.Response = make([]byte, size) })
	}
	o := check(
		sized("a", `1`, mostEvidence+1), sized("b", `1`, mostEvidence), answers("c", `1`),
		changed(sized("d", `2`, mostEvidence+1), func(e *Exchange) { e.Remark = "odd" }), sized("e", `2`, mostEvidence),
	)
	record := judged(t, o, rules())
	for servicer, want := range map[string]struct {
		size   int
		detail string
	}{
		"a": {0, "answer too large to keep as evidence"},
		"b": {mostEvidence, ""},
		"c": {0, ""},
		"d": {0, "odd; answer too large to keep as evidence"},
		"e": {mostEvidence, ""},
	} {
		sample := sampleOf(t, record, servicer)
		if len(sample.GetResponseEnvelope()) != want.size || (sample.RequestEnvelope != nil) != (want.size > 0) || sample.GetDetail() != want.detail {
			t.Errorf("%s: %d bytes, %s", servicer, len(sample.GetResponseEnvelope()), sample.GetDetail())
		}
	}
}

// oneOrigin reports whether servicers with two URLs have one vote.
func oneOrigin(url, other string) bool {
	counted := origins([]Exchange{{ServiceURL: url}, {ServiceURL: other}})
	return counted[0] == counted[1]
}

func TestOrigin(t *testing.T) {
	for name, spellings := range map[string][]string{
		"default port":  {"http://a.example", "http://a.example:80", "http://A.EXAMPLE/path", "http://a.example.", "http://a.example.:80/other", "http://a.example:0080?x"},
		"secure":        {"https://a.example", "https://a.example:443/x", "HTTPS://a.example:00443"},
		"address":       {"http://127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/", "http://127.1:08080", "http://2130706433:8080", "http://0x7f.0.0.1:8080"},
		"IPv6":          {"http://[::1]", "http://[0:0:0:0:0:0:0:1]:80"},
		"another port":  {"http://a.example:8080", "http://a.example:08080", "http://a.example:008080"},
		"another host":  {"http://b.example"},
		"not a URL":     {"http://[::1"},
		"another such":  {"http://[::2"},
		"other address": {"http://127.0.0.1:8081"},
	} {
		for _, spelling := range spellings {
			if !oneOrigin(spelling, spellings[0]) {
				t.Errorf("%s: %s is not %s", name, spelling, spellings[0])
			}
		}
		for _, other := range []string{"http://c.example", "https://c.example"} {
			if oneOrigin(other, spellings[0]) {
				t.Errorf("%s is %s", other, spellings[0])
			}
		}
	}
	if oneOrigin("http://a.example", "https://a.example") || oneOrigin("http://[::1", "http://[::2") || oneOrigin("http://a.example", "http://a.example:8080") {
		t.Error("two origins are one")
	}
}

// in has an exchange come from a place.
func in(place string, e Exchange) Exchange {
	return changed(e, func(e *Exchange) { e.Place = place })
}

// One listener that is staked under many spellings, names or ports outvotes nobody (it outvoted three honest servicers, 15
// checks of 15), and no name makes the votes of honest servicers one.
func TestOneSocketOneVote(t *testing.T) {
	honest := []Exchange{in("h1", answers("a", `1`)), in("h2", answers("b", `1`)), in("h3", answers("c", `1`))}
	for name, test := range map[string]struct {
		liars []Exchange
		want  string // of a, b, c
	}{
		"spellings of a port": {[]Exchange{
			at("http://x.example:8545", answers("p", `2`)), at("http://x.example:08545", answers("q", `2`)), at("http://x.example:008545", answers("r", `2`)),
			at("http://x.example.:8545", answers("s", `2`)), at("http://X.example:8545/v1", answers("t", `2`)),
		}, "aaa"},
		"an address in disguise": {[]Exchange{
			at("http://16909060:8545", answers("p", `2`)), at("http://1.2.3.4:8545", answers("q", `2`)), at("http://0x01.2.3.4:8545", answers("r", `2`)),
			at("http://[::ffff:1.2.3.4]:8545", answers("s", `2`)),
		}, "aaa"},
		"names and ports of one place": {[]Exchange{
			at("http://x.example:1", in("l", answers("p", `2`))), at("http://x.example:2", in("l", answers("q", `2`))),
			at("https://y.example", in("l", answers("r", `2`))), at("http://z.example", in("l", answers("s", `2`))),
		}, "aaa"},
		"one name in many places": {[]Exchange{
			at("http://x.example", in("l1", answers("p", `2`))), at("http://x.example", in("l2", answers("q", `2`))),
			at("http://x.example", in("l3", answers("r", `2`))), at("http://x.example/", in("l4", answers("s", `2`))),
		}, "aaa"},
		"a neighbour takes one vote from one": {[]Exchange{in("h1", answers("p", `2`))}, "aaa"},
		"one name beside all takes one": {[]Exchange{
			at("http://x.example", in("h1", answers("p", `2`))), at("http://x.example", in("h2", answers("q", `2`))), at("http://x.example", in("h3", answers("r", `2`))),
		}, "aaa"},
		"as many places win": {[]Exchange{ // what is left: they cost as many networks
			in("l1", answers("p", `2`)), in("l2", answers("q", `2`)), in("l3", answers("r", `2`)), in("l4", answers("s", `2`)),
		}, "ddd"},
	} {
		t.Run(name, func(t *testing.T) {
			record := judged(t, check(append(slices.Clone(honest), test.liars...)...), rules())
			for i, sample := range record.GetSamples()[:3] {
				if got := verdictOf(t, sample); got != test.want[i] {
					t.Errorf("%s: %c, want %c", sample.GetServicer(), got, test.want[i])
				}
			}
		})
	}
}

// A liar with any URLs in one place has one vote, in every kind of check.
func TestOnePlaceOneHead(t *testing.T) {
	claims := []Exchange{in("h1", answers("a", `10`)), in("h2", answers("b", `10`))}
	for i := range 5 {
		claims = append(claims, at(fmt.Sprintf("http://x%d.example", i), in("l", answers(fmt.Sprintf("l%d", i), `900`))))
	}
	if counted := origins(claims); len(slices.Compact(counted)) != 3 {
		t.Errorf("%v", counted)
	}
}

// of has an exchange be with a servicer that declares an operator.
func of(operator string, e Exchange) Exchange {
	return changed(e, func(e *Exchange) { e.Operator = operator })
}

// Origins of one declared operator have one vote, and who declares somebody else's name takes no vote away.
func TestOneOperatorOneVote(t *testing.T) {
	many := func(operator, value string, servicers ...string) (made []Exchange) {
		for _, servicer := range servicers {
			made = append(made, of(operator, in("place of "+servicer, answers(servicer, value))))
		}
		return made
	}
	honest := slices.Concat(many("acme", `1`, "a"), many("", `1`, "b", "c"))
	for name, test := range map[string]struct {
		others []Exchange
		want   string // of a, b, c
	}{
		"an operator of many places":            {many("liars", `2`, "p", "q", "r", "s"), "aaa"},
		"that also declares another name":       {many("acme", `2`, "p", "q", "r", "s"), "aaa"},
		"a stranger declares a name":            {many("acme", `2`, "p"), "aaa"},
		"a stranger declares a name, and votes": {slices.Concat(many("acme", `2`, "p"), many("", `2`, "q")), "aaa"},
		"a neighbour declares another's name":   {[]Exchange{of("acme", in("place of b", answers("p", `1`))), in("l", answers("q", `2`)), in("m", answers("r", `2`))}, "aaa"},
		"a neighbour declares nothing":          {[]Exchange{in("place of a", answers("p", `1`)), in("l", answers("q", `2`)), in("m", answers("r", `2`))}, "aaa"},
		"an operator with as many answers":      {slices.Concat(many("liars", `2`, "p"), many("liars", `3`, "q"), many("liars", `4`, "r")), "aaa"},
		"as many without a name win":            {many("", `2`, "p", "q", "r", "s"), "ddd"}, // what is left: nobody has to declare
	} {
		t.Run(name, func(t *testing.T) {
			record := judged(t, check(append(slices.Clone(honest), test.others...)...), rules())
			for i, sample := range record.GetSamples()[:3] {
				if got := verdictOf(t, sample); got != test.want[i] {
					t.Errorf("%s: %c, want %c", sample.GetServicer(), got, test.want[i])
				}
			}
		})
	}
}

// The same of head claims: an operator with many origins moves the reference no more than one with one, in either direction.
func TestOneOperatorOneHead(t *testing.T) {
	for name, test := range map[string]struct {
		others []Exchange
		want   int64
	}{
		"too high, often":                {[]Exchange{of("o", claims("p", 900)), of("o", claims("q", 900)), of("o", claims("r", 900)), of("o", claims("s", 900))}, 100},
		"too low, often":                 {[]Exchange{of("o", claims("p", 1)), of("o", claims("q", 2)), of("o", claims("r", 3)), of("o", claims("s", 4))}, 100},
		"both":                           {[]Exchange{of("o", claims("p", 1)), of("o", claims("q", 900))}, 100},
		"too low under another's name":   {[]Exchange{of("acme", claims("p", 1)), of("acme", claims("q", 1)), of("acme", claims("r", 1))}, 100},
		"too high under another's name":  {[]Exchange{of("acme", claims("p", 900)), of("acme", claims("q", 900)), of("acme", claims("r", 900))}, 100},
		"as many without a name do move": {[]Exchange{claims("p", 1), claims("q", 1), claims("r", 1), claims("s", 1)}, 1},
	} {
		o := check(append([]Exchange{of("acme", claims("a", 100)), claims("b", 100), claims("c", 100)}, test.others...)...)
		ask(o, headKind, 0)
		if got := judged(t, o, rules()).GetReferenceHeight(); got != test.want {
			t.Errorf("%s: reference %d, want %d", name, got, test.want)
		}
	}
}

package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// scene is a check in letters, so that tables and models of many servicers can be read at a glance.
type scene struct {
	// answers has a letter for each servicer: see payloads and exchangeOf. origins has one for each as well; servicers with
	// the same one share an origin. "" gives each its own.
	answers, origins string
	// operators has a letter for each servicer that declares one, "." for one that declares none. "" is none at all.
	operators string
	// control is "" for a check in which the control probe was not asked; else a letter as in answers, and a "-" behind it
	// when the probe is unfit. "#" is an answer that is larger than the probe reads.
	control string
	// nothing and errors are the catalogue's word on what can be the truth.
	nothing bool
	errors  []int64
	quorum  int
	// direct: nodes are asked without a relay protocol between, and all but '~' and 'T' let something come back.
	direct bool
}

// slotSkipped and reverted are codes of errors about a question.
const slotSkipped, reverted = -32007, 3

// payloads of the letters that stand for an answer of a node.
var payloads = map[byte][]byte{
	'V': result(`"0x1"`), 'W': result(`"0x2"`), 'X': result(`"0x3"`),
	'L': result(`["log"]`), 'B': result(`"` + strings.Repeat("b", largeAnswer) + `"`),
	'[': result(`[]`), '{': result(`{}`),
	'0': result(`null`), 'n': errorOf(-32001),
	'E': errorOf(slotSkipped), 'F': errorOf(reverted),
	'!': errorOf(-32603), '?': []byte("<html>"),
}

func errorOf(code int64) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":7,"error":{"code":%d,"message":"as told"}}`, code)
}

// letters of answers: '#' is an answer that does not fit the protocol, '~' a servicer that is down, 'R' one whose machine
// refuses the connection, 'T' one that is throttled.
const letters = `VWXLB[{0nEF!?#~RT`

// hasData and saysNothing are letters of answers that are data, or say that there is none, whatever others say.
const (
	hasData     = `VWXLB`
	saysNothing = `0nEF`
)

func exchangeOf(servicer string, letter byte) Exchange {
	switch letter {
	case '~', 'R':
		return down(servicer)
	case 'T':
		return fails(servicer, types.Outcome_OUTCOME_THROTTLED, blamesSelf)
	case '#':
		return refuses(servicer, types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, types.Refusal{Code: 104, Label: "UPSTREAM_TOO_LARGE", TooLarge: true})
	}
	return says(servicer, string(payloads[letter]))
}

func (s scene) observation() *Observation {
	var exchanges []Exchange
	for i := range len(s.answers) {
		e := exchangeOf(fmt.Sprintf("s%02d", i), s.answers[i])
		e.Responded = s.direct && !among(s.answers[i], "~T")
		if s.origins != "" {
			e.ServiceURL = fmt.Sprintf("https://%c.example/%d", s.origins[i], i)
		}
		if s.operators != "" {
			e.Operator = strings.Trim(s.operators[i:i+1], ".")
		}
		exchanges = append(exchanges, e)
	}
	o := check(exchanges...)
	o.Question.Nothing, o.Question.Errors = s.nothing, s.errors
	if s.control != "" {
		o.Control = &Control{Fitness: fit, Why: "as told"}
		if strings.HasSuffix(s.control, "-") {
			o.Control.Fitness = types.ControlFitness_CONTROL_FITNESS_BEHIND
		}
		switch letter := s.control[0]; letter {
		case '~', '#':
			o.Control.Err, o.Control.TooLarge = errOffline, letter == '#'
		default:
			o.Control.Payload = payloads[letter]
		}
	}
	return o
}

// judged is the scene's verdict, a letter for each servicer, and the cause of a void round.
func (s scene) judged(t testing.TB) (verdicts string, cause types.Cause) {
	t.Helper()
	by := rules()
	if s.quorum > 0 {
		by.Quorum = s.quorum
	}
	by.Direct = s.direct
	record := judged(t, s.observation(), by)
	var text strings.Builder
	for _, sample := range record.GetSamples() {
		text.WriteByte(verdictOf(t, sample))
	}
	return text.String(), record.GetCause()
}

// verdictOf is a sample as a letter: an answer that (a)grees, (d)isagrees or is (u)ndecidable; an agreed error (t) that
// agrees; (m)issing, (f)ailed, malformed (x), refused by our own bound (r), not there (c), throttled (z), (v)oid, or void because nobody contradicts the node (w).
func verdictOf(t testing.TB, sample *types.QoSSample) byte {
	t.Helper()
	type key struct {
		outcome     types.Outcome
		blame       types.Blame
		class       types.AnswerClass
		consistency types.Consistency
	}
	const (
		none, value, missing, agreed, failure = types.AnswerClass_ANSWER_CLASS_UNSPECIFIED, types.AnswerClass_ANSWER_CLASS_VALUE,
			types.AnswerClass_ANSWER_CLASS_MISSING, types.AnswerClass_ANSWER_CLASS_AGREED_ERROR, types.AnswerClass_ANSWER_CLASS_FAILURE
		agree, disagree, undecidable = types.Consistency_CONSISTENCY_AGREE, types.Consistency_CONSISTENCY_DISAGREE, types.Consistency_CONSISTENCY_UNDECIDABLE
	)
	if sample.GetOutcome() == outcomeVoid && sample.GetBlame() == blamesSelf && sample.GetConsistency() == 0 {
		return 'v'
	}
	if sample.GetOutcome() == outcomeVoid && sample.GetBlame() == blamesUnknown && sample.GetConsistency() == 0 {
		return 'w'
	}
	letter, known := map[key]byte{
		{outcomeOK, 0, value, agree}:                                     'a',
		{outcomeOK, 0, value, disagree}:                                  'd',
		{outcomeOK, 0, value, undecidable}:                               'u',
		{outcomeOK, 0, agreed, agree}:                                    't',
		{outcomeOK, 0, agreed, undecidable}:                              'y',
		{types.Outcome_OUTCOME_MISSING, blamesBackend, missing, 0}:       'm',
		{types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, failure, 0}: 'f',
		{types.Outcome_OUTCOME_MALFORMED, blamesServicer, none, 0}:       'x',
		{types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, none, 0}:    'r',
		{types.Outcome_OUTCOME_CONNECT, blamesServicer, none, 0}:         'c',
		{types.Outcome_OUTCOME_THROTTLED, blamesSelf, none, 0}:           'z',
	}[key{sample.GetOutcome(), sample.GetBlame(), sample.GetAnswer(), sample.GetConsistency()}]
	if !known {
		t.Errorf("a verdict without a name: %v", sample)
	}
	return letter
}

const (
	contested    = types.Cause_CAUSE_CONTESTED
	controlUnfit = types.Cause_CAUSE_CONTROL_UNFIT
	noData       = types.Cause_CAUSE_NO_DATA
	noProbe      = types.Cause_CAUSE_NO_CONTROL_PROBE
	offline      = types.Cause_CAUSE_OFFLINE
	tooLarge     = types.Cause_CAUSE_TOO_LARGE
	noSample     = types.Cause_CAUSE_NO_SAMPLE
)

// What counts as an answer, by the kinds of situations that real nodes were seen in.
func TestWhatCountsAsAnAnswer(t *testing.T) {
	skipped := []int64{slotSkipped}
	for name, test := range map[string]struct {
		scene
		want  string
		cause types.Cause
	}{
		// Nodes that have forgotten a block answer null, and outvote the one that has it (besu 8833, reth 21910).
		"an archive and two that forgot":           {scene{answers: "V00", control: "V"}, "umm", causeNone},
		"before the probe was asked":               {scene{answers: "V00"}, "vvv", contested},
		"the probe forgot as well":                 {scene{answers: "V00", control: "0"}, "vvv", contested},
		"the probe does not answer":                {scene{answers: "V00", control: "~"}, "vvv", contested},
		"the probe fails":                          {scene{answers: "V00", control: "!"}, "vvv", contested},
		"the probe is unfit":                       {scene{answers: "V00", control: "V-"}, "vvv", controlUnfit},
		"an unfit probe forgot":                    {scene{answers: "V00", control: "0-"}, "vvv", controlUnfit},
		"not found is null":                        {scene{answers: "V0n", control: "V"}, "umm", causeNone},
		"two archives":                             {scene{answers: "VV000", control: "V"}, "aammm", causeNone},
		"two archives in the majority":             {scene{answers: "VV0"}, "aam", causeNone},
		"the probe is not needed then":             {scene{answers: "VV0", control: "0"}, "aam", causeNone},
		"half of the origins":                      {scene{answers: "VV00", control: "V"}, "aamm", causeNone},
		"half of the origins, no probe":            {scene{answers: "VV00"}, "vvvv", contested},
		"who is down has no say":                   {scene{answers: "VV0~~"}, "aamcc", causeNone},
		"who fails has no say":                     {scene{answers: "V!!"}, "uff", causeNone},
		"two servicers that forgot, of one origin": {scene{answers: "VW00", origins: "abcc"}, "uumm", causeNone},
		"many archives of one origin":              {scene{answers: "VVV00", origins: "aaabc", control: "V"}, "uuumm", causeNone},
		"pruned state is said by an error":         {scene{answers: "VEE", control: "V"}, "uff", causeNone},
		"the catalogue's word does not help who forgot": {
			scene{answers: "V00", control: "V", nothing: true}, "umm", causeNone},

		// Where the truth is that there is nothing, whoever invents a result must not gain by it (solana 25191).
		"skipped slot":                             {scene{answers: "EEV", control: "E", errors: skipped}, "ttd", causeNone},
		"skipped slot, the catalogue silent":       {scene{answers: "EEV", control: "E"}, "vvv", contested},
		"skipped slot, another code listed":        {scene{answers: "EEV", control: "E", errors: []int64{1}}, "vvv", contested},
		"skipped slot, before the probe was asked": {scene{answers: "EEV", errors: skipped}, "vvv", contested},
		"skipped slot, the probe is unfit":         {scene{answers: "EEV", control: "E-", errors: skipped}, "vvv", controlUnfit},
		"skipped slot, the probe fails":            {scene{answers: "EEV", control: "!", errors: skipped}, "vvv", contested},
		"skipped slot, the probe says another":     {scene{answers: "EEV", control: "F", errors: []int64{slotSkipped, reverted}}, "vvv", contested},
		"skipped slot, the inventors are half":     {scene{answers: "EEVV", control: "E", errors: skipped}, "vvvv", contested},
		"skipped slot, one gives another error":    {scene{answers: "EEEFV", control: "E", errors: []int64{slotSkipped, reverted}}, "tttfd", causeNone},
		"skipped slot, errors are mixed":           {scene{answers: "EFV", control: "E", errors: []int64{slotSkipped, reverted}}, "vvv", contested},
		"skipped slot, one cannot answer":          {scene{answers: "EE!V", control: "E", errors: skipped}, "ttfd", causeNone},
		"skipped slot, nobody invents":             {scene{answers: "EEE", control: "E", errors: skipped}, "vvv", noData},
		"skipped slot, the origins are two":        {scene{answers: "EEV", origins: "aab", control: "E", errors: skipped}, "vvv", contested},
		"skipped slot, too few for the quorum":     {scene{answers: "EEV", control: "E", errors: skipped, quorum: 4}, "yyu", causeNone},
		"the error that is the truth is internal":  {scene{answers: "!!V", control: "!", errors: []int64{-32603}}, "ttd", causeNone},
		"an internal error that is none":           {scene{answers: "!!V", control: "!"}, "ffu", causeNone},
		"unknown account":                          {scene{answers: "00V", control: "0", nothing: true}, "ttd", causeNone},
		"unknown account, the catalogue silent":    {scene{answers: "00V", control: "0"}, "vvv", contested},
		"unknown account, not found by its code":   {scene{answers: "0nV", control: "n", errors: []int64{-32001}}, "ttd", causeNone},
		"an error where absence is the truth":      {scene{answers: "00EV", control: "0", nothing: true}, "vvvv", contested},
		"the same, in the minority":                {scene{answers: "000EV", control: "0", nothing: true}, "tttfd", causeNone},

		// An inventor that contradicts itself at one origin is no way round.
		"an inventor with two faces":            {scene{answers: "EEVE", origins: "abcc", control: "E", errors: skipped}, "ttdt", causeNone},
		"an inventor with two faces, no probe":  {scene{answers: "EEV0", origins: "abcc", errors: skipped}, "vvvv", contested},
		"an inventor with two faces, alone":     {scene{answers: "V0", origins: "cc", control: "~"}, "vv", contested},
		"two faces against a majority":          {scene{answers: "VVV0W", origins: "abcdd"}, "aaamd", causeNone},
		"two faces do not make a majority less": {scene{answers: "VVWE", origins: "abcc"}, "aadf", causeNone},

		// Empty lists are data of their kind, until somebody has more.
		"all lists are empty":                   {scene{answers: "[[["}, "aaa", causeNone},
		"an invented entry":                     {scene{answers: "[[L", control: "["}, "ttd", causeNone},
		"an invented entry, no probe":           {scene{answers: "[[L"}, "vvv", contested},
		"an invented entry, the probe is unfit": {scene{answers: "[[L", control: "[-"}, "vvv", controlUnfit},
		"an archive and two empty lists":        {scene{answers: "L[[", control: "L"}, "umm", causeNone},
		"an empty list in the minority":         {scene{answers: "LL["}, "aad", causeNone},
		"empty lists and objects":               {scene{answers: "[[{"}, "aad", causeNone},
		"null where lists are empty":            {scene{answers: "[[0"}, "aam", causeNone},
		"an empty list where all is null":       {scene{answers: "00[", control: "0", nothing: true}, "ttd", causeNone},
		"null, an entry and empty lists":        {scene{answers: "[[[0L", control: "["}, "tttmd", causeNone},

		// Nobody has data.
		"everybody says null":                         {scene{answers: "000"}, "vvv", noProbe},
		"everybody says null, the probe as well":      {scene{answers: "000", control: "0"}, "vvv", noData},
		"the same where it can be the truth":          {scene{answers: "000", control: "0", nothing: true}, "vvv", noData},
		"everybody says null, the probe has data":     {scene{answers: "000", control: "V"}, "mmm", causeNone},
		"everybody says null, the probe is unfit":     {scene{answers: "000", control: "V-"}, "vvv", controlUnfit},
		"everybody says null, the probe is down":      {scene{answers: "000", control: "~"}, "vvv", offline},
		"mixed errors, the probe has data":            {scene{answers: "0EF!", control: "V"}, "mfff", causeNone},
		"mixed errors, the probe errs":                {scene{answers: "0EF!", control: "E"}, "vvvv", noData},
		"mixed errors, the probe fails":               {scene{answers: "0EF!", control: "!"}, "vvvv", offline},
		"stuck probe, all have forgotten":             {scene{answers: "EEE", control: "V-"}, "vvv", controlUnfit},
		"stuck probe, one is an archive":              {scene{answers: "EEV", control: "V-"}, "vvv", controlUnfit},
		"stuck probe, nobody is there":                {scene{answers: "~~~", control: "V-"}, "ccc", causeNone},
		"stuck probe, nobody is there or can be read": {scene{answers: "~?~", control: "V-"}, "cxc", causeNone},

		// The protocol's own bound is ours (hyperliquid 43, alloy 2967).
		"all too large for us, the probe's just fits": {scene{answers: "###", control: "B"}, "vvv", tooLarge},
		"all too large for us and for the probe":      {scene{answers: "###", control: "#"}, "vvv", tooLarge},
		"the same, and the probe is unfit":            {scene{answers: "###", control: "B-"}, "vvv", tooLarge},
		"all say too large, the probe's is small":     {scene{answers: "###", control: "V"}, "rrr", causeNone},
		"the same, and the probe is unfit, small":     {scene{answers: "###", control: "V-"}, "vvv", controlUnfit},
		"all say too large, the probe has nothing":    {scene{answers: "###", control: "0"}, "vvv", noData},
		"all say too large, no probe":                 {scene{answers: "###"}, "vvv", noProbe},
		"all say too large, the probe is down":        {scene{answers: "###", control: "~"}, "vvv", offline},
		"one too large, the others' just fit":         {scene{answers: "BB#"}, "aav", causeNone},
		"one too large, one just fits":                {scene{answers: "B##"}, "uvv", causeNone},
		"one says too large, the others' are small":   {scene{answers: "VV#"}, "aar", causeNone},
		"one says too large, one invents a large one": {scene{answers: "VVB#"}, "aadr", causeNone},
		"the same, at one origin of two servicers":    {scene{answers: "VVBB#", origins: "abccd"}, "aaddr", causeNone},
		"one too large, one of two is small":          {scene{answers: "BV#"}, "uuv", causeNone},
		"one too large, others say null":              {scene{answers: "#00", control: "B"}, "vmm", causeNone},
		"a large answer frees nobody who is down":     {scene{answers: "#~", control: "B"}, "vc", causeNone},
		"nobody who errs, either":                     {scene{answers: "#!", control: "B"}, "vf", causeNone},
		"too large for the probe frees all":           {scene{answers: "#!~", control: "#"}, "vvv", tooLarge},

		// Who is throttled has no say, and is no reason to ask anybody.
		"one is throttled":                      {scene{answers: "VVT"}, "aaz", causeNone},
		"all are throttled":                     {scene{answers: "TTT"}, "zzz", causeNone},
		"one answers, the others are throttled": {scene{answers: "VTT"}, "uzz", causeNone},
		"one is down, the others throttled":     {scene{answers: "~TT"}, "vzz", noProbe},
		"the throttled make no majority":        {scene{answers: "V0TT"}, "vvzz", contested},

		// Nodes that are asked directly: what comes back shows that our network is sound, where no probe can.
		"direct, all refuse":                            {scene{answers: "RRR", direct: true}, "ccc", causeNone},
		"direct, one alone refuses":                     {scene{answers: "R", direct: true}, "c", causeNone},
		"direct, one refuses, the others are mute":      {scene{answers: "R~~", direct: true}, "ccc", causeNone},
		"direct, nothing comes back":                    {scene{answers: "~~~", direct: true}, "vvv", noProbe},
		"direct, nothing comes back, the probe is down": {scene{answers: "~~~", control: "~", direct: true}, "vvv", offline},
		"direct, all refuse, so does the probe":         {scene{answers: "RRR", control: "~", direct: true}, "ccc", causeNone},
		"direct, pages":                                 {scene{answers: "?R", direct: true}, "xc", causeNone},
		"direct, only the nodes' word":                  {scene{answers: "0E!", direct: true}, "vvv", noData},
		"direct, one node's word alone":                 {scene{answers: "!", direct: true}, "v", noData},
		"direct, the nodes' word, the probe contradicts": {
			scene{answers: "0!R", control: "V", direct: true}, "mfc", causeNone},
		"direct, the nodes' word, the probe is down":          {scene{answers: "0!R", control: "~", direct: true}, "wwc", causeNone},
		"direct, a node's word, and one that is not there":    {scene{answers: "!R", direct: true}, "wc", causeNone},
		"direct, a node's word, and one that is mute":         {scene{answers: "!~", direct: true}, "wc", causeNone},
		"direct, a node's word, and one that is throttled":    {scene{answers: "!T", direct: true}, "vz", noData},
		"direct, one refuses, the others are throttled":       {scene{answers: "RTT", direct: true}, "czz", causeNone},
		"direct, who answers shows that the others are down":  {scene{answers: "V~R", direct: true}, "ucc", causeNone},
		"direct, who has data does not excuse who has an err": {scene{answers: "V!!", direct: true}, "uff", causeNone},
	} {
		verdicts, cause := test.judged(t)
		if verdicts != test.want || cause != test.cause {
			t.Errorf("%s: %s of %v, want %s of %v", name, verdicts, cause, test.want, test.cause)
		}
	}
}

// What may be the truth, the control probe is asked about once, and only when what it says would decide.
func TestWantsControl(t *testing.T) {
	for name, test := range map[string]struct {
		scene
		want bool
	}{
		"all have data":           {scene{answers: "VVV"}, false},
		"all have other data":     {scene{answers: "VWX"}, false},
		"most have data":          {scene{answers: "VV0"}, false},
		"half have data":          {scene{answers: "V0"}, true},
		"one has data":            {scene{answers: "VEE"}, true},
		"nobody has data":         {scene{answers: "000"}, true},
		"nobody is there":         {scene{answers: "~~"}, true},
		"who has data fails none": {scene{answers: "V!!"}, false},
		"asked, down":             {scene{answers: "V0", control: "~"}, false},
		"asked, unfit":            {scene{answers: "V0", control: "V-"}, false},
		"asked":                   {scene{answers: "000", control: "V"}, false},
		"nobody to ask":           {scene{}, false},
		"throttled":               {scene{answers: "TT"}, false},
		"direct, all refuse":      {scene{answers: "RR", direct: true}, true},
		"direct, nodes' word":     {scene{answers: "!R", direct: true}, true},
		"direct, asked, down":     {scene{answers: "!R", control: "~", direct: true}, false},
		"direct, all have data":   {scene{answers: "VV", direct: true}, false},
	} {
		by := rules()
		by.Direct = test.direct
		if _, wants := Round(test.observation(), by); wants != test.want {
			t.Errorf("%s: %t", name, wants)
		}
	}
	spoilt := scene{answers: "V00"}.observation()
	spoilt.Stopped = true
	if _, wants := Round(spoilt, rules()); wants {
		t.Error("asks about a check that is void anyway")
	}
}

// REST has the same classes, told by statuses.
func TestWhatCountsAsAnAnswerByREST(t *testing.T) {
	for name, test := range map[string]struct {
		statuses []uint32
		control  uint32
		fitness  types.ControlFitness
		nothing  bool
		errors   []int64
		want     string
		cause    types.Cause
	}{
		"forgotten":                            {[]uint32{200, 404, 404}, 200, fit, false, nil, "umm", causeNone},
		"forgotten by the probe":               {[]uint32{200, 404, 404}, 404, fit, false, nil, "vvv", contested},
		"unknown account":                      {[]uint32{200, 404, 404}, 404, fit, true, nil, "dtt", causeNone},
		"unknown account, by its status":       {[]uint32{200, 404, 404}, 404, fit, false, []int64{404}, "dtt", causeNone},
		"a bad request that is the truth":      {[]uint32{200, 400, 400}, 400, fit, false, []int64{400}, "dtt", causeNone},
		"a bad request, catalogue silent":      {[]uint32{200, 400, 400}, 400, fit, false, nil, "vvv", contested},
		"a bad request, the probe unfit":       {[]uint32{200, 400, 400}, 400, 0, false, []int64{400}, "vvv", controlUnfit},
		"overloaded":                           {[]uint32{200, 429, 503}, 429, fit, false, nil, "uff", causeNone},
		"a server error that can be the truth": {[]uint32{200, 500, 500}, 500, fit, false, []int64{500}, "dtt", causeNone},
		"all have forgotten":                   {[]uint32{404, 404}, 200, fit, false, nil, "mm", causeNone},
		"all have forgotten, the probe also":   {[]uint32{404, 404}, 404, fit, true, nil, "vv", noData},
	} {
		var exchanges []Exchange
		for i, status := range test.statuses {
			exchanges = append(exchanges, changed(says(fmt.Sprint("s", i), `{"a":1}`), func(e *Exchange) { e.Status = status }))
		}
		o := check(exchanges...)
		o.Question.Payload = types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/account"}}
		o.Question.Nothing, o.Question.Errors = test.nothing, test.errors
		o.Control = &Control{Status: test.control, Payload: []byte(`{"a":1}`), Fitness: test.fitness}
		record := judged(t, o, rules())
		var verdicts strings.Builder
		for _, sample := range record.GetSamples() {
			verdicts.WriteByte(verdictOf(t, sample))
		}
		if verdicts.String() != test.want || record.GetCause() != test.cause {
			t.Errorf("%s: %s of %v, want %s of %v", name, verdicts.String(), record.GetCause(), test.want, test.cause)
		}
	}
}

// Details and reasons say what a sample or a check is, for a person.
func TestNothingIsExplained(t *testing.T) {
	record := judged(t, scene{answers: "L[[", control: "L"}.observation(), rules())
	if detail := record.GetSamples()[1].GetDetail(); !strings.Contains(detail, "nothing where others have data") {
		t.Errorf("%s", detail)
	}
	for scene, want := range map[*scene]string{
		{answers: "V00"}:                "no control probe to side with them",
		{answers: "V00", control: "~"}:  "did not answer: offline",
		{answers: "V00", control: "V-"}: "the control probe is unfit: as told",
		{answers: "V00", control: "0"}:  "has nothing either",
		{answers: "V00", control: "?"}:  "has no answer: malformed",
		{answers: "000", control: "V-"}: "which did, is unfit: as told",
		{answers: "###", control: "B"}:  "larger than the protocol carries",
		{answers: "#!~", control: "#"}:  "larger than the control probe reads",
	} {
		if record := judged(t, scene.observation(), rules()); !strings.Contains(record.GetReason(), want) {
			t.Errorf("%+v: %s", *scene, record.GetReason())
		}
	}
}

// among reports whether a letter is one of some.
func among(letter byte, some string) bool { return strings.IndexByte(some, letter) >= 0 }

// admits reports whether the catalogue admits a letter as the truth.
func (s scene) admits(letter byte) bool {
	code := map[byte]int64{'n': -32001, 'E': slotSkipped, 'F': reverted, '!': -32603}[letter]
	return among(letter, "[{") || among(letter, "0n") && s.nothing || code != 0 && slices.Contains(s.errors, code)
}

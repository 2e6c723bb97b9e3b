package evidence_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var update = flag.Bool("update", false, "rewrite the golden file")

const question = `{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":"3"}}`

var (
	fishermanKey = crypto.KeyFromSeed([32]byte{1})
	stranger     = crypto.KeyFromSeed([32]byte{99})
	header       = &types.SessionHeader{Id: strings.Repeat("ab", 32), StartHeight: 20, RelayChain: "0001", GeoZone: "local",
		Application: crypto.KeyFromSeed([32]byte{2}).Address()}
	session = &types.QoSSession{Header: header, Blocks: 10}
)

func servicerKey(i int) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{byte(10 + i)}) }

func answer(result string) string { return `{"jsonrpc":"2.0","id":7,"result":` + result + `}` }

// sampled is a servicer's sample with envelopes.
func sampled(t testing.TB, i int, consistency types.Consistency, result, asked string) *types.QoSSample {
	t.Helper()
	return answered(t, i, consistency, asked, 200, answer(result), inJSON)
}

// answered is a servicer's sample of a JSON-RPC question, with envelopes and what its node answered.
func answered(t testing.TB, i int, consistency types.Consistency, asked string, status uint32, payload string, form types.CompareForm) *types.QoSSample {
	t.Helper()
	key := servicerKey(i)
	request, err := relay.SealRequest(fishermanKey, &types.RelayRequest{
		Session: header, Servicer: key.Address(), Nonce: bytes.Repeat([]byte{byte(i)}, relay.NonceSize), ClientTimeUnixNano: 5,
		Payload: &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: []byte(asked)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := relay.SealResponse(key, &types.RelayResponse{RequestHash: request.BodyHash[:], Servicer: key.Address(),
		ReceivedUnixNano: 6, AnsweredUnixNano: 7, UpstreamStatus: status, Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	digest := verify.Read([]byte(asked), status, []byte(payload), form, types.Pointer{"by"}).Digest
	return &types.QoSSample{Servicer: key.Address(), ServiceUrl: fmt.Sprintf("http://servicer%d.example", i),
		Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency, AnswerDigest: digest[:], SentUnixNano: 1_700_000_000_123_456_789,
		RequestEnvelope: request.Envelope, ResponseEnvelope: response}
}

// resampled is a servicer's sample of a REST question.
func resampled(t testing.TB, i int, consistency types.Consistency, path, body string) *types.QoSSample {
	t.Helper()
	return reanswered(t, i, consistency, path, 200, body)
}

func reanswered(t testing.TB, i int, consistency types.Consistency, path string, status uint32, body string) *types.QoSSample {
	t.Helper()
	key, payload := servicerKey(i), types.Payload{REST: &types.RESTPayload{Method: "GET", Path: path}}
	asked := relay.NewRequest(header, key.Address(), payload, time.Unix(0, 5))
	request, err := relay.SealRequest(fishermanKey, asked)
	if err != nil {
		t.Fatal(err)
	}
	response, err := relay.SealResponse(key, &types.RelayResponse{RequestHash: request.BodyHash[:], Servicer: key.Address(),
		ReceivedUnixNano: 6, AnsweredUnixNano: 7, UpstreamStatus: status, Payload: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	digest := verify.ReadREST(status, []byte(body), inJSON, types.Pointer{"by"}).Digest
	return &types.QoSSample{Servicer: key.Address(), Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency, AnswerDigest: digest[:],
		RequestEnvelope: request.Envelope, ResponseEnvelope: response}
}

// An answer to a REST request proves as much as one to a JSON-RPC request.
func TestRESTEvidence(t *testing.T) {
	round := &types.QoSRound{SessionId: header.GetId(), Status: types.RoundStatus_ROUND_STATUS_DONE, IgnoredFields: []string{"/by"},
		Samples: []*types.QoSSample{
			resampled(t, 0, agree, "/blocks/7", `{"height":"7","by":"zero"}`),
			resampled(t, 1, disagree, "/blocks/7", `{"height":"8","by":"one"}`),
		}}
	made, err := evidence.Of(session, round)
	if err != nil {
		t.Fatal(err)
	}
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	if failed := failures([]api.Evidence{made}); len(failed) > 0 {
		t.Fatalf("failed: %v", failed)
	}
	if want := `{"rest":{"method":"GET","path":"/blocks/7"}}`; made.Request != want {
		t.Errorf("request %s, want %s", made.Request, want)
	}
	if got := evidence.Compared(made); got[0] != `{"height":"7"}` || got[1] != `{"height":"8"}` {
		t.Errorf("compared are %q", got)
	}
	round.Samples[1] = resampled(t, 1, disagree, "/blocks/8", `{"height":"8","by":"one"}`)
	if made, err = evidence.Of(session, round); err != nil {
		t.Fatal(err)
	}
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	if failed := failures([]api.Evidence{made}); len(failed) == 0 {
		t.Error("answers to two questions count as evidence")
	}
}

func without(sample *types.QoSSample) *types.QoSSample {
	sample.RequestEnvelope, sample.ResponseEnvelope = nil, nil
	return sample
}

const (
	inJSON    = types.CompareForm_COMPARE_FORM_JSON
	hexNumber = types.CompareForm_COMPARE_FORM_HEX_NUMBER
	hexData   = types.CompareForm_COMPARE_FORM_HEX_DATA

	agree    = types.Consistency_CONSISTENCY_AGREE
	disagree = types.Consistency_CONSISTENCY_DISAGREE
)

// disputed is a round in which one of four dissents, and one did not answer.
func disputed(t testing.TB) *types.QoSRound {
	t.Helper()
	return &types.QoSRound{SessionId: header.GetId(), Index: 3, Status: types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano: 1_700_000_000_100_000_000, ReleasedUnixNano: 1_700_000_000_123_000_000, Question: "block height=3", IgnoredFields: []string{"/by"},
		Samples: []*types.QoSSample{
			sampled(t, 0, agree, `{"amount":9007199254740992,"by":"zero"}`, question),
			without(sampled(t, 1, agree, `{"amount":9007199254740992,"by":"one"}`, question)),
			sampled(t, 2, disagree, `{"amount":9007199254740993,"by":"two"}`, question),
			{Servicer: servicerKey(3).Address(), Outcome: types.Outcome_OUTCOME_TIMEOUT},
		}}
}

func piece(t testing.TB) api.Evidence {
	t.Helper()
	made, err := evidence.Of(session, disputed(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	return made
}

func encoded(t testing.TB, pieces ...api.Evidence) []byte {
	t.Helper()
	text, err := evidence.Encode(pieces)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// failures are the claims that do not hold.
func failures(pieces []api.Evidence) (failed []string) {
	for _, one := range pieces {
		steps, ok := evidence.Verify(one)
		before := len(failed)
		for _, step := range steps {
			if !step.OK {
				failed = append(failed, step.Subject+": "+step.Claim+": "+step.Detail)
			}
		}
		if ok != (len(failed) == before) {
			failed = append(failed, "the verdict does not fit the steps")
		}
	}
	return failed
}

// The file's form is a contract: evidence that was handed out stays readable.
func TestFileIsGolden(t *testing.T) {
	text := encoded(t, piece(t))
	path := filepath.Join("testdata", "evidence.golden.json")
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s", text)
	}
	pieces, err := evidence.Decode(want)
	if err != nil || !reflect.DeepEqual(pieces, []api.Evidence{piece(t)}) {
		t.Fatalf("%+v, %v", pieces, err)
	}
	if failed := failures(pieces); len(failed) > 0 {
		t.Errorf("%q", failed)
	}
}

func TestOf(t *testing.T) {
	made := piece(t)
	if len(made.Votes) != 3 || len(made.Sides) != 2 || made.Check != 3 || made.Request != question || made.Sides[1].Servicer.Address != servicerKey(2).Address() ||
		made.Fisherman.Address != fishermanKey.Address() || made.AskedAt != "2023-11-14T22:13:20.123Z" || !strings.Contains(made.Sides[1].Answer, "9007199254740993") {
		t.Errorf("%+v", made)
	}
	for name, test := range map[string]struct {
		change func(*types.QoSRound)
		want   error
	}{
		"all agree":          {func(r *types.QoSRound) { r.Samples = r.Samples[:2] }, evidence.ErrNoDisagreement},
		"dropped":            {func(r *types.QoSRound) { r.Samples = nil }, evidence.ErrNoDisagreement},
		"dissent too large":  {func(r *types.QoSRound) { without(r.Samples[2]) }, evidence.ErrUnkept},
		"majority too large": {func(r *types.QoSRound) { without(r.Samples[0]) }, evidence.ErrUnkept},
	} {
		round := disputed(t)
		test.change(round)
		if _, err := evidence.Of(session, round); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	round := disputed(t)
	round.Samples[0].RequestEnvelope = []byte("x")
	if _, err := evidence.Of(session, round); err == nil {
		t.Error("took what is no envelope")
	}
}

func TestCompared(t *testing.T) {
	made := piece(t)
	want := []string{`{"id":7,"jsonrpc":"2.0","result":{"amount":9007199254740992}}`, `{"id":7,"jsonrpc":"2.0","result":{"amount":9007199254740993}}`}
	if got := evidence.Compared(made); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	made.Sides[0].Answer = "no JSON"
	if got := evidence.Compared(made); got[0] != "no JSON" || got[1] != want[1] {
		t.Errorf("%q", got)
	}
}

// resigned lets the fisherman itself sign a piece that it altered.
func resigned(t *testing.T, change func(*api.Evidence)) []byte {
	t.Helper()
	made := piece(t)
	change(&made)
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	return encoded(t, made)
}

// Every leaf of a file's JSON, altered, is found: either the file is not read or a step fails.
func TestEveryFieldIsProtected(t *testing.T) {
	var file any
	if err := json.Unmarshal(encoded(t, piece(t)), &file); err != nil {
		t.Fatal(err)
	}
	leaves := 0
	visit(file, "", func(path string, alter func(any), value any) {
		leaves++
		for _, other := range others(value) {
			alter(other)
			text, err := json.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			pieces, err := evidence.Decode(text)
			if err == nil && len(failures(pieces)) == 0 {
				t.Errorf("%s can be altered from %v to %v", path, value, other)
			}
			alter(value)
		}
	})
	if leaves < 40 {
		t.Errorf("only %d leaves were altered", leaves)
	}
}

// visit calls for every leaf of a JSON value.
func visit(value any, path string, call func(path string, alter func(any), value any)) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			visit(member, path+"/"+name, call)
			if _, nested := member.(map[string]any); !nested && reflect.TypeOf(member).Kind() != reflect.Slice {
				call(path+"/"+name, func(other any) { value[name] = other }, member)
			}
		}
	case []any:
		for i, element := range value {
			visit(element, fmt.Sprintf("%s/%d", path, i), call)
			if text, is := element.(string); is {
				call(fmt.Sprintf("%s/%d", path, i), func(other any) { value[i] = other }, text)
			}
		}
	}
}

// others are alterations of a leaf: one byte of a text or of what it encodes, or its absence.
func others(value any) []any {
	text, is := value.(string)
	if !is {
		return []any{value.(float64) + 1, nil}
	}
	changed := []byte(text)
	middle := len(changed) / 2
	changed[middle] ^= 1
	all := []any{"", nil, text + "0", string(changed)}
	if envelope, err := base64.StdEncoding.DecodeString(text); err == nil && len(envelope) > 64 {
		for _, at := range []int{0, 5, len(envelope) / 2, len(envelope) - 1} {
			altered := slices.Clone(envelope)
			altered[at] ^= 1
			all = append(all, base64.StdEncoding.EncodeToString(altered))
		}
	}
	return all
}

// A fisherman that alters what it signs itself cannot alter what others signed.
func TestFishermanCannotForge(t *testing.T) {
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"sides swapped": {resigned(t, func(e *api.Evidence) {
			e.Sides[0].ResponseEnvelope, e.Sides[1].ResponseEnvelope = e.Sides[1].ResponseEnvelope, e.Sides[0].ResponseEnvelope
		}), "signed by the servicer"},
		"requests swapped": {resigned(t, func(e *api.Evidence) {
			e.Sides[0].RequestEnvelope, e.Sides[1].RequestEnvelope = e.Sides[1].RequestEnvelope, e.Sides[0].RequestEnvelope
		}), "bound to this request"},
		"answer to another request": {resigned(t, func(e *api.Evidence) {
			another := sampled(t, 2, disagree, `{"amount":9007199254740993}`, strings.Replace(question, "3", "4", 1))
			e.Sides[1].RequestEnvelope = another.RequestEnvelope
		}), "bound to this request"},
		"another question": {resigned(t, func(e *api.Evidence) {
			another := sampled(t, 2, disagree, `{"amount":9007199254740993}`, strings.Replace(question, `"3"`, `"4"`, 1))
			e.Sides[1].RequestEnvelope, e.Sides[1].ResponseEnvelope = another.RequestEnvelope, another.ResponseEnvelope
			e.Sides[1].Answer = answer(`{"amount":9007199254740993}`)
		}), "the question is the same for all"},
		"another digest": {resigned(t, func(e *api.Evidence) {
			e.Sides[1].Digest = strings.Repeat("0", 64)
			e.Votes[2].Digest = e.Sides[1].Digest
		}), "the digest is that"},
		"another key": {resigned(t, func(e *api.Evidence) { e.Sides[1].Servicer.PublicKey = stranger.PublicKeyHex() }), "address is that of its public key"},
		"another servicer": {resigned(t, func(e *api.Evidence) {
			e.Sides[1].Servicer = api.EvidenceParty{Address: stranger.Address(), PublicKey: stranger.PublicKeyHex()}
		}), "addressed to this servicer"},
		"another session": {resigned(t, func(e *api.Evidence) { e.Session.StartHeight++ }), "addressed to this servicer, in this session"},
		"the difference ignored": {resigned(t, func(e *api.Evidence) {
			e.IgnoredFields = []string{"/by", "/amount"}
		}), "the digest is that"},
		"nothing ignored":      {resigned(t, func(e *api.Evidence) { e.IgnoredFields = []string{} }), "the digest is that"},
		"bad pointer":          {resigned(t, func(e *api.Evidence) { e.IgnoredFields = []string{"by"} }), "the rule of canonicalisation"},
		"one who agrees":       {resigned(t, func(e *api.Evidence) { e.Sides[0].Consistency, e.Votes[0].Consistency = "DISAGREE", "DISAGREE" }), "a servicer on each side"},
		"one side":             {resigned(t, func(e *api.Evidence) { e.Sides = e.Sides[:1] }), "a servicer on each side"},
		"no sides":             {resigned(t, func(e *api.Evidence) { e.Sides = nil }), "a servicer on each side"},
		"one twice":            {resigned(t, func(e *api.Evidence) { e.Sides = append(e.Sides, e.Sides[1]) }), "each once"},
		"request's signature":  {resigned(t, func(e *api.Evidence) { e.Sides[1].RequestEnvelope = lastFlipped(e.Sides[1].RequestEnvelope) }), "the request is signed"},
		"response's signature": {resigned(t, func(e *api.Evidence) { e.Sides[1].ResponseEnvelope = lastFlipped(e.Sides[1].ResponseEnvelope) }), "signed by the servicer"},
		"a vote of another":    {resigned(t, func(e *api.Evidence) { e.Votes[2].Digest = e.Votes[0].Digest }), "among the votes"},
		"a vote turned":        {resigned(t, func(e *api.Evidence) { e.Votes[2].Consistency = "AGREE" }), "among the votes"},
		"a vote left out":      {resigned(t, func(e *api.Evidence) { e.Votes = e.Votes[:2] }), "among the votes"},
		"other party asks":     {signedBy(t, stranger), "signed by the fisherman"},
	} {
		pieces, err := evidence.Decode(test.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		failed := failures(pieces)
		if !slices.ContainsFunc(failed, func(text string) bool { return strings.Contains(text, test.want) }) {
			t.Errorf("%s: failed are %q, want %q", name, failed, test.want)
		}
	}
}

// lastFlipped alters an envelope's last byte, which is its signature's.
func lastFlipped(envelope []byte) []byte {
	envelope = slices.Clone(envelope)
	envelope[len(envelope)-1] ^= 1
	return envelope
}

// signedBy is a piece that somebody else passes off as its own.
func signedBy(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	made := piece(t)
	made.Fisherman = api.EvidenceParty{Address: key.Address(), PublicKey: key.PublicKeyHex()}
	if err := evidence.Sign(key, &made); err != nil {
		t.Fatal(err)
	}
	return encoded(t, made)
}

// signedPiece is the evidence of a round of some samples.
func signedPiece(t *testing.T, form types.CompareForm, samples ...*types.QoSSample) api.Evidence {
	t.Helper()
	round := disputed(t)
	round.Form, round.Samples = form, samples
	made, err := evidence.Of(session, round)
	if err != nil {
		t.Fatal(err)
	}
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	return made
}

// An error that is agreed on is an answer like another: who invents data contradicts it, and so does another error.
func TestAgreedErrors(t *testing.T) {
	coded := func(code string) string {
		return `{"jsonrpc":"2.0","id":7,"error":{"code":` + code + `,"message":"in words of its own"}}`
	}
	with := func(i int, consistency types.Consistency, status uint32, payload string) *types.QoSSample {
		return answered(t, i, consistency, question, status, payload, inJSON)
	}
	rest := func(i int, consistency types.Consistency, status uint32, body string) *types.QoSSample {
		return reanswered(t, i, consistency, "/blocks/7", status, body)
	}
	const words = "the digest is that of the answer's canonical form"
	for name, test := range map[string]struct {
		majority, dissent *types.QoSSample
		// fails is the step that does; "" for none.
		fails string
	}{
		"a skipped slot":        {with(0, agree, 200, coded("-32007")), with(1, disagree, 200, answer(`{"blockhash":"x"}`)), ""},
		"spelled otherwise":     {with(0, agree, 200, coded(`"-32007.0"`)), with(1, disagree, 200, answer(`1`)), ""},
		"another error":         {with(0, agree, 200, coded("-32007")), with(1, disagree, 200, coded("-32009")), ""},
		"with status 500":       {with(0, agree, 500, coded("-8")), with(1, disagree, 200, answer(`"00ab"`)), ""},
		"nothing":               {with(0, agree, 200, answer("null")), with(1, disagree, 200, answer(`{"a":1}`)), ""},
		"not found, by code":    {with(0, agree, 200, coded("-32001")), with(1, disagree, 200, answer(`{"a":1}`)), ""},
		"not found, REST":       {rest(0, agree, 404, "<html>"), rest(1, disagree, 200, `{"a":1}`), ""},
		"bad request, REST":     {rest(0, agree, 400, `{"code":3}`), rest(1, disagree, 200, `{"a":1}`), ""},
		"the same error":        {with(0, agree, 200, coded("-32007")), with(1, disagree, 200, coded("-32007")), "differs from the majority's"},
		"null and not found":    {with(0, agree, 200, answer("null")), with(1, disagree, 200, coded("-32001")), "differs from the majority's"},
		"too many requests":     {with(0, agree, 429, coded("-32007")), with(1, disagree, 200, answer(`1`)), words},
		"of another request":    {with(0, agree, 200, strings.Replace(coded("-32007"), `"id":7`, `"id":8`, 1)), with(1, disagree, 200, answer(`1`)), words},
		"no answer":             {with(0, agree, 200, "<html>"), with(1, disagree, 200, answer(`1`)), words},
		"data that had to fail": {with(0, agree, 200, answer("2")), with(1, disagree, 503, answer(`1`)), words},
	} {
		made := signedPiece(t, inJSON, test.majority, test.dissent)
		pieces, err := evidence.Decode(encoded(t, made))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		failed := failures(pieces)
		if (len(failed) > 0) != (test.fails != "") || test.fails != "" && !strings.Contains(failed[0], test.fails) {
			t.Errorf("%s: failed are %q", name, failed)
		}
	}
}

// The form in which answers are compared is part of the rule.
func TestFormsOfEvidence(t *testing.T) {
	with := func(i int, consistency types.Consistency, result string, form types.CompareForm) *types.QoSSample {
		return answered(t, i, consistency, question, 200, answer(result), form)
	}
	number := signedPiece(t, hexNumber, with(0, agree, `"0x0ABC"`, hexNumber), with(1, agree, `"0xabc"`, hexNumber), with(2, disagree, `"0xabd"`, hexNumber))
	data := signedPiece(t, hexData, with(0, agree, `"0xAB"`, hexData), with(1, agree, `"0xab"`, hexData), with(2, disagree, `"0x00ab"`, hexData))
	for name, made := range map[string]api.Evidence{"number": number, "data": data} {
		if failed := failures([]api.Evidence{made}); len(failed) > 0 {
			t.Errorf("%s: %q", name, failed)
		}
		if !strings.HasPrefix(made.Rule, verify.Rule+", hexadecimal "+name) {
			t.Errorf("%s: rule %q", name, made.Rule)
		}
	}
	same := signedPiece(t, hexNumber, with(0, agree, `"0x00ab"`, hexNumber), with(1, disagree, `"0xAB"`, hexNumber))
	if failed := failures([]api.Evidence{same}); len(failed) != 1 || !strings.Contains(failed[0], "differs from the majority's") {
		t.Errorf("the same number: %q", failed)
	}
	for _, rule := range []string{verify.Rule, data.Rule, "", verify.Rule + ", hexadecimal numbers", strings.Repeat("x", 5000)} {
		changed := number
		changed.Rule = rule
		if err := evidence.Sign(fishermanKey, &changed); err != nil {
			t.Fatal(err)
		}
		failed := failures([]api.Evidence{changed})
		_, known := verify.FormOf(rule)
		unknown := slices.ContainsFunc(failed, func(text string) bool { return strings.Contains(text, "the rule of canonicalisation is known") })
		if len(failed) == 0 || unknown == known {
			t.Errorf("rule %.60q: failed are %q", rule, failed)
		}
	}
}

// Two servicers of which the second says the same: no evidence, whatever the fisherman makes of it.
func TestSameAnswersAreNoEvidence(t *testing.T) {
	round := disputed(t)
	round.Samples[2] = sampled(t, 2, disagree, `{"by":"x","amount":9007199254740992.0}`, question)
	made, err := evidence.Of(session, round)
	if err != nil {
		t.Fatal(err)
	}
	if err := evidence.Sign(fishermanKey, &made); err != nil {
		t.Fatal(err)
	}
	if failed := failures([]api.Evidence{made}); len(failed) != 1 || !strings.Contains(failed[0], "differs from the majority's") {
		t.Errorf("%q", failed)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := string(encoded(t, piece(t)))
	for name, text := range map[string]string{
		"nothing":         "",
		"no JSON":         "evidence",
		"a list":          "[]",
		"null":            "null",
		"other format":    strings.Replace(good, "pocket-evidence/1", "pocket-evidence/2", 1),
		"no format":       `{"evidence":[]}`,
		"unknown member":  strings.Replace(good, `"check"`, `"more":1,"check"`, 1),
		"other case":      strings.Replace(good, `"check"`, `"Check"`, 1),
		"repeated member": strings.Replace(good, `"check": 3`, `"check": 3,"check": 3`, 1),
		"both cases":      strings.Replace(good, `"check": 3`, `"Check": 4,"check": 3`, 1),
		"missing member":  strings.Replace(good, `"check": 3,`, ``, 1),
		"no base64":       strings.Replace(good, `"request_envelope": "`, `"request_envelope": "!`, 1),
		"fraction":        strings.Replace(good, `"check": 3`, `"check": 3.5`, 1),
		"another after":   good + good,
		"too long":        good + strings.Repeat(" ", evidence.MaxBytes),
		"deep":            strings.Repeat("[", 1<<20),
		"many pieces":     `{"format":"pocket-evidence/1","evidence":[{}` + strings.Repeat(`,{}`, 10_000) + `]}`,
		"many ignored":    strings.Replace(good, `"ignored_fields": [`, `"ignored_fields": [`+strings.Repeat(`"/a",`, types.MaxPointers), 1),
		"many sides":      strings.Replace(good, `"sides": [`, `"sides": [`+strings.Repeat(`{"servicer":{"address":"","public_key":""},"consistency":"","digest":"","sent_at":"","answer":"","request_envelope":null,"response_envelope":null},`, 4096), 1),
	} {
		pieces, err := evidence.Decode([]byte(text))
		if !errors.Is(err, evidence.ErrUnreadable) || pieces != nil || len(err.Error()) > 300 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %d pieces, %v", name, len(pieces), err)
		}
	}
	// Spacing and the order of members say nothing.
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(good)); err != nil {
		t.Fatal(err)
	}
	sorted, err := verify.Canonical([]byte(good), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{compact.Bytes(), sorted} {
		pieces, err := evidence.Decode(text)
		if err != nil || len(failures(pieces)) > 0 {
			t.Errorf("%.60s: %v, %q", text, err, failures(pieces))
		}
	}
}

// FuzzDecode: whatever the file, nothing panics, and only what the fisherman signed verifies.
func FuzzDecode(f *testing.F) {
	good := encoded(f, piece(f))
	f.Add(good)
	f.Add([]byte(`{"format":"pocket-evidence/1","evidence":[]}`))
	f.Add([]byte(`{"format":"pocket-evidence/1","evidence":[null]}`))
	want := piece(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		pieces, err := evidence.Decode(text)
		if err != nil {
			if !errors.Is(err, evidence.ErrUnreadable) {
				t.Fatal(err)
			}
			return
		}
		for _, one := range pieces {
			steps, ok := evidence.Verify(one)
			if len(steps) == 0 {
				t.Fatal("nothing was checked")
			}
			if ok && one.Fisherman.Address == want.Fisherman.Address && !reflect.DeepEqual(one, want) {
				t.Fatalf("verifies: %+v", one)
			}
		}
	})
}

// What is shown of a piece is shown whatever a node writes as pointers.
func TestComparedWithBadPointers(t *testing.T) {
	for _, request := range []string{question, `{"rest":{"method":"GET","path":"/a"}}`} {
		piece := api.Evidence{Request: request, IgnoredFields: []string{"a"}, Sides: []api.EvidenceSide{{Answer: `{"a":1}`}}}
		if got := evidence.Compared(piece); !slices.Equal(got, []string{`{"a":1}`}) {
			t.Errorf("%s: %q", request, got)
		}
	}
}

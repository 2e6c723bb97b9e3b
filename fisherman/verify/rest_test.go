package verify_test

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestReadREST(t *testing.T) {
	const truth = `{"block":{"height":"5","hash":"AB"},"n":[1,2.50,"x"]}`
	want := verify.ReadREST(200, []byte(truth), inJSON).Digest
	for name, test := range map[string]struct {
		status uint32
		body   string
		same   bool
		class  verify.Class
	}{
		"the same":         {200, truth, true, verify.Value},
		"spaced":           {200, " { \"n\" : [1, 2.5 ,\"\\u0078\"],\n\"block\":{\"hash\":\"AB\",\"height\":\"5\"}}\n", true, verify.Value},
		"other value":      {200, strings.Replace(truth, "AB", "AC", 1), false, verify.Value},
		"other order":      {200, strings.Replace(truth, "1,2.50", "2.50,1", 1), false, verify.Value},
		"one member more":  {200, strings.Replace(truth, `"n"`, `"m":1,"n"`, 1), false, verify.Value},
		"a number":         {200, "7", false, verify.Value},
		"text":             {200, `"0x5"`, false, verify.Value},
		"null":             {200, "null", false, verify.Absence},
		"not found":        {404, `{"code":5,"message":"no such height"}`, false, verify.Absence},
		"server error":     {500, truth, false, verify.Failure},
		"created":          {201, truth, false, verify.Failure},
		"redirect":         {302, "", false, verify.Failure},
		"no status":        {0, truth, false, verify.Failure},
		"page":             {200, "<html>fine</html>", false, verify.Malformed},
		"nothing":          {200, "", false, verify.Malformed},
		"two":              {200, truth + truth, false, verify.Malformed},
		"cut off":          {200, truth[:len(truth)-1], false, verify.Malformed},
		"repeated":         {200, `{"a":1,"a":2}`, false, verify.Malformed},
		"too deep":         {200, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), false, verify.TooLarge},
		"not UTF-8":        {200, "\"\xff\"", false, verify.Malformed},
		"a lone surrogate": {200, `"\ud800"`, false, verify.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			got := verify.ReadREST(test.status, []byte(test.body), inJSON)
			if got.Class != test.class || (got.Digest == want) != test.same {
				t.Errorf("%+v", got)
			}
			mustBeWhole(t, got)
		})
	}
}

// A REST answer is not taken for one of JSON-RPC, nor the other way round.
func TestReadAnswer(t *testing.T) {
	const answer = `{"jsonrpc":"2.0","id":-1,"result":{"a":1}}`
	rest := types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/"}}
	if got := verify.ReadAnswer(rest, 200, []byte(answer), inJSON); got != verify.ReadREST(200, []byte(answer), inJSON) || !got.Data() {
		t.Errorf("%+v", got)
	}
	if got := verify.ReadAnswer(rest, 500, []byte(answer), inJSON); got.Class != verify.Failure {
		t.Errorf("%+v", got)
	}
	rpc := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":-1,"method":"a"}`)}
	if got := verify.ReadAnswer(rpc, 200, []byte(answer), inJSON); got != verify.Read(rpc.JSONRPC, 200, []byte(answer), inJSON) || !got.Data() {
		t.Errorf("%+v", got)
	}
	if got := verify.ReadAnswer(rpc, 500, []byte(answer), inJSON); got.Class != verify.Failure {
		t.Errorf("%+v", got)
	}
	if got := verify.ReadAnswer(rpc, 200, []byte(`{"a":1}`), inJSON); got.Class != verify.Malformed {
		t.Errorf("%+v", got)
	}
	// The form and the ignored fields reach both.
	for _, question := range []types.Payload{rest, rpc} {
		with := func(by string) verify.Reading {
			return verify.ReadAnswer(question, 200, []byte(`{"jsonrpc":"2.0","id":-1,"result":{"by":"`+by+`","x":1}}`), hexData,
				types.Pointer{"by"}, types.Pointer{"result", "by"})
		}
		if with("a").Digest != with("b").Digest {
			t.Errorf("%v: an ignored field counts", question)
		}
	}
	if verify.ReadAnswer(rest, 200, []byte(`"0xAB"`), hexData).Digest != verify.ReadAnswer(rest, 200, []byte(`"0xab"`), hexData).Digest {
		t.Error("the form does not reach REST")
	}
}

// What a configuration ignores is left out of a body as it is of a result, and integers count with all their digits.
func TestReadRESTComparesAsReadDoes(t *testing.T) {
	digest := func(body string) verify.Digest {
		t.Helper()
		got := verify.ReadREST(200, []byte(body), inJSON, types.Pointer{"by"})
		if !got.Data() {
			t.Fatal(got.Err)
		}
		return got.Digest
	}
	if digest(`{"n":9007199254740992,"by":"a"}`) != digest(`{"by":"b","n":9007199254740992}`) {
		t.Error("an ignored field counts")
	}
	if digest(`{"n":9007199254740992}`) == digest(`{"n":9007199254740993}`) {
		t.Error("the last digit of an integer does not count")
	}
}

func FuzzReadREST(f *testing.F) {
	f.Add(uint32(200), []byte(`{"a":[1,"x",null]}`))
	f.Add(uint32(404), []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status uint32, body []byte) {
		got := verify.ReadREST(status, body, inJSON)
		mustBeWhole(t, got)
		if got != verify.ReadREST(status, body, inJSON) && got.Err == nil {
			t.Error("read in two ways")
		}
		if (got.Data() || got.Class == verify.Malformed) && status != 200 {
			t.Errorf("status %d is an answer", status)
		}
	})
}

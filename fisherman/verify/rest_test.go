package verify_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestReadREST(t *testing.T) {
	const truth = `{"block":{"height":"5","hash":"AB"},"n":[1,2.50,"x"]}`
	want, err := verify.ReadREST(200, []byte(truth))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		status uint32
		body   string
		same   bool
		err    error
	}{
		"the same":         {200, truth, true, nil},
		"spaced":           {200, " { \"n\" : [1, 2.5 ,\"\\u0078\"],\n\"block\":{\"hash\":\"AB\",\"height\":\"5\"}}\n", true, nil},
		"other value":      {200, strings.Replace(truth, "AB", "AC", 1), false, nil},
		"other order":      {200, strings.Replace(truth, "1,2.50", "2.50,1", 1), false, nil},
		"one member more":  {200, strings.Replace(truth, `"n"`, `"m":1,"n"`, 1), false, nil},
		"a number":         {200, "7", false, nil},
		"text":             {200, `"0x5"`, false, nil},
		"null":             {200, "null", false, nil},
		"not found":        {404, `{"code":5,"message":"no such height"}`, false, verify.ErrBackend},
		"server error":     {500, truth, false, verify.ErrBackend},
		"created":          {201, truth, false, verify.ErrBackend},
		"redirect":         {302, "", false, verify.ErrBackend},
		"no status":        {0, truth, false, verify.ErrBackend},
		"page":             {200, "<html>fine</html>", false, verify.ErrMalformed},
		"nothing":          {200, "", false, verify.ErrMalformed},
		"two":              {200, truth + truth, false, verify.ErrMalformed},
		"cut off":          {200, truth[:len(truth)-1], false, verify.ErrMalformed},
		"repeated":         {200, `{"a":1,"a":2}`, false, verify.ErrMalformed},
		"too deep":         {200, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), false, verify.ErrMalformed},
		"not UTF-8":        {200, "\"\xff\"", false, verify.ErrMalformed},
		"a lone surrogate": {200, `"\ud800"`, false, verify.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify.ReadREST(test.status, []byte(test.body))
			if !errors.Is(err, test.err) || test.err == nil && (got == want) != test.same {
				t.Errorf("%x, %v", got, err)
			}
			if err != nil && (len(err.Error()) > 512 || strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) })) {
				t.Errorf("%q", err)
			}
		})
	}
}

// A REST answer is not taken for one of JSON-RPC, nor the other way round.
func TestReadAnswer(t *testing.T) {
	const answer = `{"jsonrpc":"2.0","id":-1,"result":{"a":1}}`
	rest := types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/"}}
	got, err := verify.ReadAnswer(rest, 200, []byte(answer))
	if want, _ := verify.ReadREST(200, []byte(answer)); err != nil || got != want {
		t.Errorf("%x, %v", got, err)
	}
	if _, err := verify.ReadAnswer(rest, 500, []byte(answer)); !errors.Is(err, verify.ErrBackend) {
		t.Error(err)
	}
	rpc := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":-1,"method":"a"}`)}
	got, err = verify.ReadAnswer(rpc, 500, []byte(answer))
	if want, _ := verify.Read(rpc.JSONRPC, []byte(answer)); err != nil || got != want {
		t.Errorf("%x, %v", got, err)
	}
	if _, err := verify.ReadAnswer(rpc, 200, []byte(`{"a":1}`)); !errors.Is(err, verify.ErrMalformed) {
		t.Error(err)
	}
}

// What a configuration ignores is left out of a body as it is of a result, and integers count with all their digits.
func TestReadRESTComparesAsReadDoes(t *testing.T) {
	digest := func(body string) verify.Digest {
		t.Helper()
		got, err := verify.ReadREST(200, []byte(body), types.Pointer{"by"})
		if err != nil {
			t.Fatal(err)
		}
		return got
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
		_, err := verify.ReadREST(status, body)
		if err != nil && !errors.Is(err, verify.ErrBackend) && !errors.Is(err, verify.ErrMalformed) {
			t.Error(err)
		}
		if err == nil && status != 200 {
			t.Errorf("status %d is an answer", status)
		}
	})
}

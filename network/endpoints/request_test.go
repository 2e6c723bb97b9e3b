package endpoints

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

const rpcAnswer = `{"jsonrpc":"2.0","id":1,"result":"0x1"}`

func rpcError(code int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"error":{"code":%d,"message":"as told %s"}}`, code, pathKey)
}

func zipped(t testing.TB, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func requestTo(t testing.TB, payload types.Payload) *request {
	t.Helper()
	made, err := newTarget(plantedTarget("ann"), newThrottle(1000))
	if err != nil {
		t.Fatal(err)
	}
	made.throttles = question.ChainEVM.Throttles
	request, err := made.ask(payload)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// What an answer is taken for: outcomeOK for one whose body the judge reads.
func TestOpen(t *testing.T) {
	rpc := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x1",false]}`)}
	rest := types.Payload{REST: &types.RESTPayload{Method: http.MethodGet, Path: "/blocks/7"}}
	const (
		ok, status, throttled = types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_HTTP_STATUS, types.Outcome_OUTCOME_THROTTLED
		malformed, tooLarge   = types.Outcome_OUTCOME_MALFORMED, types.Outcome_OUTCOME_TOO_LARGE
	)
	plain := func(status int, body string) *wire.Answer { return &wire.Answer{Status: status, Body: []byte(body)} }
	encoded := func(encoding string, body []byte) *wire.Answer {
		return &wire.Answer{Status: 200, Header: http.Header{"Content-Encoding": {encoding}}, Body: body}
	}
	for name, test := range map[string]struct {
		payload types.Payload
		answer  *wire.Answer
		want    types.Outcome
		body    string
	}{
		"an answer":                  {rpc, plain(200, rpcAnswer), ok, rpcAnswer},
		"an error":                   {rpc, plain(200, rpcError(-32000)), ok, rpcError(-32000)},
		"an error by status 400":     {rpc, plain(400, rpcError(-32602)), ok, rpcError(-32602)},
		"an error by status 500":     {rpc, plain(500, rpcError(-32603)), ok, rpcError(-32603)},
		"another id":                 {rpc, plain(200, strings.Replace(rpcAnswer, `"id":1`, `"id":2`, 1)), ok, strings.Replace(rpcAnswer, `"id":1`, `"id":2`, 1)},
		"moved":                      {rpc, plain(301, ""), status, ""},
		"moved, with an answer":      {rpc, plain(307, rpcAnswer), status, ""},
		"not modified":               {rpc, plain(304, ""), status, ""},
		"no key":                     {rpc, plain(401, "<html>"), status, ""},
		"no key, said by JSON-RPC":   {rpc, plain(401, rpcError(-32000)), status, ""},
		"forbidden, by JSON-RPC":     {rpc, plain(403, rpcError(-32000)), status, ""},
		"used up, said by JSON-RPC":  {rpc, plain(402, rpcError(-32000)), status, ""},
		"not found":                  {rpc, plain(404, "not found"), status, ""},
		"unavailable":                {rpc, plain(503, ""), status, ""},
		"unavailable, in JSON":       {rpc, plain(503, `{"message":"no"}`), status, ""},
		"a page of HTML":             {rpc, plain(200, "<html>"), ok, "<html>"},
		"too many requests":          {rpc, plain(429, ""), throttled, ""},
		"too many, with an answer":   {rpc, plain(429, rpcAnswer), throttled, ""},
		"too many, by REST":          {rest, plain(429, ""), throttled, ""},
		"limit exceeded":             {rpc, plain(200, rpcError(-32005)), throttled, ""},
		"limit exceeded, status 400": {rpc, plain(400, rpcError(-32005)), throttled, ""},
		"a REST answer":              {rest, plain(200, `{"a":1}`), ok, `{"a":1}`},
		"a REST error":               {rest, plain(404, `{"code":5}`), ok, `{"code":5}`},
		"a REST redirect":            {rest, plain(302, ""), status, ""},
		"gzip":                       {rpc, encoded("gzip", zipped(t, []byte(rpcAnswer))), ok, rpcAnswer},
		"gzip, cut off":              {rpc, encoded("gzip", zipped(t, []byte(rpcAnswer))[:20]), malformed, ""},
		"gzip twice":                 {rpc, encoded("gzip, gzip", zipped(t, zipped(t, []byte(rpcAnswer)))), malformed, ""},
		"no gzip":                    {rpc, encoded("gzip", []byte(rpcAnswer)), malformed, ""},
		"brotli":                     {rpc, encoded("br", []byte(rpcAnswer)), malformed, ""},
		"a bomb":                     {rpc, encoded("gzip", zipped(t, make([]byte, wire.MaxBodyBytes+1))), tooLarge, ""},
		"a limit error in gzip":      {rpc, encoded("gzip", zipped(t, []byte(rpcError(-32005)))), throttled, ""},
		"HTTP/2 only":                {rpc, plain(505, ""), malformed, ""},
		"HTTP/2 only, by an upgrade": {rpc, &wire.Answer{Status: 426, Header: http.Header{"Upgrade": {"h2c"}}}, malformed, ""},
		"another upgrade":            {rpc, &wire.Answer{Status: 426, Header: http.Header{"Upgrade": {"TLS/1.2"}}}, status, ""},
		"nothing":                    {rpc, plain(200, ""), ok, ""},
		"null":                       {rpc, plain(200, "null"), ok, "null"},
		"a number":                   {rpc, plain(500, "7"), status, ""},
		"an error that is text":      {rpc, plain(200, `{"error":"no"}`), ok, `{"error":"no"}`},
		"an error without end":       {rpc, plain(200, `{"error":{"code":-32005`), ok, `{"error":{"code":-32005`},
	} {
		request := requestTo(t, test.payload)
		reply, failure := request.Open(test.answer)
		got := ok
		if failure != nil {
			got = failure.Outcome
		}
		if got != test.want || string(reply.Payload) != test.body || !bytes.Equal(reply.Kept, reply.Payload) || failure == nil && reply.Status != uint32(test.answer.Status) {
			t.Errorf("%s: %v, %q (%v)", name, got, reply.Payload, failure)
		}
		_, paused := request.throttle.pausedUntil(time.Now())
		if paused != (test.want == throttled) {
			t.Errorf("%s: left alone %t", name, paused)
		}
		if strings.HasPrefix(name, "HTTP/2 only") && !errors.Is(failure, wire.ErrHTTP2Only) {
			t.Errorf("%s: %v", name, failure)
		}
		if failure != nil && (strings.Contains(failure.Error(), "KEY") || text.Printable(failure.Error()) != failure.Error()) {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

// Who says that it is asked too often has spoken against nobody, and is believed about the time only.
func TestTooOften(t *testing.T) {
	request := requestTo(t, types.Payload{JSONRPC: []byte(`{"id":1}`)})
	_, failure := request.Open(&wire.Answer{Status: 429, Header: header("90")})
	if failure == nil || failure.Outcome != types.Outcome_OUTCOME_THROTTLED || failure.Blame != types.Blame_BLAME_SELF || !strings.Contains(failure.Error(), "left alone for 1m30s") {
		t.Error(failure)
	}
}

// Evidence is the question, and nothing of whom or how.
func TestEvidenceOfRequest(t *testing.T) {
	asked := `{"jsonrpc":"2.0","id":1,"method":"status"}`
	if got := requestTo(t, types.Payload{JSONRPC: []byte(asked)}).Evidence(); string(got) != asked {
		t.Errorf("%s", got)
	}
	rest := &types.RESTPayload{Method: http.MethodGet, Path: "/blocks/7?a=b", Headers: []*types.HTTPHeader{{Name: "X-A", Value: "b"}}}
	got := string(requestTo(t, types.Payload{REST: rest}).Evidence())
	if !strings.Contains(got, "/blocks/7?a=b") || strings.Contains(got, "X-A") || strings.Contains(got, "KEY") || len(rest.GetHeaders()) != 1 {
		t.Errorf("%s", got)
	}
}

// FuzzOpen: whatever comes back is opened, and is what came back or a failure that can be shown.
func FuzzOpen(f *testing.F) {
	f.Add(200, []byte(rpcAnswer), "", "")
	f.Add(429, []byte(rpcError(-32005)), "gzip", "7")
	f.Add(302, []byte("<html>"), "br", "Wed, 01 Jul 2026 12:00:20 GMT")
	f.Fuzz(func(t *testing.T, status int, body []byte, encoding, after string) {
		for _, payload := range []types.Payload{{JSONRPC: []byte(`{"id":1}`)}, {REST: &types.RESTPayload{Method: "GET", Path: "/"}}} {
			request := requestTo(t, payload)
			reply, failure := request.Open(&wire.Answer{Status: status, Header: http.Header{"Content-Encoding": {encoding}, "Retry-After": {after}}, Body: body})
			switch {
			case failure == nil && encoding == "" && !bytes.Equal(reply.Payload, body):
				t.Errorf("read as %q", reply.Payload)
			case failure != nil && (failure.Err == nil || failure.Outcome == 0 || failure.Blame == 0 || text.Printable(failure.Error()) != failure.Error()):
				t.Errorf("%+v", failure)
			}
		}
	})
}

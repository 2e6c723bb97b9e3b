package protocol_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

func keyOf(t testing.TB, n byte) *protocol.PrivateKey {
	t.Helper()
	number := sha256.Sum256([]byte{n})
	key, err := protocol.NewPrivateKey(number[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rig is an application with one gateway, which signs, and one supplier.
type rig struct {
	t                         testing.TB
	app, gateway, supplierKey *protocol.PrivateKey
	signer                    *protocol.Signer
	session                   *protocol.SessionHeader
	target                    protocol.Target
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, app: keyOf(t, 1), gateway: keyOf(t, 2), supplierKey: keyOf(t, 3)}
	var err error
	if r.signer, err = protocol.NewSigner(r.gateway, [][]byte{r.app.PublicKey(), r.gateway.PublicKey()}); err != nil {
		t.Fatal(err)
	}
	r.session = &protocol.SessionHeader{ApplicationAddress: r.app.Address(), ServiceId: "eth", SessionId: strings.Repeat("ab", 32),
		SessionStartBlockHeight: 21, SessionEndBlockHeight: 40}
	r.target = protocol.Target{Address: r.supplierKey.Address(), PublicKey: r.supplierKey.PublicKey(), KeyHeight: 30, URL: "https://supplier.example/v1"}
	return r
}

const asked = `{"jsonrpc":"2.0","id":"seven","method":"eth_chainId","params":[{"id":1}]}`

func rpc(body string) types.Payload { return types.Payload{JSONRPC: []byte(body)} }

func rest(path string) types.Payload {
	return types.Payload{REST: &types.RESTPayload{Method: "GET", Path: path}}
}

func (r *rig) seal(payload types.Payload) *protocol.Request {
	r.t.Helper()
	request, err := protocol.Seal(r.signer, r.session, r.target, payload)
	if err != nil {
		r.t.Fatal(err)
	}
	return request
}

// received is what the supplier reads of a request.
func (r *rig) received(request *protocol.Request) (*protocol.RelayRequest, *protocol.POKTHTTPRequest) {
	r.t.Helper()
	var relay protocol.RelayRequest
	var inner protocol.POKTHTTPRequest
	if err := proto.Unmarshal(request.Body, &relay); err != nil {
		r.t.Fatal(err)
	}
	if err := proto.Unmarshal(relay.GetPayload(), &inner); err != nil {
		r.t.Fatal(err)
	}
	return &relay, &inner
}

// id is the random id of a request.
func (r *rig) id(request *protocol.Request) string {
	r.t.Helper()
	_, inner := r.received(request)
	var sent struct{ ID json.Number }
	if err := json.Unmarshal(inner.GetBody(), &sent); err != nil {
		r.t.Fatal(err)
	}
	return sent.ID.String()
}

// response is an unsigned response with a payload.
func (r *rig) response(status uint32, body string) *protocol.RelayResponse {
	payload := encode(r.t, &protocol.POKTHTTPResponse{StatusCode: status, Body: []byte(body)})
	hash := sha256.Sum256(payload)
	return &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: proto.CloneOf(r.session)}, Payload: payload, PayloadHash: hash[:]}
}

// sign has a key sign a response.
func sign(t testing.TB, response *protocol.RelayResponse, key *protocol.PrivateKey) *protocol.RelayResponse {
	t.Helper()
	hash, err := response.SignedHash()
	if err != nil {
		t.Fatal(err)
	}
	response.Meta.SupplierOperatorSignature = key.Sign(hash[:])
	return response
}

func encode(t testing.TB, message proto.Message) []byte {
	t.Helper()
	marshalled, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return marshalled
}

// delivered is a body as it is read from a connection.
func delivered(status int, body []byte) *wire.Answer {
	return &wire.Answer{Status: status, Header: http.Header{"Content-Type": {"application/octet-stream"}}, Body: body}
}

// answered is the supplier's honest answer.
func (r *rig) answered(status uint32, body string) *wire.Answer {
	return delivered(200, encode(r.t, sign(r.t, r.response(status, body), r.supplierKey)))
}

func result(id string) string { return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"id":9}}`, id) }

func TestRelay(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	relay, inner := r.received(request)
	if relay.GetMeta().GetSupplierOperatorAddress() != r.target.Address || !proto.Equal(relay.GetMeta().GetSessionHeader(), r.session) {
		t.Errorf("%v", relay.GetMeta())
	}
	hash, err := relay.SignedHash()
	if err != nil || hash != request.Hash {
		t.Errorf("hash %x, %v", hash, err)
	}
	if _, err := protocol.VerifyRing(hash, relay.GetMeta().GetSignature()); err != nil {
		t.Error(err)
	}
	id := r.id(request)
	if want := strings.Replace(asked, `"seven"`, id, 1); inner.GetMethod() != "POST" || inner.GetUrl() != r.target.URL || string(inner.GetBody()) != want {
		t.Errorf("asked %s %s %s, want %s", inner.GetMethod(), inner.GetUrl(), inner.GetBody(), want)
	}
	if len(id) != 16 || id == r.id(r.seal(rpc(asked))) {
		t.Errorf("id %s", id)
	}
	written, err := http.ReadRequest(bufioOf(request.Wire()))
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	_, _ = body.ReadFrom(written.Body)
	if written.Method != "POST" || written.Host != "supplier.example" || written.URL.Path != "/v1" || written.Header.Get("Rpc-Type") != "3" ||
		written.Header.Get("Content-Type") != "application/json" || !bytes.Equal(body.Bytes(), request.Body) {
		t.Errorf("%+v", written)
	}
	reply, failure := request.Open(r.answered(200, result(id)))
	if want := result(`"seven"`); failure != nil || reply.Status != 200 || string(reply.Payload) != want || reply.Remark != "" {
		t.Errorf("%s, %v", reply.Payload, failure)
	}
	var kept protocol.AskedRelay
	if err := proto.Unmarshal(request.Evidence(), &kept); err != nil || !bytes.Equal(kept.GetRequest(), request.Body) || kept.GetKeyHeight() != 30 ||
		!bytes.Equal(kept.GetSupplierPublicKey(), r.target.PublicKey) {
		t.Errorf("%v, %v", &kept, err)
	}
}

func TestRESTRelay(t *testing.T) {
	r := newRig(t)
	for url, want := range map[string]string{
		"https://supplier.example":     "https://supplier.example/a/b?c=d%20e",
		"https://supplier.example/":    "https://supplier.example/a/b?c=d%20e",
		"https://supplier.example/v1":  "https://supplier.example/v1/a/b?c=d%20e",
		"http://supplier.example:8/x/": "http://supplier.example:8/x/a/b?c=d%20e",
	} {
		r.target.URL = url
		payload := rest("/a/b?c=d%20e")
		payload.REST.Headers = []*types.HTTPHeader{{Name: "x-b", Value: "1"}, {Name: "accept", Value: "application/json"}, {Name: "X-B", Value: "2"}}
		request := r.seal(payload)
		_, inner := r.received(request)
		if inner.GetUrl() != want || inner.GetMethod() != "GET" || len(inner.GetHeader()) != 3 || string(inner.GetHeader()[2].GetValue().GetValues()[1]) != "2" ||
			!bytes.Contains(request.Wire(), []byte("Rpc-Type: 4\r\n")) {
			t.Errorf("%s: %v", url, inner)
		}
		for _, status := range []uint32{200, 404} {
			reply, failure := request.Open(r.answered(status, `{"supply":"1"}`))
			if failure != nil || reply.Status != status || string(reply.Payload) != `{"supply":"1"}` || reply.Remark != protocol.Unbound || request.Binds() {
				t.Errorf("%+v, %v", reply, failure)
			}
		}
	}
}

func TestBatchRelay(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(`[{"id":1,"method":"a"}, {"method":"b","id":1}]`))
	_, inner := r.received(request)
	var sent []struct{ ID json.Number }
	if err := json.Unmarshal(inner.GetBody(), &sent); err != nil || len(sent) != 2 || sent[0].ID == sent[1].ID {
		t.Fatalf("%s, %v", inner.GetBody(), err)
	}
	one := func(id, result any) string { return fmt.Sprintf(`{"id":%v,"result":%v}`, id, result) }
	reply, failure := request.Open(r.answered(200, `[`+one(sent[1].ID, 2)+`,`+one(sent[0].ID, 1)+`]`))
	if failure != nil || string(reply.Payload) != `[`+one(1, 2)+`,`+one(1, 1)+`]` {
		t.Errorf("%s, %v", reply.Payload, failure)
	}
	for name, body := range map[string]string{
		"one":        `[` + one(sent[0].ID, 1) + `]`,
		"one, alone": one(sent[0].ID, 1),
		"twice":      `[` + one(sent[0].ID, 1) + `,` + one(sent[0].ID, 1) + `]`,
		"more":       `[` + one(sent[0].ID, 1) + `,` + one(sent[1].ID, 1) + `,` + one(7, 1) + `]`,
		"none":       `[]`,
	} {
		if _, failure := request.Open(r.answered(200, body)); failure == nil || failure.Outcome != types.Outcome_OUTCOME_WRONG_BINDING {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

// verdict is what a failure says.
type verdict struct {
	outcome types.Outcome
	blame   types.Blame
}

var (
	badSignature = verdict{types.Outcome_OUTCOME_BAD_SIGNATURE, types.Blame_BLAME_SERVICER}
	wrongBinding = verdict{types.Outcome_OUTCOME_WRONG_BINDING, types.Blame_BLAME_SERVICER}
	malformed    = verdict{types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER}
	httpStatus   = verdict{types.Outcome_OUTCOME_HTTP_STATUS, types.Blame_BLAME_SERVICER}
	relayError   = verdict{types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER}
	backendError = verdict{types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND}
	voidUnknown  = verdict{types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN}
	voidSelf     = verdict{types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF}
	throttled    = verdict{types.Outcome_OUTCOME_THROTTLED, types.Blame_BLAME_SELF}
)

func expect(t *testing.T, name string, reply protocol.Reply, failure *types.Failure, want verdict) {
	t.Helper()
	switch {
	case failure == nil:
		t.Errorf("%s: accepted: %s", name, reply.Payload)
	case verdict{failure.Outcome, failure.Blame} != want:
		t.Errorf("%s: %v %v (%v), want %v %v", name, failure.Outcome, failure.Blame, failure, want.outcome, want.blame)
	case failure.Err == nil || failure.Attempt == types.Attempt_ATTEMPT_UNSPECIFIED || len(failure.Error()) > 400:
		t.Errorf("%s: %v", name, failure)
	}
}

// What a supplier may do to a response, and how that ends.
func TestFaultyAnswers(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	good := result(r.id(request))
	stranger := keyOf(t, 99)
	signed := func(alter func(*protocol.RelayResponse), key *protocol.PrivateKey) *wire.Answer {
		response := r.response(200, good)
		alter(response)
		return delivered(200, encode(t, sign(t, response, key)))
	}
	after := func(alter func(*protocol.RelayResponse)) *wire.Answer {
		response := sign(t, r.response(200, good), r.supplierKey)
		alter(response)
		return delivered(200, encode(t, response))
	}
	header := func(alter func(*protocol.SessionHeader)) *wire.Answer {
		return signed(func(response *protocol.RelayResponse) { alter(response.Meta.SessionHeader) }, r.supplierKey)
	}
	highS := sign(t, r.response(200, good), r.supplierKey)
	flipS(highS.Meta.SupplierOperatorSignature)
	for name, test := range map[string]struct {
		answer *wire.Answer
		want   verdict
	}{
		"another key":  {signed(func(*protocol.RelayResponse) {}, stranger), badSignature},
		"no signature": {after(func(p *protocol.RelayResponse) { p.Meta.SupplierOperatorSignature = nil }), badSignature},
		"a short signature": {after(func(p *protocol.RelayResponse) {
			p.Meta.SupplierOperatorSignature = p.Meta.SupplierOperatorSignature[:63]
		}), badSignature},
		"the higher S":          {delivered(200, encode(t, highS)), badSignature},
		"an altered payload":    {after(func(p *protocol.RelayResponse) { p.Payload[len(p.Payload)-1] ^= 1 }), badSignature},
		"another payload":       {after(func(p *protocol.RelayResponse) { p.Payload = r.response(200, result("1")).Payload }), badSignature},
		"no payload":            {after(func(p *protocol.RelayResponse) { p.Payload = nil }), badSignature},
		"an altered hash":       {after(func(p *protocol.RelayResponse) { p.PayloadHash[0] ^= 1 }), badSignature},
		"no hash":               {after(func(p *protocol.RelayResponse) { p.PayloadHash = nil }), badSignature},
		"a short hash":          {signed(func(p *protocol.RelayResponse) { p.PayloadHash = p.PayloadHash[:31] }, r.supplierKey), badSignature},
		"another application":   {header(func(h *protocol.SessionHeader) { h.ApplicationAddress = r.gateway.Address() }), wrongBinding},
		"another service":       {header(func(h *protocol.SessionHeader) { h.ServiceId = "poly" }), wrongBinding},
		"another session":       {header(func(h *protocol.SessionHeader) { h.SessionId = strings.Repeat("cd", 32) }), wrongBinding},
		"another start":         {header(func(h *protocol.SessionHeader) { h.SessionStartBlockHeight++ }), wrongBinding},
		"another end":           {header(func(h *protocol.SessionHeader) { h.SessionEndBlockHeight = 41 }), wrongBinding},
		"no session":            {signed(func(p *protocol.RelayResponse) { p.Meta.SessionHeader = nil }, r.supplierKey), wrongBinding},
		"session altered after": {after(func(p *protocol.RelayResponse) { p.Meta.SessionHeader.SessionId = "x" }), wrongBinding},
		"nothing":               {delivered(200, nil), malformed},
		"no protobuf":           {delivered(200, []byte("<html>")), malformed},
		"no meta":               {delivered(200, encode(t, &protocol.RelayResponse{Payload: []byte("x")})), malformed},
		"no HTTP response": {signed(func(p *protocol.RelayResponse) {
			p.Payload = []byte("\xff\xff")
			hash := sha256.Sum256(p.Payload)
			p.PayloadHash = hash[:]
		}, r.supplierKey), malformed},
		"an impossible status":         {r.answered(99, good), malformed},
		"a replayed answer":            {r.answered(200, result(r.id(r.seal(rpc(asked))))), wrongBinding},
		"the question's own id":        {r.answered(200, result(`"seven"`)), wrongBinding},
		"no id":                        {r.answered(200, `{"jsonrpc":"2.0","result":1}`), wrongBinding},
		"a null id":                    {r.answered(200, result("null")), wrongBinding},
		"two ids":                      {r.answered(200, `{"id":`+r.id(request)+`,"id":`+r.id(request)+`,"result":1}`), malformed},
		"another id first":             {r.answered(200, `{"id":1,"id":`+r.id(request)+`,"result":1}`), wrongBinding},
		"an id within":                 {r.answered(200, `{"result":`+good+`}`), wrongBinding},
		"no JSON":                      {r.answered(200, "<html>"), malformed},
		"an empty body":                {r.answered(200, ""), malformed},
		"a number":                     {r.answered(200, r.id(request)), malformed},
		"an error without id":          {r.answered(200, `{"id":null,"error":{"code":3}}`), backendError},
		"an error of another":          {r.answered(200, `{"id":5,"error":{"code":3}}`), wrongBinding},
		"status 500 of the backend":    {r.answered(500, "oops"), backendError},
		"status 500, another's result": {r.answered(500, result("5")), backendError},
		"a redirect within":            {r.answered(302, ""), backendError},
		"a redirect":                   {delivered(302, nil), httpStatus},
		"status 500":                   {delivered(500, []byte("<html>")), httpStatus},
		"status 404":                   {delivered(404, nil), httpStatus},
		"status 204":                   {delivered(204, nil), httpStatus},
		"status 429 of a proxy":        {delivered(429, []byte("slow down")), throttled},
	} {
		reply, failure := request.Open(test.answer)
		expect(t, name, reply, failure, test.want)
	}
	unkeyed := r.target
	unkeyed.PublicKey = nil
	request, err := protocol.Seal(r.signer, r.session, unkeyed, rpc(asked))
	if err != nil {
		t.Fatal(err)
	}
	reply, failure := request.Open(r.answered(200, result(r.id(request))))
	expect(t, "a supplier without a key", reply, failure, voidUnknown)
}

// Answers that honest software gives and that count.
func TestOddAnswers(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	id := r.id(request)
	for _, spelling := range []string{id, `"` + id + `"`, id + ".0", id + "e0", id[:15] + "." + id[15:] + "e15"} {
		if spelling == id[:15]+"."+id[15:]+"e15" {
			spelling = id[:1] + "." + id[1:] + "e15"
		}
		reply, failure := request.Open(r.answered(200, result(spelling)))
		if failure != nil || string(reply.Payload) != result(`"seven"`) {
			t.Errorf("%s: %s, %v", spelling, reply.Payload, failure)
		}
	}
	for _, body := range []string{`{"id":` + id + `,"error":{"code":3,"message":"execution reverted"}}`, ` {"result" : null , "id" : ` + id + "}\n"} {
		for _, status := range []uint32{200, 400, 500} {
			reply, failure := request.Open(r.answered(status, body))
			if failure != nil || reply.Status != status || string(reply.Payload) != strings.Replace(body, id, `"seven"`, 1) {
				t.Errorf("%s: %s, %v", body, reply.Payload, failure)
			}
		}
	}
	old := r.response(200, result(id))
	old.PayloadHash = nil
	if _, failure := request.Open(delivered(200, encode(t, sign(t, old, r.supplierKey)))); failure != nil {
		t.Errorf("a RelayMiner from before v0.1.25: %v", failure)
	}
	// A field that a later version adds is signed with the rest.
	later := r.response(200, result(id))
	later.ProtoReflect().SetUnknown([]byte{0x2a, 1, 'x'})
	if _, failure := request.Open(delivered(200, encode(t, sign(t, later, r.supplierKey)))); failure != nil {
		t.Errorf("a later RelayMiner: %v", failure)
	}
	later.ProtoReflect().SetUnknown([]byte{0x2a, 1, 'y'})
	reply, failure := request.Open(delivered(200, encode(t, later)))
	expect(t, "an altered field of a later RelayMiner", reply, failure, badSignature)
	// Headers and texts that are not UTF-8, and a compressed body.
	zipped := &protocol.POKTHTTPResponse{StatusCode: 200, Body: gzipped(t, result(id)), Header: []*protocol.HeaderEntry{
		{Key: []byte("Server"), Value: &protocol.Header{Key: []byte("Server"), Values: [][]byte{{0xe9}}}},
		{Key: []byte("content-encoding"), Value: &protocol.Header{Key: []byte("content-encoding"), Values: [][]byte{[]byte("gzip")}}}}}
	response := r.response(200, "")
	response.Payload = encode(t, zipped)
	hash := sha256.Sum256(response.Payload)
	response.PayloadHash = hash[:]
	reply, failure = request.Open(delivered(200, encode(t, sign(t, response, r.supplierKey))))
	if failure != nil || string(reply.Payload) != result(`"seven"`) {
		t.Errorf("compressed: %s, %v", reply.Payload, failure)
	}
}

// The RelayMiner's unsigned errors, by codespace and code; the words never decide.
func TestMinerErrors(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	type said struct {
		codespace string
		code      uint32
	}
	for test, want := range map[said]verdict{
		{"relayer_proxy", 1}:          voidUnknown,
		{"relayer_proxy", 3}:          relayError,
		{"relayer_proxy", 5}:          backendError,
		{"relayer_proxy", 6}:          voidUnknown,
		{"relayer_proxy", 7}:          voidSelf,
		{"relayer_proxy", 9}:          relayError,
		{"relayer_proxy", 10}:         backendError,
		{"relayer_proxy", 12}:         backendError,
		{"relayer_proxy", 13}:         voidUnknown,
		{"relayer_proxy", 14}:         voidUnknown,
		{"relayer_proxy", 77}:         relayError,
		{"relay_authenticator", 1}:    voidUnknown,
		{"relay_authenticator", 2}:    voidUnknown,
		{"relay_authenticator", 6}:    relayError,
		{"rings", 2}:                  voidUnknown,
		{"rings", 3}:                  voidUnknown,
		{"service", 1111}:             voidUnknown,
		{"session", 1102}:             voidUnknown,
		{"undefined", 0}:              relayError,
		{"", 0}:                       relayError,
		{"another", 3}:                relayError,
		{"rings", 4_000_000_000}:      relayError,
		{"\x1b[31mred\xff\n", 1}:      relayError,
		{strings.Repeat("x", 1e5), 1}: relayError,
	} {
		for _, words := range []string{"", "invalid session in relayer request", "offchain rate limit hit by relayer proxy", "\x00\xff\n" + strings.Repeat("é", 1e5)} {
			response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: r.session}, Payload: []byte(words),
				RelayMinerError: &protocol.RelayMinerError{Codespace: []byte(test.codespace), Code: test.code, Description: []byte(words), Message: []byte(words)}}
			reply, failure := request.Open(delivered(200, encode(t, response)))
			name := fmt.Sprintf("%.20q %d", test.codespace, test.code)
			expect(t, name, reply, failure, want)
			if failure == nil {
				continue
			}
			refusal := failure.Refusal
			if refusal == nil || refusal.Code == 0 || refusal.Label == "" || len(refusal.Label) > 40 {
				t.Errorf("%s: refusal %+v", name, refusal)
				continue
			}
			if refusal.DisputesRequest != (want == voidUnknown || test.code == 0) || refusal.OverAllowance != (want == voidSelf) || refusal.TooLarge != (test == said{"relayer_proxy", 12}) {
				t.Errorf("%s: refusal %+v", name, refusal)
			}
			for _, c := range failure.Error() {
				if c < ' ' || c == 0x7f {
					t.Errorf("%s: %q", name, failure.Error())
					break
				}
			}
		}
	}
	// A supplier that signs its error has not answered either.
	response := r.response(200, result(r.id(request)))
	response.RelayMinerError = &protocol.RelayMinerError{Codespace: []byte("relayer_proxy"), Code: 10}
	reply, failure := request.Open(delivered(200, encode(t, sign(t, response, r.supplierKey))))
	expect(t, "a signed error with an answer", reply, failure, backendError)
}

// RelayMiners repeat the URLs of their backends, which may have keys in them.
func TestBackendURLIsNotShown(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	const words = `Post "http://user:secret@10.0.0.7/v3/secret": dial tcp 10.0.0.7:80: connect: connection refused: internal error`
	response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{}, RelayMinerError: &protocol.RelayMinerError{
		Codespace: []byte("relayer_proxy"), Code: 5, Message: []byte(words)}}
	for _, answer := range []*wire.Answer{delivered(200, encode(t, response)), delivered(502, []byte(`{"error":"backend https://a.example/secret failed"}`)),
		delivered(500, []byte(`{"error":{"message":"https://a.example/secret"}}`)), delivered(500, []byte("wss://a.example/secret\nfailed"))} {
		if _, failure := request.Open(answer); failure == nil || strings.Contains(failure.Error(), "secret") || !strings.Contains(failure.Error(), "[URL]") {
			t.Errorf("%v", failure)
		}
	}
}

// The high-availability miner's errors: HTTP statuses with JSON.
func TestHAMinerErrors(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	const words = `{"error":"session relay limit reached: claimable portion fully consumed"}`
	for _, test := range []struct {
		status int
		body   string
		want   verdict
	}{
		{400, words, voidUnknown}, {403, `{"error":"relay validation failed: session mismatch"}`, voidUnknown}, {413, words, voidUnknown},
		{404, words, relayError}, {503, `{"error":"service temporarily unavailable","service":"eth"}`, relayError}, {429, words, voidSelf}, {502, `{"error":"backend error"}`, backendError},
		{500, words, backendError}, {504, words, backendError}, {418, words, relayError},
		// A backend's failure, passed on as it is.
		{500, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"x"}}`, backendError}, {503, `{"error":{"code":1}}`, backendError},
		{502, "<html>502 Bad Gateway</html>", httpStatus}, {403, "", httpStatus}, {403, `["error"]`, httpStatus}, {403, `{"error":3}`, httpStatus},
		{403, `{"error":"` + strings.Repeat("x", 1<<20) + `"}`, httpStatus},
	} {
		reply, failure := request.Open(delivered(test.status, []byte(test.body)))
		expect(t, fmt.Sprintf("%d %.40s", test.status, test.body), reply, failure, test.want)
		if refused := test.want == voidUnknown || test.want == voidSelf || test.want == relayError; failure != nil && refused != (failure.Refusal != nil && failure.Refusal.Code > 90_000) &&
			test.want != backendError {
			t.Errorf("%d: %+v", test.status, failure.Refusal)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	r := newRig(t)
	for _, url := range []string{"", "supplier.example", "ftp://supplier.example", "https://", "https://a b/", "ws://supplier.example", "http://[::1"} {
		target := r.target
		target.URL = url
		if _, err := protocol.Seal(r.signer, r.session, target, rpc(asked)); err == nil || strings.Contains(err.Error(), "a b") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, payload := range []types.Payload{{}, rpc("x"), rpc(`{"method":"a"}`), rpc(`[]`), rpc(`{"id":1,"id":2}`), rpc(`[1]`), rpc(`7`), rest("a"), rest("/%zz"), rest("")} {
		if request, err := protocol.Seal(r.signer, r.session, r.target, payload); err == nil {
			t.Errorf("%s %v: sealed %v", payload.JSONRPC, payload.REST, request)
		}
	}
}

// An honest server in front of the supplier's key: what is written can be read by net/http, and what net/http writes can be
// opened.
func TestOverHTTP(t *testing.T) {
	r := newRig(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(request.Body)
		var relay protocol.RelayRequest
		var inner protocol.POKTHTTPRequest
		var sent struct{ ID json.Number }
		if proto.Unmarshal(body.Bytes(), &relay) != nil || proto.Unmarshal(relay.GetPayload(), &inner) != nil || json.Unmarshal(inner.GetBody(), &sent) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Connection", "close")
		_, _ = w.Write(encode(t, sign(t, r.response(200, result(sent.ID.String())), r.supplierKey)))
	}))
	defer server.Close()
	r.target.URL = server.URL
	request := r.seal(rpc(asked))
	conn, err := (&wire.Dialer{AllowPrivate: true}).Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Send(request.Wire(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	answer, err := conn.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if reply, failure := request.Open(answer); failure != nil || string(reply.Payload) != result(`"seven"`) {
		t.Errorf("%s, %v", reply.Payload, failure)
	}
}

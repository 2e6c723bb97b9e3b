package relay_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var updateEnvelopes = flag.Bool("update-envelopes", false, "write the golden envelopes anew")

// seededKey is the key whose seed is one byte repeated.
func seededKey(fill byte) crypto.PrivateKey {
	return crypto.KeyFromSeed([32]byte(bytes.Repeat([]byte{fill}, 32)))
}

var (
	askerKey    = seededKey(1)
	servicerKey = seededKey(2)
	strangerKey = seededKey(3)
)

func sampleRequest() *types.RelayRequest {
	return &types.RelayRequest{
		Session: &types.SessionHeader{
			Id:          strings.Repeat("ab", 32),
			StartHeight: 20,
			RelayChain:  "0001",
			GeoZone:     "eu-west",
			Application: askerKey.Address(),
		},
		Servicer:           servicerKey.Address(),
		Nonce:              []byte("0123456789abcdef"),
		ClientTimeUnixNano: 1_700_000_000_000_000_000,
		Payload: &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{
			Body: []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`),
		}},
	}
}

func sampleResponse(hash [32]byte) *types.RelayResponse {
	return &types.RelayResponse{
		RequestHash:      hash[:],
		Servicer:         servicerKey.Address(),
		ReceivedUnixNano: 1_700_000_000_100_000_000,
		AnsweredUnixNano: 1_700_000_000_200_000_000,
		UpstreamStatus:   200,
		Payload:          []byte(`{"jsonrpc":"2.0","id":1,"result":{}}`),
	}
}

func sampleBinding(hash [32]byte) relay.Binding {
	return relay.Binding{RequestHash: hash, Servicer: servicerKey.Address(), PublicKey: servicerKey.PublicKey()}
}

func sealSample(t testing.TB) *relay.SealedRequest {
	t.Helper()
	sealed, err := relay.SealRequest(askerKey, sampleRequest())
	if err != nil {
		t.Fatalf("seal request: %v", err)
	}
	return sealed
}

func marshal(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return encoded
}

// signedEnvelope signs any body, well-formed or not.
func signedEnvelope(t testing.TB, key crypto.PrivateKey, domain crypto.Domain, body []byte) *types.Envelope {
	t.Helper()
	return &types.Envelope{Body: body, Signature: &types.Signature{
		Scheme:    types.SignatureScheme_SIGNATURE_SCHEME_ED25519,
		PublicKey: key.PublicKey(),
		Value:     key.Sign(domain, body),
	}}
}

// goldenEnvelope pins the bytes of one sealed message.
type goldenEnvelope struct {
	Seed     string `json:"seed"`
	Address  string `json:"address"`
	Body     string `json:"body"`
	BodyHash string `json:"body_hash"`
	Envelope string `json:"envelope"`
}

func checkGolden(t *testing.T, name string, key crypto.PrivateKey, envelope []byte) {
	t.Helper()
	var outer types.Envelope
	if err := proto.Unmarshal(envelope, &outer); err != nil {
		t.Fatalf("unmarshal envelope: %v", err)
	}
	hash := sha256.Sum256(outer.GetBody())
	got, err := json.MarshalIndent(goldenEnvelope{
		Seed:     hex.EncodeToString(key.Bytes()[:32]),
		Address:  key.Address(),
		Body:     hex.EncodeToString(outer.GetBody()),
		BodyHash: hex.EncodeToString(hash[:]),
		Envelope: hex.EncodeToString(envelope),
	}, "", "  ")
	if err != nil {
		t.Fatalf("encode golden: %v", err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *updateEnvelopes {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatalf("write golden: %v", err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read golden: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("sealed bytes differ from %s:\n got %s\nwant %s", path, got, want)
	}
}

func TestSealedBytesAreGolden(t *testing.T) {
	sealed := sealSample(t)
	checkGolden(t, "request.golden.json", askerKey, sealed.Envelope)

	answer, err := relay.SealResponse(servicerKey, sampleResponse(sealed.BodyHash))
	if err != nil {
		t.Fatalf("seal response: %v", err)
	}
	checkGolden(t, "response.golden.json", servicerKey, answer)

	refusal := sampleResponse(sealed.BodyHash)
	refusal.Payload, refusal.UpstreamStatus = nil, 0
	refusal.Error = &types.RelayError{Code: types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED, Message: "the nonce was seen before"}
	if answer, err = relay.SealResponse(servicerKey, refusal); err != nil {
		t.Fatalf("seal refusal: %v", err)
	}
	checkGolden(t, "refusal.golden.json", servicerKey, answer)
}

// The golden request, read back: what was pinned is what opens.
func TestGoldenRequestOpens(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "request.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden goldenEnvelope
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	envelope, err := hex.DecodeString(golden.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if !opened.VerifySignature() || opened.SignerAddress() != golden.Address || hex.EncodeToString(opened.BodyHash[:]) != golden.BodyHash {
		t.Errorf("verified %t, signer %s, hash %x", opened.VerifySignature(), opened.SignerAddress(), opened.BodyHash)
	}
	if !proto.Equal(opened.Request, sampleRequest()) {
		t.Errorf("opened %v", opened.Request)
	}
}

// malformedEnvelopes are faults of the outer message, which both openers must find.
var malformedEnvelopes = []struct {
	name  string
	spoil func(*types.Envelope)
	want  string
}{
	{"no body", func(e *types.Envelope) { e.Body = nil }, "no body"},
	{"no signature", func(e *types.Envelope) { e.Signature = nil }, "no signature"},
	{"no scheme", func(e *types.Envelope) { e.Signature.Scheme = 0 }, "scheme 0"},
	{"unknown scheme", func(e *types.Envelope) { e.Signature.Scheme = 9 }, "scheme 9"},
	{"no key", func(e *types.Envelope) { e.Signature.PublicKey = nil }, "public key has 0 bytes"},
	{"short key", func(e *types.Envelope) { e.Signature.PublicKey = e.Signature.PublicKey[1:] }, "public key has 31 bytes"},
	{"long key", func(e *types.Envelope) { e.Signature.PublicKey = append(e.Signature.PublicKey, 0) }, "public key has 33 bytes"},
	{"short signature", func(e *types.Envelope) { e.Signature.Value = e.Signature.Value[1:] }, "signature has 63 bytes"},
	{"long signature", func(e *types.Envelope) { e.Signature.Value = append(e.Signature.Value, 0) }, "signature has 65 bytes"},
	{"unknown field", func(e *types.Envelope) { e.ProtoReflect().SetUnknown([]byte{0x78, 1}) }, "not known"},
	{"unknown field in the signature", func(e *types.Envelope) { e.Signature.ProtoReflect().SetUnknown([]byte{0x78, 1}) }, "not known"},
	{"body of another kind", func(e *types.Envelope) { e.Body = []byte{0xff} }, "the body is not"},
}

func TestMalformedEnvelopes(t *testing.T) {
	sealed := sealSample(t)
	answer, err := relay.SealResponse(servicerKey, sampleResponse(sealed.BodyHash))
	if err != nil {
		t.Fatal(err)
	}
	openers := map[string]struct {
		envelope []byte
		open     func([]byte) error
	}{
		"request": {sealed.Envelope, func(b []byte) error { _, err := relay.OpenRequest(b); return err }},
		"response": {answer, func(b []byte) error {
			_, err := relay.OpenResponse(b, sampleBinding(sealed.BodyHash))
			return err
		}},
	}
	for kind, opener := range openers {
		for _, test := range malformedEnvelopes {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				envelope := new(types.Envelope)
				if err := proto.Unmarshal(opener.envelope, envelope); err != nil {
					t.Fatal(err)
				}
				test.spoil(envelope)
				err := opener.open(marshal(t, envelope))
				if !errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want malformed with %q", err, test.want)
				}
			})
		}
		for name, garbage := range map[string][]byte{"empty": nil, "garbage": []byte("GET / HTTP/1.1"), "cut": opener.envelope[:len(opener.envelope)-1]} {
			if err := opener.open(garbage); !errors.Is(err, relay.ErrMalformed) {
				t.Errorf("%s/%s: got %v, want malformed", kind, name, err)
			}
		}
	}
}

func TestBodyHash(t *testing.T) {
	sealed := sealSample(t)
	if hash, ok := relay.BodyHash(sealed.Envelope); !ok || hash != sealed.BodyHash {
		t.Errorf("sealed: %x %t", hash, ok)
	}
	inner := marshal(t, &types.Envelope{Body: []byte("not a request")})
	if hash, ok := relay.BodyHash(inner); !ok || hash != sha256.Sum256([]byte("not a request")) {
		t.Errorf("malformed inside: %x %t", hash, ok)
	}
	for _, garbage := range [][]byte{nil, {0xff}, marshal(t, &types.Envelope{Signature: &types.Signature{Scheme: 1}})} {
		if hash, ok := relay.BodyHash(garbage); ok || hash != [32]byte{} {
			t.Errorf("%x: %x %t", garbage, hash, ok)
		}
	}
}

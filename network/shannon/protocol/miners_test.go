package protocol_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// minerVector is what a real RelayMiner answered, as e2e/pocketd has recorded it (testdata/miners).
type minerVector struct {
	// name of the file, without its ending.
	name string

	Miner     string
	Eager     bool
	Supplier  string
	PublicKey []byte
	// Request is the marshalled RelayRequest; of some refusals anything else.
	Request     []byte
	Status      int
	ContentType string
	Body        []byte
}

// minerVectors returns all of them, in the order of their names.
func minerVectors(t testing.TB) []minerVector {
	t.Helper()
	files, err := filepath.Glob("testdata/miners/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers of RelayMiners: %v", err)
	}
	var vectors []minerVector
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		vector := minerVector{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		if err := json.Unmarshal(data, &vector); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		vectors = append(vectors, vector)
	}
	return vectors
}

func (v minerVector) answer() *wire.Answer {
	return &wire.Answer{Status: v.Status, Header: http.Header{"Content-Type": {v.ContentType}}, Body: v.Body}
}

// queryVectors returns what a real full node answered to the queries of network/shannon/chain.
func queryVectors(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/queries/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers of a full node: %v", err)
	}
	var answers [][]byte
	for _, file := range files {
		answer, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	return answers
}

// refusals are the labels of the recorded refusals and whom they speak against.
var refusals = map[string]struct {
	label string
	blame types.Blame
}{
	"backend-hangs":              {"relayer_proxy/10", types.Blame_BLAME_BACKEND},
	"backend-refuses":            {"relayer_proxy/5", types.Blame_BLAME_BACKEND},
	"refusal-empty":              {"service/1111", types.Blame_BLAME_UNKNOWN},
	"refusal-expired-session":    {"relay_authenticator/1", types.Blame_BLAME_UNKNOWN},
	"refusal-left-gateway":       {"rings/3", types.Blame_BLAME_UNKNOWN},
	"refusal-no-relay":           {"relayer_proxy/14", types.Blame_BLAME_UNKNOWN},
	"refusal-no-signature":       {"service/1111", types.Blame_BLAME_UNKNOWN},
	"refusal-other-application":  {"rings/2", types.Blame_BLAME_UNKNOWN},
	"refusal-other-heights":      {"relay_authenticator/1", types.Blame_BLAME_UNKNOWN},
	"refusal-other-ring":         {"rings/3", types.Blame_BLAME_UNKNOWN},
	"refusal-other-service":      {"relayer_proxy/3", types.Blame_BLAME_SERVICER},
	"refusal-other-service-lazy": {"relayer_proxy/3", types.Blame_BLAME_SERVICER},
	"refusal-other-session":      {"relay_authenticator/1", types.Blame_BLAME_UNKNOWN},
	"refusal-other-supplier":     {"relayer_proxy/9", types.Blame_BLAME_SERVICER},
	"refusal-stake":              {"relayer_proxy/7", types.Blame_BLAME_SELF},
}

func TestRealRefusals(t *testing.T) {
	request := new(protocol.Request)
	found := 0
	for _, vector := range minerVectors(t) {
		want, refused := refusals[vector.name]
		if !refused {
			continue
		}
		found++
		_, failure := request.Open(vector.answer())
		if failure == nil || failure.Refusal == nil || failure.Refusal.Label != want.label || failure.Blame != want.blame {
			t.Errorf("%s: %v, want %s, %v", vector.name, failure, want.label, want.blame)
		}
	}
	if found != len(refusals) {
		t.Errorf("%d of %d refusals are there", found, len(refusals))
	}
}

// TestRealAnswers verifies what real RelayMiners have signed, and nothing that differs from it by one bit.
func TestRealAnswers(t *testing.T) {
	signed := 0
	for _, vector := range minerVectors(t) {
		if _, refused := refusals[vector.name]; refused {
			continue
		}
		var request protocol.RelayRequest
		if err := proto.Unmarshal(vector.Request, &request); err != nil {
			t.Fatalf("%s: %v", vector.name, err)
		}
		session := request.GetMeta().GetSessionHeader()
		hash, err := request.SignedHash()
		if err != nil {
			t.Fatalf("%s: %v", vector.name, err)
		}
		if keys, err := protocol.VerifyRing(hash, request.GetMeta().GetSignature()); err != nil || len(keys) != 2 {
			t.Errorf("%s: a ring of %d keys, %v", vector.name, len(keys), err)
		}
		if vector.PublicKey == nil {
			continue
		}
		signed++
		if address, err := protocol.Address(vector.PublicKey); err != nil || address != vector.Supplier {
			t.Errorf("%s: the key is that of %s, %v", vector.name, address, err)
		}
		if !opens(vector.Body, session, vector.PublicKey) {
			t.Errorf("%s: the answer does not verify", vector.name)
		}
		for i := range vector.Body {
			altered := append([]byte(nil), vector.Body...)
			altered[i] ^= 1 << (i % 8)
			if opens(altered, session, vector.PublicKey) {
				t.Errorf("%s: the answer verifies with bit %d of byte %d changed", vector.name, i%8, i)
			}
		}
	}
	if signed < 6 {
		t.Errorf("%d signed answers", signed)
	}
}

// opens reports whether a body is an answer of the session that the key has signed.
func opens(body []byte, session *protocol.SessionHeader, key []byte) bool {
	var response protocol.RelayResponse
	if proto.Unmarshal(body, &response) != nil || response.GetRelayMinerError() != nil {
		return false
	}
	return protocol.VerifyResponse(&response, session, key) == nil
}

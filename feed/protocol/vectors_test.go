package protocol_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var update = flag.Bool("update", false, "write testdata/vectors.json")

// vector is one message of docs/feed.md.
type vector struct {
	Name      string          `json:"name"`
	Subject   string          `json:"subject"`
	MessageID string          `json:"message_id"`
	Statement json.RawMessage `json:"statement"`
	Delivery  string          `json:"delivery_hex"`
	Digest    string          `json:"statement_sha256"`
}

const sessionID = "6f1ed002ab5595859014ebf0951522d9d0b7f5a2ccb8d21fd94d9e2a0f2c6f3e"

// testKey is the key of the vectors: its seed is 32 bytes of 7.
func testKey() crypto.PrivateKey { return crypto.KeyFromSeed([32]byte(bytes.Repeat([]byte{7}, 32))) }

// trustAll is for tests of what comes after trust.
func trustAll([]byte) bool { return true }

// encoded returns a message's bytes.
func encoded(t testing.TB, message proto.Message) []byte {
	t.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// chain returns the statements of the vectors: a session, its round, a gap, in one feed.
func chain(t testing.TB) []protocol.Sealed {
	t.Helper()
	session := encoded(t, &types.QoSSession{
		Header: &types.SessionHeader{Id: sessionID, StartHeight: 8, RelayChain: "0021"}, Blocks: 4, ChecksPlanned: 5,
		Servicers: []*types.QoSServicer{{Address: "00112233445566778899aabbccddeeff00112233", ServiceUrl: "https://a.example"}},
	})
	round, ok := protocol.RoundContent(sessionID, 3, encoded(t, &types.QoSRound{
		SessionId: sessionID, Index: 3, Status: types.RoundStatus_ROUND_STATUS_DONE, PlannedUnixNano: 1_700_000_000_000_000_000, Question: "block height=12",
		Samples: []*types.QoSSample{{Servicer: "00112233445566778899aabbccddeeff00112233", Outcome: types.Outcome_OUTCOME_OK, SentUnixNano: 1_700_000_000_000_100_000}},
	}))
	if !ok {
		t.Fatal("a small round cannot be said")
	}
	place := protocol.Place{Network: "pocket-localnet", RelayChain: "0021", Name: "Frankfurt am Main", Instance: [16]byte([]byte("0123456789abcdef"))}
	var sealed []protocol.Sealed
	for i, content := range []protocol.Content{
		protocol.SessionContent(sessionID, 1, session),
		round,
		protocol.GapContent(&protocol.Gap{SessionId: sessionID, FromIndex: 1, Rounds: 2}, 3),
	} {
		place.Sequence, place.SignedUnixNano = uint64(i+1), 1_700_000_000_000_000_000+int64(i)
		sealed = append(sealed, protocol.Seal(testKey(), place, content))
		place.Previous = sealed[i].Digest
	}
	return sealed
}

// TestVectors: messages have the bytes of the documented vectors, and open.
func TestVectors(t *testing.T) {
	var got []vector
	for i, sealed := range chain(t) {
		opened, err := protocol.Open(sealed.Subject, sealed.Delivery, trustAll)
		if err != nil {
			t.Fatal(err)
		}
		if opened.Digest != sealed.Digest || opened.GetSequence() != uint64(i+1) || !bytes.Equal(opened.PublicKey, testKey().PublicKey()) {
			t.Errorf("opened %+v", opened)
		}
		shown, err := protojson.Marshal(opened.Statement)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer // protojson adds white space at random
		if err := json.Compact(&compact, shown); err != nil {
			t.Fatal(err)
		}
		got = append(got, vector{
			Name: []string{"session", "round", "gap"}[i], Subject: sealed.Subject, MessageID: sealed.MessageID, Statement: compact.Bytes(),
			Delivery: hex.EncodeToString(sealed.Delivery), Digest: hex.EncodeToString(sealed.Digest[:]),
		})
	}
	written, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "vectors.json")
	if *update {
		if err := os.WriteFile(file, append(written, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(written, '\n'), want) {
		t.Errorf("vectors are\n%s\nwant\n%s", written, want)
	}
}

// TestStatementsAreOrdinaryProtobuf: the bytes are those that a protobuf library makes of the same statement, and each names the one before.
func TestStatementsAreOrdinaryProtobuf(t *testing.T) {
	var previous []byte
	for _, sealed := range chain(t) {
		var delivery protocol.Delivery
		if err := proto.Unmarshal(sealed.Delivery, &delivery); err != nil {
			t.Fatal(err)
		}
		opened, err := protocol.Open(sealed.Subject, sealed.Delivery, trustAll)
		if err != nil {
			t.Fatal(err)
		}
		if again := encoded(t, opened.Statement); !bytes.Equal(again, delivery.GetStatement()) {
			t.Errorf("a library encodes it as %x, not %x", again, delivery.GetStatement())
		}
		if !bytes.Equal(opened.GetPrevious(), previous) {
			t.Errorf("statement %d names %x, want %x", opened.GetSequence(), opened.GetPrevious(), previous)
		}
		previous = sealed.Digest[:]
	}
}

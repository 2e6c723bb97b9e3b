package transaction

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var update = flag.Bool("update", false, "write the golden transaction anew")

func key(number byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{number}) }

func send() *types.Transaction {
	return &types.Transaction{ChainId: "test", Sequence: 3, FeeUpokt: 5, Message: &types.Transaction_Send{
		Send: &types.Send{Recipient: key(2).Address(), AmountUpokt: 7}}}
}

func sealed(t testing.TB, transaction *types.Transaction) []byte {
	t.Helper()
	raw, err := Seal(key(1), transaction)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// marshal encodes messages that Seal would refuse.
func marshal(t *testing.T, message proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wrap signs any body.
func wrap(t *testing.T, domain crypto.Domain, body []byte) []byte {
	t.Helper()
	return marshal(t, &types.Envelope{Body: body, Signature: &types.Signature{
		Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: key(1).PublicKey(), Value: key(1).Sign(domain, body)}})
}

// The vector that docs/protocol.md refers to. The format is on the wire and in blocks, so it changes only on purpose.
func TestSealedBytes(t *testing.T) {
	raw := sealed(t, send())
	envelope := new(types.Envelope)
	if err := proto.Unmarshal(raw, envelope); err != nil {
		t.Fatal(err)
	}
	seed := [32]byte{1}
	got, err := json.MarshalIndent(map[string]string{
		"seed":     hex.EncodeToString(seed[:]),
		"address":  key(1).Address(),
		"body":     hex.EncodeToString(envelope.GetBody()),
		"envelope": hex.EncodeToString(raw),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/transaction.golden.json"
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("a sealed transaction is\n%s\nwant\n%s", got, want)
	}
}

func TestOpenReadsWhatSealSealed(t *testing.T) {
	signed, err := Open(sealed(t, send()))
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(signed.Transaction, send()) || signed.Signer != key(1).Address() || signed.PublicKey != key(1).PublicKeyHex() {
		t.Errorf("%+v", signed)
	}
}

func TestOpenRefuses(t *testing.T) {
	const (
		malformed = types.TransactionCode_TRANSACTION_CODE_MALFORMED
		badly     = types.TransactionCode_TRANSACTION_CODE_BAD_SIGNATURE
	)
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	envelope := func(change func(*types.Envelope)) []byte {
		message := new(types.Envelope)
		if err := proto.Unmarshal(sealed(t, send()), message); err != nil {
			t.Fatal(err)
		}
		change(message)
		return marshal(t, message)
	}
	inner := send()
	inner.GetSend().ProtoReflect().SetUnknown(unknown)
	tests := map[string]struct {
		raw  []byte
		code types.TransactionCode
		want string
	}{
		"empty":       {nil, malformed, "no body"},
		"garbage":     {[]byte("send me money"), malformed, "not a protobuf message"},
		"large":       {bytes.Repeat([]byte{1}, MaxBytes+1), types.TransactionCode_TRANSACTION_CODE_TOO_LARGE, "16385 bytes"},
		"unsigned":    {envelope(func(e *types.Envelope) { e.Signature = nil }), malformed, "scheme 0"},
		"key's size":  {envelope(func(e *types.Envelope) { e.Signature.PublicKey = []byte{1} }), malformed, "1 bytes"},
		"value":       {envelope(func(e *types.Envelope) { e.Signature.Value = nil }), malformed, "0 bytes"},
		"other key":   {envelope(func(e *types.Envelope) { e.Signature.PublicKey = key(2).PublicKey() }), badly, "signature"},
		"other body":  {envelope(func(e *types.Envelope) { e.Body = marshal(t, inner) }), malformed, "not known"},
		"one bit":     {envelope(func(e *types.Envelope) { e.Body[3] ^= 1 }), badly, "signature"},
		"outer field": {append(sealed(t, send()), unknown...), malformed, "envelope has fields"},
		"inner field": {wrap(t, crypto.DomainTransaction, append(marshal(t, send()), unknown...)), malformed, "body has fields"},
		"deep field":  {wrap(t, crypto.DomainTransaction, marshal(t, inner)), malformed, "body has fields"},
		"no message":  {wrap(t, crypto.DomainTransaction, marshal(t, &types.Transaction{ChainId: "test"})), malformed, "no message"},
		"body":        {wrap(t, crypto.DomainTransaction, []byte{0xff}), malformed, "body is not"},
		"relay":       {wrap(t, crypto.DomainRelayRequest, marshal(t, send())), badly, "signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			signed, err := Open(test.raw)
			var refusal *Refusal
			if signed != nil || !errors.As(err, &refusal) || refusal.Code != test.code || !strings.Contains(refusal.Reason, test.want) {
				t.Errorf("%v, %v, want %s with %q", signed, err, test.code.Label(), test.want)
			}
		})
	}
}

func TestSealRefusesWhatWouldNotBeOpened(t *testing.T) {
	for name, transaction := range map[string]*types.Transaction{
		"no message": {ChainId: "test"},
		"too large":  {ChainId: strings.Repeat("x", MaxBytes), Message: send().Message},
		"no text":    {ChainId: "\xff", Message: send().Message},
	} {
		if raw, err := Seal(key(1), transaction); err == nil || raw != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Any input is either refused with one of Open's codes, or has a valid signature over exactly its body.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(sealed(f, send()))
	f.Add(sealed(f, &types.Transaction{Message: &types.Transaction_Unstake{Unstake: &types.Unstake{Type: 2}}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		signed, err := Open(raw)
		if err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Code < 1 || refusal.Code > 3 || len(refusal.Reason) > 256 {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if signed.Transaction.GetMessage() == nil || types.ValidateAddress(signed.Signer) != nil ||
			types.ValidatePublicKey(signed.PublicKey) != nil {
			t.Errorf("opened %+v", signed)
		}
	})
}

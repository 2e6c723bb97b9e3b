package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

func addressOf(name string) (string, []byte) {
	seed := sha256.Sum256([]byte(name))
	key, err := protocol.NewPrivateKey(seed[:])
	if err != nil {
		panic(err)
	}
	return key.Address(), key.PublicKey()
}

const service = "eth"

func sessionOf(start, end int64) *protocol.Session {
	application, _ := addressOf("application")
	supplier, _ := addressOf("supplier")
	id := hex.EncodeToString(bytes.Repeat([]byte{7}, sessionIDBytes))
	return &protocol.Session{SessionId: id, NumBlocksPerSession: end - start + 1, Application: &protocol.Application{Address: application},
		Suppliers: []*protocol.Supplier{{OperatorAddress: supplier}},
		Header:    &protocol.SessionHeader{ApplicationAddress: application, ServiceId: service, SessionId: id, SessionStartBlockHeight: start, SessionEndBlockHeight: end}}
}

// The session of a height is one on the grid of the parameters that covers it; any other is refused.
func TestSessionsCoverTheirHeights(t *testing.T) {
	application, _ := addressOf("application")
	rapid.Check(t, func(t *rapid.T) {
		params := &protocol.SharedParams{NumBlocksPerSession: rapid.Uint64Range(1, 1000).Draw(t, "blocks"),
			SessionGridAnchorHeight: rapid.Uint64Range(0, 5000).Draw(t, "anchor"), SessionNumberAtAnchor: rapid.Uint64Range(0, 50).Draw(t, "number")}
		grid, err := protocol.GridOf(params)
		if err != nil {
			t.Fatal(err)
		}
		height := rapid.Int64Range(1, 1_000_000).Draw(t, "height")
		start, end := grid.Start(height), grid.End(height)
		if err := checkSession(sessionOf(start, end), application, service, height); err != nil {
			t.Fatalf("%d to %d at %d: %v", start, end, height, err)
		}
		for _, outside := range []int64{start - 1, end + 1} {
			if outside > 0 && checkSession(sessionOf(start, end), application, service, outside) == nil {
				t.Fatalf("%d to %d covers %d", start, end, outside)
			}
		}
	})
}

func TestKeysAreThoseOfTheirAccounts(t *testing.T) {
	address, key := addressOf("supplier")
	other, _ := addressOf("other")
	account := func(kind, address, keyKind string, key []byte) *protocol.QueryAccountResponse {
		base := &protocol.BaseAccount{Address: address}
		if keyKind != "" {
			value, _ := proto.Marshal(&protocol.Secp256K1PubKey{Key: key})
			base.PubKey = &anypb.Any{TypeUrl: keyKind, Value: value}
		}
		value, _ := proto.Marshal(base)
		return &protocol.QueryAccountResponse{Account: &anypb.Any{TypeUrl: kind, Value: value}}
	}
	const base, secp = "/cosmos.auth.v1beta1.BaseAccount", "/cosmos.crypto.secp256k1.PubKey"
	for name, test := range map[string]struct {
		answer *protocol.QueryAccountResponse
		want   error
	}{
		"good":            {account(base, address, secp, key), nil},
		"no account":      {&protocol.QueryAccountResponse{}, ErrMalformed},
		"no key":          {account(base, address, "", nil), ErrNoKey},
		"several signers": {account(base, address, "/cosmos.crypto.multisig.LegacyAminoPubKey", key), ErrNoKey},
		"a module":        {account("/cosmos.auth.v1beta1.ModuleAccount", address, secp, key), ErrNoKey},
		"another account": {account(base, other, secp, key), ErrMalformed},
		"another's key":   {account(base, address, secp, append([]byte{key[0] ^ 1}, key[1:]...)), ErrMalformed},
		"half a key":      {account(base, address, secp, key[:20]), ErrMalformed},
	} {
		got, err := keyOf(test.answer, address)
		if !errors.Is(err, test.want) || (err == nil) != bytes.Equal(got, key) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func FuzzSession(f *testing.F) {
	application, _ := addressOf("application")
	good, _ := proto.Marshal(&protocol.QueryGetSessionResponse{Session: sessionOf(91, 100)})
	f.Add(good, int64(95))
	f.Fuzz(func(t *testing.T, value []byte, height int64) {
		var answer protocol.QueryGetSessionResponse
		if proto.Unmarshal(value, &answer) != nil {
			return
		}
		err := checkSession(answer.GetSession(), application, service, height)
		shown(t, err)
		if header := answer.GetSession().GetHeader(); err == nil && (height > 0 && (header.GetSessionStartBlockHeight() > height || header.GetSessionEndBlockHeight() < height) ||
			len(header.GetSessionId()) != 2*sessionIDBytes || header.GetSessionEndBlockHeight()-header.GetSessionStartBlockHeight() < 0) {
			t.Errorf("accepted for %d: %v", height, answer.GetSession())
		}
	})
}

func FuzzAccount(f *testing.F) {
	address, key := addressOf("supplier")
	value, _ := proto.Marshal(&protocol.Secp256K1PubKey{Key: key})
	base, _ := proto.Marshal(&protocol.BaseAccount{Address: address, PubKey: &anypb.Any{TypeUrl: "/cosmos.crypto.secp256k1.PubKey", Value: value}})
	good, _ := proto.Marshal(&protocol.QueryAccountResponse{Account: &anypb.Any{TypeUrl: "/cosmos.auth.v1beta1.BaseAccount", Value: base}})
	f.Add(good)
	f.Fuzz(func(t *testing.T, value []byte) {
		var answer protocol.QueryAccountResponse
		if proto.Unmarshal(value, &answer) != nil {
			return
		}
		got, err := keyOf(&answer, address)
		shown(t, err)
		if of, _ := protocol.Address(got); (err == nil) != (of == address) {
			t.Errorf("key %x, %v", got, err)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"header":{"height":"7","time":"2026-01-01T00:00:00Z"}}`), int64(7))
	f.Fuzz(func(t *testing.T, result []byte, height int64) {
		at, err := readHeader(result, height)
		shown(t, err)
		if (err == nil) == at.IsZero() {
			t.Errorf("%v, %v", at, err)
		}
	})
}

func TestRefusalsAreToldByTheirCodes(t *testing.T) {
	for _, test := range []struct {
		space string
		code  uint32
		want  error
	}{{"sdk", 22, ErrNotFound}, {"sdk", 38, ErrNotFound}, {"sdk", 26, ErrNotSynced}, {"sdk", 18, ErrRefused}, {"application", 22, ErrRefused}, {"", 1, ErrRefused}} {
		err := refusal(test.space, test.code, "account not found\x1b")
		shown(t, err)
		if !errors.Is(err, test.want) {
			t.Errorf("%s %d: %v", test.space, test.code, err)
		}
	}
	shown(t, Join(fmt.Errorf("a"), nil, fmt.Errorf("b")))
	if Join(nil, nil) != nil {
		t.Error("an error of none")
	}
}

package account_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/account"
)

func keyOf(t testing.TB, n byte) *account.PrivateKey {
	t.Helper()
	number := sha256.Sum256([]byte{n})
	key, err := account.NewPrivateKey(number[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// flipS makes the other valid signature of one: that with the curve's order less S.
func flipS(signature []byte) {
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	s := new(big.Int).SetBytes(signature[32:])
	order.Sub(order, s).FillBytes(signature[32:])
}

func TestParsePrivateKey(t *testing.T) {
	const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
	one := strings.Repeat("0", 63) + "1"
	for _, digits := range []string{one, " " + strings.ToUpper(order[:63]) + "0\n"} {
		if _, err := account.ParsePrivateKey(digits); err != nil {
			t.Errorf("%q: %v", digits, err)
		}
	}
	for _, digits := range []string{"", "1", one + "00", strings.Repeat("0", 64), order, strings.Repeat("f", 64), "0x" + one, strings.Repeat("secret##", 8)} {
		if _, err := account.ParsePrivateKey(digits); !errors.Is(err, account.ErrKey) || len(digits) > 4 && strings.Contains(err.Error(), digits[:4]) {
			t.Errorf("%q: %v", digits, err)
		}
	}
}

// A key prints as its address, in whatever way.
func TestKeyIsNotPrinted(t *testing.T) {
	key := keyOf(t, 1)
	secret := hex.EncodeToString(key.Bytes())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if printed := fmt.Sprintf(verb, key); printed != key.Address() {
			t.Errorf("%s prints %s", verb, strings.ReplaceAll(printed, secret, "THE SECRET"))
		}
	}
}

func TestSignature(t *testing.T) {
	key, other := keyOf(t, 1), keyOf(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		signature := key.Sign(message)
		if !account.VerifySignature(key.PublicKey(), message, signature) || account.VerifySignature(other.PublicKey(), message, signature) ||
			account.VerifySignature(key.PublicKey(), append(message, 0), signature) {
			t.Fatal("the signature does not fit")
		}
		bit := rapid.IntRange(0, 8*len(signature)-1).Draw(t, "bit")
		flipped := bytes.Clone(signature)
		flipped[bit/8] ^= 1 << (bit % 8)
		higher := bytes.Clone(signature)
		flipS(higher)
		for _, wrong := range [][]byte{flipped, higher, nil, signature[:63], append(bytes.Clone(signature), 0), make([]byte, 64)} {
			if account.VerifySignature(key.PublicKey(), message, wrong) {
				t.Errorf("%x is valid too", wrong)
			}
		}
	})
}

func TestAddress(t *testing.T) {
	address := keyOf(t, 1).Address()
	if !strings.HasPrefix(address, "pokt1") || account.CheckAddress(address) != nil {
		t.Errorf("%s", address)
	}
	for at := range address {
		altered := []byte(address)
		if altered[at]++; account.CheckAddress(string(altered)) == nil {
			t.Errorf("%s is an address", altered)
		}
	}
	for _, text := range []string{"", "pokt1", strings.ToUpper(address), " " + address, address + "q", "pokt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
		"cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a", strings.Repeat("1", 500), "\xff" + address} {
		if err := account.CheckAddress(text); !errors.Is(err, account.ErrAddress) || len(err.Error()) > 100 {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, key := range [][]byte{nil, make([]byte, 33), keyOf(t, 1).PublicKey()[:32], append(keyOf(t, 1).PublicKey(), 0)} {
		if address, err := account.Address(key); !errors.Is(err, account.ErrKey) {
			t.Errorf("%x has address %s", key, address)
		}
	}
}

// FuzzCheckAddress reads addresses of strangers.
func FuzzCheckAddress(f *testing.F) {
	f.Add(keyOf(f, 1).Address())
	f.Fuzz(func(t *testing.T, text string) {
		if account.CheckAddress(text) == nil && (!strings.HasPrefix(text, "pokt1") || text != strings.ToLower(text)) {
			t.Errorf("%q is an address", text)
		}
	})
}

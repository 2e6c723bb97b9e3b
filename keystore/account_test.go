package keystore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/account"
)

func testAccount(t testing.TB, number byte) *account.PrivateKey {
	t.Helper()
	key, err := account.NewPrivateKey(append(make([]byte, 31), number))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func putAccount(t *testing.T, s *Store, key *account.PrivateKey, label string) Entry {
	t.Helper()
	entry, err := s.PutAccount(key, label, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// goldenAccount returns the key file of testAccount(1), label "golden", passphrase "secret".
func goldenAccount(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "account.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFormatOfAccountsIsKept(t *testing.T) {
	data := goldenAccount(t)
	f, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if encoded, err := f.encode(); err != nil || !bytes.Equal(encoded, data) {
		t.Errorf("encoded again, %v:\n%s", err, encoded)
	}
	key, want := testAccount(t, 1), Entry{Type: Secp256k1, Address: testAccount(t, 1).Address(),
		PublicKey: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Label: "golden"}
	opened, err := f.openAccount("secret", cheap.Work)
	if err != nil || !bytes.Equal(opened.Bytes(), key.Bytes()) {
		t.Errorf("opened %v, %v", opened, err)
	}
	if entry, err := Inspect(data); err != nil || entry != want {
		t.Errorf("inspected %+v, %v, want %+v", entry, err, want)
	}
	_, err = f.openAccount("other", cheap.Work)
	wantError(t, err, ErrWrongPassphrase)
}

// A file of the version before names no type, and holds an ed25519 key; new ones of such keys are like it.
func TestFilesOfTheVersionBefore(t *testing.T) {
	entry, err := Inspect(golden(t))
	if err != nil || entry.Type != Ed25519 {
		t.Errorf("%+v, %v", entry, err)
	}
	s, key := newStore(t), testKey(1)
	put(t, s, key, "")
	if data, err := os.ReadFile(s.Path(key.Address())); err != nil || bytes.Contains(data, []byte(`"type"`)) {
		t.Errorf("%v; %s", err, data)
	}
	said := replace(`"format"`, `"type": "ed25519", "format"`)(string(golden(t)))
	if entry, err := Inspect([]byte(said)); err != nil || entry.Type != Ed25519 {
		t.Errorf("with its type: %+v, %v", entry, err)
	}
}

func TestAccountComesBack(t *testing.T) {
	s, to, key := newStore(t), newStore(t), testAccount(t, 7)
	entry := putAccount(t, s, key, "watcher")
	want := Entry{Type: Secp256k1, Address: key.Address(), PublicKey: hex.EncodeToString(key.PublicKey()), Label: "watcher"}
	if entry != want {
		t.Errorf("put %+v, want %+v", entry, want)
	}
	opened, err := s.Account(key.Address(), "secret")
	if err != nil || !bytes.Equal(opened.Bytes(), key.Bytes()) {
		t.Errorf("opened %v, %v", opened, err)
	}
	_, err = s.PutAccount(key, "", "other")
	wantError(t, err, ErrKeyExists)
	exported, err := s.Export(key.Address())
	if err != nil || bytes.Contains(exported, []byte("00000007")) {
		t.Errorf("%v; the file shows the key: %s", err, exported)
	}
	_, err = to.Import(exported, "wrong")
	wantError(t, err, ErrWrongPassphrase)
	if imported, err := to.Import(exported, "secret"); err != nil || imported != want {
		t.Errorf("imported %+v, %v", imported, err)
	}
	if err := to.Delete(key.Address()); err != nil {
		t.Error(err)
	}
	_, err = to.Account(key.Address(), "secret")
	wantError(t, err, ErrUnknownKey)
}

// The type is looked at before the passphrase: a wrong one does not hide the reason.
func TestKeysOfTheOtherType(t *testing.T) {
	s := newStore(t)
	actor, watcher := put(t, s, testKey(1), "actor"), putAccount(t, s, testAccount(t, 1), "watcher")
	_, err := s.Account(actor.Address, "wrong")
	wantError(t, err, ErrOtherType)
	_, err = s.Key(watcher.Address, "wrong")
	wantError(t, err, ErrOtherType)
	wantError(t, actor.Needs(Secp256k1), ErrOtherType)
	wantError(t, watcher.Needs(Ed25519), ErrOtherType)
	if err := errors.Join(actor.Needs(Ed25519), watcher.Needs(Secp256k1)); err != nil {
		t.Error(err)
	}
	if entries, problems, err := s.List(); err != nil || len(entries) != 2 || len(problems) != 0 || entries[0] != actor && entries[1] != actor {
		t.Errorf("%+v, %v, %v", entries, problems, err)
	}
}

func TestResolve(t *testing.T) {
	s := newStore(t)
	_, err := s.Resolve("watcher")
	wantError(t, err, ErrUnknownKey)
	actor, watcher := put(t, s, testKey(1), "actor"), putAccount(t, s, testAccount(t, 1), "watcher")
	putAccount(t, s, testAccount(t, 2), "")
	unknown := testAccount(t, 9).Address()
	for name, want := range map[string]string{"actor": actor.Address, "watcher": watcher.Address, actor.Address: actor.Address,
		watcher.Address: watcher.Address, unknown: unknown} {
		if got, err := s.Resolve(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "Watcher", "watch", "../watcher", strings.ToUpper(watcher.Address), strings.Repeat("x", 1000), "a\nb"} {
		got, err := s.Resolve(name)
		if wantError(t, err, ErrUnknownKey); got != "" {
			t.Errorf("%q is %s", name, got)
		}
	}
	putAccount(t, s, testAccount(t, 3), "actor")
	_, err = s.Resolve("actor")
	wantError(t, err, ErrAmbiguous)
	// A label that is another key's address names that other key.
	putAccount(t, s, testAccount(t, 4), watcher.Address)
	if got, err := s.Resolve(watcher.Address); err != nil || got != watcher.Address {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAccountFilesThatAreRefused(t *testing.T) {
	one, two := testAccount(t, 1), testAccount(t, 2)
	public := hex.EncodeToString(one.PublicKey())
	for name, test := range map[string]struct {
		change func(text string) string
		want   error
	}{
		"no type":                {replace(`"type": "secp256k1",`, ""), ErrDamaged},
		"another type":           {replace(`"secp256k1"`, `"ed25519"`), ErrDamaged},
		"an unknown type":        {replace(`"secp256k1"`, `"p256"`), ErrForeign},
		"a long type":            {replace(`"secp256k1"`, `"`+strings.Repeat("p", 4000)+`"`), ErrForeign},
		"a type in upper case":   {replace(`"secp256k1"`, `"SECP256K1"`), ErrForeign},
		"a number as type":       {replace(`"secp256k1"`, `1`), ErrForeign},
		"other address":          {replace(one.Address(), two.Address()), ErrDamaged},
		"an actor's address":     {replace(one.Address(), testKey(1).Address()), ErrDamaged},
		"address in upper case":  {replace(one.Address(), strings.ToUpper(one.Address())), ErrDamaged},
		"other public key":       {replace(public, hex.EncodeToString(two.PublicKey())), ErrDamaged},
		"not on the curve":       {replace(public, "02"+strings.Repeat("f", 64)), ErrDamaged},
		"the other point":        {replace(public, "03"+public[2:]), ErrDamaged},
		"public in upper case":   {replace(public, strings.ToUpper(public)), ErrDamaged},
		"an ed25519 public key":  {replace(public, testKey(1).PublicKeyHex()), ErrDamaged},
		"an actor's file's type": {func(string) string { return replace(`"format"`, `"type": "secp256k1", "format"`)(string(golden(t))) }, ErrDamaged},
		"cut off":                {func(text string) string { return text[:len(text)/2] }, ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.change(string(goldenAccount(t)))
			if text == string(goldenAccount(t)) {
				t.Fatal("nothing was changed")
			}
			_, err := decode([]byte(text))
			if wantError(t, err, test.want); err != nil && len(err.Error()) > 300 {
				t.Errorf("%d bytes of error", len(err.Error()))
			}
		})
	}
}

func TestForgedAccountsDoNotOpen(t *testing.T) {
	whole, err := decode(goldenAccount(t))
	if err != nil {
		t.Fatal(err)
	}
	const one = "0000000000000000000000000000000000000000000000000000000000000001"
	for name, hidden := range map[string]any{
		"another key":   secret{Scalar: one[:63] + "2", Label: "golden"},
		"another label": secret{Scalar: one, Label: "silver"},
		"half a key":    secret{Scalar: one[32:], Label: "golden"},
		"zero":          secret{Scalar: strings.Repeat("0", 64), Label: "golden"},
		"the order":     secret{Scalar: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", Label: "golden"},
		"above it":      secret{Scalar: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142", Label: "golden"},
		"with spaces":   secret{Scalar: " " + one, Label: "golden"},
		"a seed":        secret{Seed: one, Label: "golden"},
		"both":          secret{Seed: one, Scalar: one, Label: "golden"},
		"nothing":       secret{Label: "golden"},
		"no object":     "hello",
		"more":          map[string]string{"scalar": one, "label": "golden", "more": ""},
	} {
		t.Run(name, func(t *testing.T) {
			forged := whole
			forged.Encrypted = hide(t, hidden)
			forged.Checksum = checksum(forged.Encrypted)
			_, err := forged.openAccount("secret", cheap.Work)
			wantError(t, err, ErrDamaged)
		})
	}
	// Nor does an ed25519 key with a scalar beside its seed.
	_, err = forge(t, hide(t, secret{Seed: "01" + strings.Repeat("0", 62), Scalar: one, Label: "golden"})).open("secret", cheap.Work)
	wantError(t, err, ErrDamaged)
}

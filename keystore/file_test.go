package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// golden returns the key file of testKey(1), label "golden", passphrase "secret".
func golden(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "key.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFormatIsKept(t *testing.T) {
	data := golden(t)
	f, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if encoded, err := f.encode(); err != nil || !bytes.Equal(encoded, data) {
		t.Errorf("encoded again, %v:\n%s", err, encoded)
	}
	key, err := f.open("secret", cheap.Work)
	if err != nil || !bytes.Equal(key.Bytes(), testKey(1).Bytes()) {
		t.Errorf("opened %v, %v", key, err)
	}
	if entry, err := Inspect(data); err != nil || entry.Label != "golden" || entry.Address != testKey(1).Address() {
		t.Errorf("inspected %+v, %v", entry, err)
	}
}

func TestDefaultWorkIsAgesOwn(t *testing.T) {
	if DefaultConfig().Work != 18 {
		t.Errorf("work factor %d", DefaultConfig().Work)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(text string) string
		want   error
	}{
		"empty":            {func(string) string { return "" }, ErrForeign},
		"cut off":          {func(text string) string { return text[:len(text)/2] }, ErrForeign},
		"age file":         {func(string) string { return "age-encryption.org/v1\n" }, ErrForeign},
		"other JSON":       {func(string) string { return `{"version":3,"crypto":{}}` }, ErrForeign},
		"later format":     {replace(formatV1, "pocket-key/v2"), ErrForeign},
		"too long":         {func(text string) string { return text + strings.Repeat(" ", MaximumFileSize) }, ErrForeign},
		"unknown field":    {replace(`"label"`, `"lable"`), ErrDamaged},
		"something after":  {func(text string) string { return text + "{}" }, ErrForeign},
		"other address":    {replace(testKey(1).Address(), testKey(2).Address()), ErrDamaged},
		"other public key": {replace(testKey(1).PublicKeyHex(), testKey(2).PublicKeyHex()), ErrDamaged},
		"no public key":    {replace(testKey(1).PublicKeyHex(), "zz"), ErrDamaged},
		"bad label":        {replace("golden", `\u001b[31m`), ErrDamaged},
		"other ciphertext": {replace(`"encrypted": "YWdl`, `"encrypted": "YWdm`), ErrDamaged},
		"no checksum":      {replace(`"checksum": "`, `"checksum": "0`), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.change(string(golden(t)))
			if text == string(golden(t)) {
				t.Fatal("nothing was changed")
			}
			_, err := decode([]byte(text))
			wantError(t, err, test.want)
		})
	}
}

func replace(old, with string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, with, 1) }
}

// forge makes a file whose checks without a passphrase all pass.
func forge(t *testing.T, encrypted []byte) file {
	t.Helper()
	f, err := decode(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	f.Encrypted, f.Checksum = encrypted, checksum(encrypted)
	return f
}

// hide encrypts arbitrary data in place of a secret.
func hide(t *testing.T, value any) []byte {
	t.Helper()
	hidden, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := encrypt(hidden, "secret", cheap.Work)
	if err != nil {
		t.Fatal(err)
	}
	return encrypted
}

func TestForgedFilesDoNotOpen(t *testing.T) {
	const seed = "0100000000000000000000000000000000000000000000000000000000000000"
	const other = "0200000000000000000000000000000000000000000000000000000000000000"
	for name, hidden := range map[string]any{
		"another key":    secret{Seed: other, Label: "golden"},
		"another label":  secret{Seed: seed, Label: "silver"},
		"half a key":     secret{Seed: seed[:32], Label: "golden"},
		"no key":         "hello",
		"more than that": map[string]string{"seed": seed, "label": "golden", "more": ""},
		"a long text":    strings.Repeat("x", maximumSecret),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := forge(t, hide(t, hidden)).open("secret", cheap.Work)
			wantError(t, err, ErrDamaged)
		})
	}
	if _, err := forge(t, hide(t, secret{Seed: seed, Label: "golden"})).open("secret", cheap.Work); err != nil {
		t.Errorf("the true secret: %v", err)
	}
}

// TestHostileFileTakesNoMoreWork asks for 2^30 rounds, which would take an hour and a terabyte.
func TestHostileFileTakesNoMoreWork(t *testing.T) {
	honest := hide(t, "anything")
	hostile := bytes.Replace(honest, []byte(" 1\n"), []byte(" 30\n"), 1)
	if bytes.Equal(hostile, honest) {
		t.Fatalf("no work factor in %q", honest)
	}
	_, err := forge(t, hostile).open("secret", maximumWork)
	wantError(t, err, ErrDamaged)
	if err == nil || !strings.Contains(err.Error(), "work factor too large") {
		t.Errorf("error %v", err)
	}
}

func TestFileForAnAgeKeyIsForeign(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var encrypted bytes.Buffer
	writer, err := age.Encrypt(&encrypted, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = forge(t, encrypted.Bytes()).open("secret", cheap.Work)
	wantError(t, err, ErrForeign)
}

func TestCutCiphertextIsDamaged(t *testing.T) {
	f, err := decode(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{0, 10, len(f.Encrypted) - 1} {
		_, err := forge(t, f.Encrypted[:length]).open("secret", cheap.Work)
		wantError(t, err, ErrDamaged)
	}
}

// FuzzDecode: whatever the bytes, decoding returns one of two errors or a file that encodes to itself, and opening it
// takes bounded work.
func FuzzDecode(f *testing.F) {
	f.Add(golden(f))
	f.Add(goldenAccount(f))
	f.Add([]byte(`{"format":"pocket-key/v1","type":"p256"}`))
	f.Add([]byte(`{"format":"pocket-key/v1"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := decode(data)
		if err != nil {
			if !errors.Is(err, ErrForeign) && !errors.Is(err, ErrDamaged) {
				t.Fatalf("error %v", err)
			}
			return
		}
		encoded, err := decoded.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(encoded)
		if err != nil || again.entry() != decoded.entry() || !bytes.Equal(again.Encrypted, decoded.Encrypted) {
			t.Fatalf("decoded again: %+v, %v; first %+v", again, err, decoded)
		}
	})
}

// FuzzOpen: whatever replaces the age file, opening it returns the file's own key or one of the known errors.
func FuzzOpen(f *testing.F) {
	whole, err := decode(golden(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Encrypted)
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\n"))
	f.Fuzz(func(t *testing.T, encrypted []byte) {
		forged := whole
		forged.Encrypted = encrypted
		key, err := forged.open("secret", 4)
		known := errors.Is(err, ErrForeign) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrWrongPassphrase)
		if err != nil && !known || err == nil && key.Address() != whole.Address {
			t.Fatalf("key %v, error %v", key, err)
		}
	})
}

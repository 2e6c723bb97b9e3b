package cli

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// stored makes a directory with one key and a file with its passphrase.
func stored(t *testing.T, key crypto.PrivateKey) (directory, passphraseFile string) {
	t.Helper()
	directory, passphraseFile = filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "passphrase")
	if _, err := keystore.New(directory, cheapKeys).Put(key, "", "secret"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(passphraseFile, []byte("secret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory, passphraseFile
}

func TestClearExportAsJSON(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{9})
	directory, passphraseFile := stored(t, key)
	code, stdout, stderr := pocket(t, "keys", "export", key.Address(), "--clear", "--yes", "--output", "json",
		"--keys", directory, "--passphrase-file", passphraseFile)
	if code != ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["seed"] != hex.EncodeToString(key.Bytes()[:32]) || got["address"] != key.Address() ||
		got["public_key"] != key.PublicKeyHex() {
		t.Errorf("got %v", got)
	}
}

func TestDamagedKeyCanBeDeleted(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{9})
	directory, _ := stored(t, key)
	path := filepath.Join(directory, key.Address()+".json")
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := pocket(t, "keys", "delete", key.Address(), "--yes", "--keys", directory)
	if code != ExitOK || stdout != "deleted the key of "+key.Address()+"\n" || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the file is there")
	}
}

func TestRelaySignsWithAStoredKey(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{9})
	directory, passphraseFile := stored(t, key)
	network := newFakeNetwork(sealed(servicerKey, unchanged))
	network.chainID, network.application = "mainnet", key.Address()
	node := network.start(t)
	args := relayTo(node, "--application", key.Address(), "--keys", directory)
	for name, test := range map[string]struct {
		args []string
		code ExitCode
		says string
	}{
		"no passphrase":            {[]string{"--allow-private"}, ExitUsage, "no passphrase"},
		"servicer on this machine": {[]string{"--passphrase-file", passphraseFile}, ExitUntrusted, "did not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := pocket(t, append(args, test.args...)...)
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.says) || network.opened() != nil {
				t.Errorf("exit code %d, stdout %q, stderr %q, relay %v", code, stdout, stderr, network.opened())
			}
		})
	}
	code, _, stderr := pocket(t, append(args, "--allow-private", "--passphrase-file", passphraseFile)...)
	if code != ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	if !network.opened().VerifySignature() || network.opened().SignerAddress() != key.Address() {
		t.Errorf("signed by %s", network.opened().SignerAddress())
	}
}

func TestStoredKeyGoesBeforeTheWellKnownOne(t *testing.T) {
	directory, _ := stored(t, applicationKey)
	node := newFakeNetwork(sealed(servicerKey, unchanged)).start(t)
	if code, _, stderr := pocket(t, relayTo(node, "--keys", directory)...); code != ExitUsage || !strings.Contains(stderr, "no passphrase") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if code, _, stderr := pocket(t, relayTo(node, "--keys", filepath.Join(directory, "absent"))...); code != ExitOK {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

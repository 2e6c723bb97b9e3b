package keys

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func TestClearExportAsJSON(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{9})
	directory, passphraseFile := commandtest.StoredKey(t, key)
	code, stdout, stderr := commandtest.Pocket(t, New, "keys", "export", key.Address(), "--clear", "--yes", "--output", "json",
		"--keys", directory, "--passphrase-file", passphraseFile)
	if code != command.ExitOK || stderr != "" {
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
	directory, _ := commandtest.StoredKey(t, key)
	path := filepath.Join(directory, key.Address()+".json")
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := commandtest.Pocket(t, New, "keys", "delete", key.Address(), "--yes", "--keys", directory)
	if code != command.ExitOK || stdout != "deleted the key of "+key.Address()+"\n" || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the file is there")
	}
}

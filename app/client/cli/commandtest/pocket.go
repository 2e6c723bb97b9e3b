package commandtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Keys makes key files that open at once.
var Keys = keystore.Config{Work: 1}

// Pocket runs one command line of a noun and returns its exit code and what it wrote. It knows no keys but those of
// --keys.
func Pocket(t *testing.T, noun func(command.Streams) *cobra.Command, args ...string) (code command.ExitCode, stdout, stderr string) {
	t.Helper()
	return Run(t, func(io command.Streams) *cobra.Command {
		return command.Root(io, &cobra.Command{Use: "pocket"}, noun)
	}, args...)
}

// Run is Pocket with the whole tree of commands.
func Run(t *testing.T, root func(command.Streams) *cobra.Command, args ...string) (code command.ExitCode, stdout, stderr string) {
	t.Helper()
	t.Setenv(command.KeysVariable, filepath.Join(t.TempDir(), "keys"))
	t.Setenv(command.PassphraseVariable, "")
	var out, errs bytes.Buffer
	io := command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Keys: Keys}
	code = command.Run(t.Context(), io, root(io), args)
	return code, out.String(), errs.String()
}

// StoredKey makes a directory with one key and a file with its passphrase.
func StoredKey(t *testing.T, key crypto.PrivateKey) (directory, passphraseFile string) {
	t.Helper()
	directory, passphraseFile = filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "passphrase")
	if _, err := keystore.New(directory, Keys).Put(key, "", "secret"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(passphraseFile, []byte("secret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory, passphraseFile
}

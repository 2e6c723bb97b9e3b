package command

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// A signer is found by label or address; what cannot be one is refused in a line before a passphrase is asked for.
func TestOpenAccount(t *testing.T) {
	store := keystore.New(filepath.Join(t.TempDir(), "keys"), keystore.Config{Work: 1})
	key, err := account.NewPrivateKey(append(make([]byte, 31), 7))
	if err != nil {
		t.Fatal(err)
	}
	actor := crypto.KeyFromSeed([32]byte{7})
	_, first := store.PutAccount(key, "watcher", "secret")
	_, second := store.Put(actor, "servicer", "secret")
	if err := errors.Join(first, second); err != nil {
		t.Fatal(err)
	}
	io := Streams{In: strings.NewReader(""), Out: new(bytes.Buffer), Err: new(bytes.Buffer)}
	t.Setenv(PassphraseVariable, "secret")
	for _, name := range []string{"watcher", key.Address()} {
		if opened, err := OpenAccount(t.Context(), io, store, name, ""); err != nil || !bytes.Equal(opened.Bytes(), key.Bytes()) {
			t.Errorf("%s: %v, %v", name, opened, err)
		}
	}
	t.Setenv(PassphraseVariable, "")
	for name, want := range map[string]struct {
		err  error
		code ExitCode
	}{
		"servicer":      {keystore.ErrOtherType, ExitUsage},
		actor.Address(): {keystore.ErrOtherType, ExitUsage},
		"nobody":        {keystore.ErrUnknownKey, ExitNotFound},
		"":              {keystore.ErrUnknownKey, ExitNotFound},
		"pokt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq": {keystore.ErrUnknownKey, ExitNotFound},
	} {
		_, err := OpenAccount(t.Context(), io, store, name, "")
		if !errors.Is(err, want.err) || Code(err) != want.code || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, exit code %d", name, err, Code(err))
		}
	}
}

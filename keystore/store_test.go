package keystore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// cheap makes key files that open at once.
var cheap = Config{Work: 1}

func testKey(number byte) crypto.PrivateKey { return crypto.KeyFromSeed([32]byte{number}) }

func newStore(t *testing.T) *Store {
	t.Helper()
	return New(filepath.Join(t.TempDir(), "pocket", "keys"), cheap)
}

func put(t *testing.T, s *Store, key crypto.PrivateKey, label string) Entry {
	t.Helper()
	entry, err := s.Put(key, label, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	} else if strings.Contains(got.Error(), "\n") {
		t.Errorf("error is not one line: %q", got)
	}
}

func TestKeyComesBack(t *testing.T) {
	s, key := newStore(t), testKey(1)
	entry := put(t, s, key, "my <first> Schlüssel")
	want := Entry{Address: key.Address(), PublicKey: key.PublicKeyHex(), Label: "my <first> Schlüssel"}
	if entry != want {
		t.Errorf("put %+v, want %+v", entry, want)
	}
	if read, err := s.Entry(key.Address()); err != nil || read != want {
		t.Errorf("entry %+v, %v", read, err)
	}
	opened, err := s.Key(key.Address(), "secret")
	if err != nil || !bytes.Equal(opened.Bytes(), key.Bytes()) {
		t.Errorf("opened %v, %v", opened, err)
	}
	data, err := os.ReadFile(s.Path(key.Address()))
	if err != nil || bytes.Contains(data, []byte("0100000000")) {
		t.Errorf("%v; the file shows the seed: %s", err, data)
	}
}

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	s, key := newStore(t), testKey(1)
	put(t, s, key, "")
	for path, want := range map[string]os.FileMode{s.Directory(): os.ModeDir | 0o700, s.Path(key.Address()): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, want)
		}
	}
	if names, err := os.ReadDir(s.Directory()); err != nil || len(names) != 1 {
		t.Errorf("directory holds %v, %v", names, err)
	}
}

func TestKeyIsNotReplaced(t *testing.T) {
	s, key := newStore(t), testKey(1)
	put(t, s, key, "first")
	exported, err := s.Export(key.Address())
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(key, "second", "other")
	wantError(t, err, ErrKeyExists)
	_, err = s.Import(exported, "secret")
	wantError(t, err, ErrKeyExists)
	if entry, err := s.Entry(key.Address()); err != nil || entry.Label != "first" {
		t.Errorf("entry %+v, %v", entry, err)
	}
}

func TestOneOfManyWritersWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const writers = 8
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() { errs[i] = writeNew(path, bytes.Repeat([]byte{byte(i)}, 4096)) })
	}
	group.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, ErrKeyExists):
			t.Errorf("writer %d: %v", i, err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil || won < 0 || !bytes.Equal(data, bytes.Repeat([]byte{byte(won)}, 4096)) {
		t.Errorf("writer %d won; %v, %d bytes", won, err, len(data))
	}
}

func TestExportAndImport(t *testing.T) {
	from, to, key := newStore(t), newStore(t), testKey(1)
	put(t, from, key, "moved")
	exported, err := from.Export(key.Address())
	if err != nil {
		t.Fatal(err)
	}
	_, err = to.Import(exported, "wrong")
	wantError(t, err, ErrWrongPassphrase)
	_, err = to.Entry(key.Address())
	wantError(t, err, ErrUnknownKey)
	if entry, err := to.Import(exported, "secret"); err != nil || entry.Label != "moved" {
		t.Errorf("imported %+v, %v", entry, err)
	}
	if opened, err := to.Key(key.Address(), "secret"); err != nil || opened.Address() != key.Address() {
		t.Errorf("opened %v, %v", opened, err)
	}
	_, err = to.Import([]byte("-----BEGIN AGE ENCRYPTED FILE-----"), "secret")
	wantError(t, err, ErrForeign)
}

func TestListTellsGoodFilesFromBad(t *testing.T) {
	s := newStore(t)
	if entries, problems, err := s.List(); entries != nil || problems != nil || err != nil {
		t.Errorf("absent directory: %v, %v, %v", entries, problems, err)
	}
	first, second := put(t, s, testKey(1), "a"), put(t, s, testKey(2), "b")
	if first.Address > second.Address {
		first, second = second, first
	}
	bad := strings.Repeat("0", 40)
	for name, text := range map[string]string{bad + ".json": "{", "notes.json": "{", ".half-1": "{"} {
		if err := os.WriteFile(filepath.Join(s.Directory(), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.Directory(), "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	entries, problems, err := s.List()
	if err != nil || len(entries) != 2 || entries[0] != first || entries[1] != second {
		t.Errorf("entries %+v, %v", entries, err)
	}
	if len(problems) != 1 || problems[0].Address != bad {
		t.Fatalf("problems %v", problems)
	}
	wantError(t, problems[0].Err, ErrForeign)
}

func TestDelete(t *testing.T) {
	s, key := newStore(t), testKey(1)
	wantError(t, s.Delete(key.Address()), ErrUnknownKey)
	put(t, s, key, "")
	if err := os.WriteFile(s.Path(key.Address()), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(key.Address()); err != nil {
		t.Error(err)
	}
	_, err := s.Key(key.Address(), "secret")
	wantError(t, err, ErrUnknownKey)
	wantError(t, s.Delete("../"+key.Address()), ErrUnknownKey)
}

func TestBadInputIsRefused(t *testing.T) {
	s := newStore(t)
	for name, test := range map[string]struct {
		label, passphrase string
		want              error
	}{
		"no passphrase":   {"", "", ErrNoPassphrase},
		"long label":      {strings.Repeat("x", MaximumLabel+1), "secret", ErrBadLabel},
		"escape sequence": {"\x1b[31m", "secret", ErrBadLabel},
		"line break":      {"a\nb", "secret", ErrBadLabel},
		"not UTF-8":       {"\xff", "secret", ErrBadLabel},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Put(testKey(1), test.label, test.passphrase)
			wantError(t, err, test.want)
		})
	}
	if entries, _, err := s.List(); err != nil || len(entries) != 0 {
		t.Errorf("entries %v, %v", entries, err)
	}
	put(t, s, testKey(1), "")
	_, err := s.Key(testKey(1).Address(), "")
	wantError(t, err, ErrWrongPassphrase)
}

func TestPlacesThatCannotBeUsed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	key := testKey(1)
	address := key.Address()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, s *Store) error
		want  error
	}{
		"file that others can read": {func(_ *testing.T, s *Store) error { return os.Chmod(s.Path(address), 0o640) }, ErrExposed},
		"directory that others can write into": {func(_ *testing.T, s *Store) error { return os.Chmod(s.Directory(), 0o770) },
			ErrExposed},
		"file of another key": {func(t *testing.T, s *Store) error {
			return os.Rename(s.Path(put(t, s, testKey(2), "").Address), s.Path(address))
		}, ErrDamaged},
		"file too long": {func(_ *testing.T, s *Store) error {
			return os.WriteFile(s.Path(address), bytes.Repeat([]byte(" "), MaximumFileSize+1), 0o600)
		}, ErrForeign},
		"directory in place of the file": {func(_ *testing.T, s *Store) error {
			return errors.Join(os.Remove(s.Path(address)), os.Mkdir(s.Path(address), 0o700))
		}, ErrForeign},
		"link to nowhere": {func(_ *testing.T, s *Store) error {
			return errors.Join(os.Remove(s.Path(address)), os.Symlink("nowhere", s.Path(address)))
		}, ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			put(t, s, key, "")
			if err := test.spoil(t, s); err != nil {
				t.Fatal(err)
			}
			_, err := s.Key(address, "secret")
			wantError(t, err, test.want)
		})
	}
}

func TestDirectoryThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(path, cheap)
	_, err := s.Put(testKey(1), "", "secret")
	wantError(t, err, ErrUnusable)
	_, _, err = s.List()
	wantError(t, err, ErrUnusable)
	_, err = s.Entry(testKey(1).Address())
	wantError(t, err, ErrUnusable)
}

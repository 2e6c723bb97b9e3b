package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// ending is the suffix of a key file's name, after the address.
	ending = ".json"
	// maximumKeys bounds the number of key files that List reads.
	maximumKeys = 10_000
)

// Config determines how a store makes new keys.
type Config struct {
	// Work is the scrypt work factor of new key files: log2 of N, from 1 to 18. Values below 18 are for tests.
	Work int
}

// DefaultConfig returns the configuration for key files that take about a second and 256 MiB to open.
func DefaultConfig() Config { return Config{Work: maximumWork} }

// Store is a directory of key files. It holds nothing in memory, so several stores and processes may use one directory.
type Store struct {
	directory string
	config    Config
}

// New returns a store in a directory, which need not exist: it is created with the first key.
func New(directory string, config Config) *Store {
	return &Store{directory: directory, config: config}
}

// Directory returns the directory of the key files.
func (s *Store) Directory() string { return s.directory }

// Path returns the file of an address's key, whether it exists or not.
func (s *Store) Path(address string) string { return filepath.Join(s.directory, address+ending) }

// Put encrypts an ed25519 key with a passphrase and stores it under its address. Errors: ErrKeyExists, ErrBadLabel,
// ErrNoPassphrase, ErrExposed, ErrUnusable.
func (s *Store) Put(key crypto.PrivateKey, label, passphrase string) (Entry, error) {
	hidden, f := ofSeed(key)
	return s.put(hidden, f, label, passphrase)
}

// PutAccount is Put of a secp256k1 key.
func (s *Store) PutAccount(key *account.PrivateKey, label, passphrase string) (Entry, error) {
	hidden, f := ofScalar(key)
	return s.put(hidden, f, label, passphrase)
}

func (s *Store) put(hidden secret, f file, label, passphrase string) (Entry, error) {
	if err := s.Admit(f.Address); err != nil {
		return Entry{}, err
	}
	sealed, err := seal(hidden, f, label, passphrase, s.config.Work)
	if err != nil {
		return Entry{}, err
	}
	if err := s.write(sealed); err != nil {
		return Entry{}, err
	}
	return sealed.entry(), nil
}

// Admit checks that a key of the address can be stored, before the user is asked for a passphrase. It changes nothing.
// Errors: ErrKeyExists, ErrExposed, ErrUnusable.
func (s *Store) Admit(address string) error {
	switch _, err := os.Lstat(s.Path(address)); {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrKeyExists, s.Path(address))
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: look for key file: %w", ErrUnusable, err)
	}
	if _, err := os.Stat(s.directory); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return checkDirectory(s.directory)
}

func (s *Store) write(f file) error {
	if err := makeDirectory(s.directory); err != nil {
		return err
	}
	data, err := f.encode()
	if err != nil {
		return err
	}
	if err := writeNew(s.Path(f.Address), data); err != nil {
		return fmt.Errorf("store key %s: %w", f.Address, err)
	}
	return nil
}

// Key opens the ed25519 key of an address. Errors: ErrUnknownKey, ErrOtherType, ErrWrongPassphrase, ErrForeign,
// ErrDamaged, ErrExposed, ErrUnusable.
func (s *Store) Key(address, passphrase string) (crypto.PrivateKey, error) {
	f, err := s.read(address)
	if err != nil {
		return crypto.PrivateKey{}, err
	}
	key, err := f.open(passphrase, maximumWork)
	if err != nil {
		return crypto.PrivateKey{}, fmt.Errorf("open %s: %w", s.Path(address), err)
	}
	return key, nil
}

// Account opens the secp256k1 key of an address. Errors: those of Key.
func (s *Store) Account(address, passphrase string) (*account.PrivateKey, error) {
	f, err := s.read(address)
	if err != nil {
		return nil, err
	}
	key, err := f.openAccount(passphrase, maximumWork)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.Path(address), err)
	}
	return key, nil
}

// Resolve returns the address that is meant by an address, which need not have a key, by the label of a key, or by the first 8
// characters or more of the address of a key. A label is looked for first. Errors: ErrUnknownKey, ErrAmbiguous, ErrExposed, ErrUnusable.
func (s *Store) Resolve(name string) (string, error) {
	if isAddress(name) {
		return name, nil
	}
	entries, problems, err := s.List()
	if err != nil {
		return "", err
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Label != name || name == "" })
	switch {
	case len(entries) == 1:
		return entries[0].Address, nil
	case len(entries) > 1:
		return "", fmt.Errorf("%w: %d keys in %s have the label %q; name the address of one", ErrAmbiguous, len(entries), s.directory, bounded(name))
	}
	if address, err := s.complete(name); err != nil || address != "" {
		return address, err
	}
	unused := ""
	if len(problems) > 0 {
		unused = fmt.Sprintf("; %d key files there cannot be used", len(problems))
	}
	return "", fmt.Errorf("%w: no key in %s has the label %q, which is no address either (40 lower-case hex digits or pokt1…, or the first 8 of one of these keys or more)%s",
		ErrUnknownKey, s.directory, bounded(name), unused)
}

// Needs returns an error unless a key has a type. Errors: ErrOtherType.
func (e Entry) Needs(wanted Type) error { return otherType(e.Type, wanted) }

// isAddress reports whether a text is an address of either type of key.
func isAddress(text string) bool {
	return types.ValidateAddress(text) == nil || account.CheckAddress(text) == nil
}

// Entry returns what is known about an address's key without its passphrase. Errors: those of Key, except
// ErrWrongPassphrase.
func (s *Store) Entry(address string) (Entry, error) {
	f, err := s.read(address)
	return f.entry(), err
}

// Export returns the encrypted file of an address's key, for Import. Errors: those of Entry.
func (s *Store) Export(address string) ([]byte, error) {
	f, err := s.read(address)
	if err != nil {
		return nil, err
	}
	return f.encode()
}

// Import stores an exported key file as it is, encrypted with the passphrase that it was exported with, which must open
// it. Errors: those of Key and of Put.
func (s *Store) Import(exported []byte, passphrase string) (Entry, error) {
	f, err := decode(exported)
	if err != nil {
		return Entry{}, err
	}
	if err := s.Admit(f.Address); err != nil {
		return Entry{}, err
	}
	if err := f.check(passphrase, maximumWork); err != nil {
		return Entry{}, err
	}
	if err := s.write(f); err != nil {
		return Entry{}, err
	}
	return f.entry(), nil
}

// Inspect returns what an exported key file reveals about its key without the passphrase. Errors: ErrForeign,
// ErrDamaged.
func Inspect(exported []byte) (Entry, error) {
	f, err := decode(exported)
	return f.entry(), err
}

// Problem is a file that is named after an address but cannot be used.
type Problem struct {
	Address string
	Err     error
}

// List returns the keys of the store and the files that should be keys but are not usable, both ordered by address.
// Files with other names are left out. A directory that does not exist holds no keys. Errors: ErrExposed, ErrUnusable.
func (s *Store) List() ([]Entry, []Problem, error) {
	names, err := os.ReadDir(s.directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: read key directory: %w", ErrUnusable, err)
	}
	if err := checkDirectory(s.directory); err != nil {
		return nil, nil, err
	}
	var entries []Entry
	var problems []Problem
	for _, name := range names { // sorted by name
		address, is := strings.CutSuffix(name.Name(), ending)
		if !is || !isAddress(address) {
			continue
		}
		if len(entries)+len(problems) == maximumKeys {
			return nil, nil, fmt.Errorf("%w: %s holds more than %d keys", ErrUnusable, s.directory, maximumKeys)
		}
		entry, err := s.Entry(address)
		if err != nil {
			problems = append(problems, Problem{address, err})
			continue
		}
		entries = append(entries, entry)
	}
	return entries, problems, nil
}

// Delete removes the key of an address permanently; the key need not be readable. Errors: ErrUnknownKey, ErrExposed,
// ErrUnusable.
func (s *Store) Delete(address string) error {
	path, err := s.find(address)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("%w: delete key file: %w", ErrUnusable, err)
	}
	return syncDirectory(s.directory)
}

// find checks that there is a file for an address, and that its directory can be trusted.
func (s *Store) find(address string) (string, error) {
	if !isAddress(address) {
		return "", fmt.Errorf("%w: %q is not an address", ErrUnknownKey, bounded(address))
	}
	path := s.Path(address)
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%w: no key of %s in %s", ErrUnknownKey, address, s.directory)
	case err != nil:
		return "", fmt.Errorf("%w: look for key file: %w", ErrUnusable, err)
	}
	return path, checkDirectory(s.directory)
}

func (s *Store) read(address string) (file, error) {
	path, err := s.find(address)
	if err != nil {
		return file{}, err
	}
	data, err := readPrivate(path)
	if err != nil {
		return file{}, err
	}
	f, err := decode(data)
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	if f.Address != address {
		return file{}, fmt.Errorf("%s: %w: it holds the key of %s", path, ErrDamaged, f.Address)
	}
	return f, nil
}

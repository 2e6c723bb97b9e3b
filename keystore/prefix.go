package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Beginning returns the addresses of the key files that begin with a prefix, ordered; whether the files can be used is not
// looked at. Errors: ErrExposed, ErrUnusable.
func (s *Store) Beginning(prefix string) ([]string, error) {
	names, err := os.ReadDir(s.directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read key directory: %w", ErrUnusable, err)
	}
	if err := checkDirectory(s.directory); err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names { // sorted by name
		if address, is := strings.CutSuffix(name.Name(), ending); is && isAddress(address) && strings.HasPrefix(address, prefix) {
			found = append(found, address)
		}
	}
	return found, nil
}

// complete returns the address of the only key that begins with a prefix; empty when there is none, or the text is no prefix.
// Errors: ErrAmbiguous, and those of Beginning.
func (s *Store) complete(prefix string) (string, error) {
	if !types.IsAddressPrefix(prefix) && !account.IsPrefix(prefix) {
		return "", nil
	}
	found, err := s.Beginning(prefix)
	switch {
	case err != nil || len(found) == 0:
		return "", err
	case len(found) > 1:
		const shown = 3
		return "", fmt.Errorf("%w: %d keys in %s begin with %q, as %s; give more digits", ErrAmbiguous, len(found), s.directory, prefix,
			strings.Join(found[:min(shown, len(found))], ", "))
	}
	return found[0], nil
}

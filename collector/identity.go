package collector

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	identityName = "identity"
	identitySize = 16
)

// Identity returns the random name of a data directory, and makes it if there is none. A consumer belongs to one directory:
// two that shared one would have half of the samples each.
func Identity(directory string) (string, error) {
	path := filepath.Join(directory, identityName)
	read, err := os.ReadFile(path)
	switch raw, bad := hex.DecodeString(string(read)); {
	case err == nil && bad == nil && len(raw) == identitySize:
		return string(read), nil
	case err == nil:
		return "", fmt.Errorf("%s is not an identity of %d hex digits; restore it, or remove it together with its consumer on the NATS server", path, 2*identitySize)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("read identity: %w", err)
	}
	raw := make([]byte, identitySize)
	_, _ = rand.Read(raw) // never fails
	identity := hex.EncodeToString(raw)
	if err := writeSynced(path+".new", []byte(identity)); err != nil {
		return "", fmt.Errorf("write identity: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("write identity: %w", err)
	}
	return identity, syncDirectory(directory)
}

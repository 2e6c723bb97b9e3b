package localnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/disk"
)

// Names within a home.
const (
	lockName    = "LOCK"
	markerName  = "localnet.json"
	genesisName = "genesis.json"
	nodeName    = "node"
	// processesName is the directory of the processes' homes; it replaces the node's own directory.
	processesName = "processes"
	// halfName is the suffix of a file that is not completely written.
	halfName = ".half"
)

// home is the directory of a LocalNet. It is found (nothing is changed yet), claimed (made and locked), filled, and
// finally released in one of two ways: kept or undone.
type home struct {
	path string
	// temporary homes are removed when they are released.
	temporary bool
	// made lists the directories that claim made, the innermost first.
	made []string
	// marker is the home's marker; nil if the home is new.
	marker *marker
	lock   *flock.Flock
	// fresh reports whether the home was new when it was claimed.
	fresh bool
}

// findHome examines a directory without changing anything; an empty path means a temporary one. Errors:
// ErrHomeUnusable, ErrForeignHome.
func findHome(path string) (*home, error) {
	if path == "" {
		return &home{temporary: true}, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable("find", err)
	}
	found, err := inspect(absolute)
	if err != nil {
		return nil, err
	}
	return &home{path: absolute, marker: found}, nil
}

// inspect reads a directory's marker: nil if the directory does not exist, is empty, or holds only what an interrupted
// claim left and what disks put there.
func inspect(path string) (*marker, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unusable("read directory", err)
	}
	for _, entry := range entries {
		if entry.Name() == markerName {
			return readMarker(filepath.Join(path, markerName))
		}
	}
	for _, entry := range entries {
		if name := entry.Name(); name != lockName && name != markerName+halfName && !disk.Owns(name) {
			return nil, fmt.Errorf("%w: %s holds %q and no %s", ErrForeignHome, path, name, markerName)
		}
	}
	return nil, nil
}

func readMarker(path string) (*marker, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unusable("read marker", err)
	}
	m, err := parseMarker(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrForeignHome, path, err)
	}
	return &m, nil
}

// claim makes the directory if necessary, takes its lock, and reads its marker again, because another instance may have
// written it meanwhile. A claim that fails leaves nothing behind. Errors: ErrHomeInUse, ErrHomeUnusable,
// ErrForeignHome.
func (h *home) claim() error {
	if err := h.make(); err != nil {
		return err
	}
	if err := h.takeLock(); err != nil {
		h.removeMade()
		return err
	}
	found, err := inspect(h.path)
	if err != nil {
		h.unlock()
		return err
	}
	h.marker, h.fresh = found, found == nil
	return nil
}

func (h *home) make() error {
	if h.temporary {
		path, err := os.MkdirTemp("", "pocket-localnet-")
		if err != nil {
			return unusable("make temporary directory", err)
		}
		h.path, h.made = path, []string{path}
		return nil
	}
	for path := h.path; ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		h.made = append(h.made, path)
	}
	if err := os.MkdirAll(h.path, 0o700); err != nil {
		h.removeMade()
		return unusable("make directory", err)
	}
	return nil
}

// takeLock takes the exclusive lock without waiting. The instance that is undone removes its lock file, so a lock
// counts only if its file is still the one in the directory.
func (h *home) takeLock() error {
	path := filepath.Join(h.path, lockName)
	lock := flock.New(path, flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return unusable("lock", err)
	}
	if locked {
		mine, mineErr := lock.Stat()
		there, thereErr := os.Stat(path)
		locked = mineErr == nil && thereErr == nil && os.SameFile(mine, there)
	}
	if !locked {
		lock.Close()
		return fmt.Errorf("%w: another LocalNet runs on %s", ErrHomeInUse, h.path)
	}
	h.lock = lock
	return nil
}

// fill writes a new home's marker; without it the directory is not a home.
func (h *home) fill(m marker) error {
	data, err := m.encode()
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(h.path, markerName), data); err != nil {
		return unusable("write marker", err)
	}
	h.marker = &m
	return nil
}

// genesis returns the genesis that the home holds, or the given one, which is stored, if it holds none yet. A file that
// a person edited is refused if it is invalid or belongs to another chain.
func (h *home) genesis(initial *genesis.Genesis) (*genesis.Genesis, error) {
	path := filepath.Join(h.path, genesisName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return initial, h.storeGenesis(path, initial)
	}
	if err != nil {
		return nil, unusable("read genesis", err)
	}
	stored, err := genesis.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if stored.ChainId != initial.ChainId {
		return nil, fmt.Errorf("%w: %s is of chain %q, not %q", ErrForeignHome, path, stored.ChainId, initial.ChainId)
	}
	return stored, nil
}

func (h *home) storeGenesis(path string, g *genesis.Genesis) error {
	data, err := g.Marshal()
	if err != nil {
		return err
	}
	if err := writeFile(path, data); err != nil {
		return unusable("write genesis", err)
	}
	return nil
}

// nodeHome returns the node's own directory within the home.
func (h *home) nodeHome() (string, error) {
	path := filepath.Join(h.path, nodeName)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", unusable("make node's directory", err)
	}
	return path, nil
}

// keep releases the home for its next run; a temporary one is removed.
func (h *home) keep() error {
	var err error
	if h.temporary {
		err = os.RemoveAll(h.path)
	}
	h.unlock()
	return err
}

// undo releases the home and restores the state before the claim.
func (h *home) undo() {
	switch {
	case h.temporary:
		os.RemoveAll(h.path)
	case h.fresh:
		for _, name := range []string{nodeName, processesName, genesisName + halfName, genesisName, markerName + halfName, markerName, lockName} {
			os.RemoveAll(filepath.Join(h.path, name))
		}
		h.removeMade()
	}
	h.unlock()
}

// removeMade removes the directories that claim made, if they are empty.
func (h *home) removeMade() {
	for _, path := range h.made {
		os.Remove(path)
	}
	h.made = nil
}

func (h *home) unlock() {
	if h.lock != nil {
		h.lock.Close()
	}
}

func unusable(attempted string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrHomeUnusable, attempted, err)
}

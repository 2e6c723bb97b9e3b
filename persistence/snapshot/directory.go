package snapshot

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// manifestName is the file with the hashes of the chunks.
	manifestName = "manifest"
	// half is the suffix of a snapshot that is not complete.
	half = ".half"
)

// ErrUnknown is returned for a snapshot or chunk that is not kept.
var ErrUnknown = errors.New("snapshot is not kept")

// Directory holds the newest snapshots of a node, each in a directory named by its height: chunks as files named by their
// index, and a manifest. It is safe for concurrent use; one snapshot can be written at a time.
type Directory struct {
	path string
	keep int

	mu   sync.RWMutex
	kept []Manifest // the oldest first
}

// OpenDirectory opens a directory, which is created when the first snapshot is written, and removes what was left
// unfinished. It keeps the newest keep snapshots, at least 1.
func OpenDirectory(path string, keep int) (*Directory, error) {
	d := &Directory{path: path, keep: max(keep, 1)}
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		height, err := strconv.ParseInt(strings.TrimSuffix(name, half), 10, 64)
		if err != nil || !entry.IsDir() || strconv.FormatInt(height, 10) != strings.TrimSuffix(name, half) {
			continue // not ours
		}
		manifest, err := d.load(height)
		if err != nil || strings.HasSuffix(name, half) {
			if err := os.RemoveAll(filepath.Join(path, name)); err != nil {
				return nil, fmt.Errorf("remove unfinished snapshot: %w", err)
			}
			continue
		}
		d.kept = append(d.kept, manifest)
	}
	slices.SortFunc(d.kept, func(a, b Manifest) int { return cmp.Compare(a.Height, b.Height) })
	return d, nil
}

// load reads the manifest of a height.
func (d *Directory) load(height int64) (Manifest, error) {
	data, err := os.ReadFile(filepath.Join(d.at(height), manifestName))
	if err != nil {
		return Manifest{}, err
	}
	if len(data) < sha256.Size {
		return Manifest{}, ErrMalformed
	}
	metadata, hash := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	return ParseManifest(uint64(height), uint64(len(metadata)/sha256.Size), metadata, hash)
}

func (d *Directory) at(height int64) string {
	return filepath.Join(d.path, strconv.FormatInt(height, 10))
}

// List returns the snapshots that are kept, the oldest first.
func (d *Directory) List() []Manifest {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.kept)
}

// Oldest returns the height of the oldest snapshot that is kept; 0 when there is none.
func (d *Directory) Oldest() int64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.kept) == 0 {
		return 0
	}
	return d.kept[0].Height
}

// Chunk returns a chunk of the snapshot of a height. Errors: ErrUnknown.
func (d *Directory) Chunk(height int64, index uint32) ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	known := slices.ContainsFunc(d.kept, func(m Manifest) bool { return m.Height == height && uint64(index) < uint64(len(m.Hashes)) })
	if !known {
		return nil, fmt.Errorf("%w: chunk %d of height %d", ErrUnknown, index, height)
	}
	return os.ReadFile(filepath.Join(d.at(height), strconv.FormatUint(uint64(index), 10)))
}

// Write writes the snapshot of a height. write passes the tree's nodes on; pace is called before each chunk but the first
// with the size of the one before, and may wait. Snapshots above the number kept are removed, the oldest first. When it
// fails, nothing is left of the new one.
func (d *Directory) Write(height int64, write func(add func(Node) error) error, pace func(bytes int) error) (err error) {
	unfinished := d.at(height) + half
	defer func() {
		if err != nil {
			err = fmt.Errorf("write snapshot of height %d: %w", height, errors.Join(err, os.RemoveAll(unfinished)))
		}
	}()
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		return err
	}
	manifest := Manifest{Height: height}
	before := 0
	writer := NewWriter(func(chunk []byte) error {
		index := len(manifest.Hashes)
		if index == MaxChunks {
			return fmt.Errorf("%w: it has more than %d chunks", ErrTooLarge, MaxChunks)
		}
		if index > 0 {
			if err := pace(before); err != nil {
				return err
			}
		}
		before = len(chunk)
		manifest.Hashes = append(manifest.Hashes, sha256.Sum256(chunk))
		return writeSynced(filepath.Join(unfinished, strconv.Itoa(index)), chunk)
	})
	if err := write(writer.Add); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(unfinished, manifestName), append(manifest.Metadata(), manifest.Hash()...)); err != nil {
		return err
	}
	return d.take(unfinished, manifest)
}

// take adds a finished snapshot and removes those that are too many.
func (d *Directory) take(unfinished string, manifest Manifest) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = slices.DeleteFunc(d.kept, func(m Manifest) bool { return m.Height == manifest.Height })
	if err := os.RemoveAll(d.at(manifest.Height)); err != nil {
		return err
	}
	if err := os.Rename(unfinished, d.at(manifest.Height)); err != nil {
		return err
	}
	d.kept = append(d.kept, manifest)
	for len(d.kept) > d.keep {
		oldest := d.kept[0]
		d.kept = d.kept[1:]
		if err := os.RemoveAll(d.at(oldest.Height)); err != nil {
			return err
		}
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return cmp.Or(err, file.Sync(), file.Close())
}

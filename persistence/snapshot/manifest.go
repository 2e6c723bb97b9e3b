package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Format is the only format that this program writes and reads.
const Format = 1

// domain separates the hash of a manifest from other hashes.
const domain = "pocket/snapshot/v1"

// Manifest names a snapshot and proves its chunks.
type Manifest struct {
	// Height of the block that the snapshot is the state after, from 1.
	Height int64
	// Hashes are SHA-256 of the chunks: 1 to MaxChunks.
	Hashes [][sha256.Size]byte
}

// Metadata returns the hashes of the chunks, one after the other.
func (m Manifest) Metadata() []byte {
	data := make([]byte, 0, len(m.Hashes)*sha256.Size)
	for _, hash := range m.Hashes {
		data = append(data, hash[:]...)
	}
	return data
}

// Hash returns the snapshot's hash: SHA-256 of the domain, the height as 8 big-endian bytes, and the metadata.
func (m Manifest) Hash() []byte {
	hash := sha256.Sum256(append(binary.BigEndian.AppendUint64([]byte(domain), uint64(m.Height)), m.Metadata()...))
	return hash[:]
}

// ParseManifest reads what a peer offers. Errors: ErrMalformed.
func ParseManifest(height, chunks uint64, metadata, hash []byte) (Manifest, error) {
	switch {
	case height < 1 || height > 1<<62:
		return Manifest{}, fmt.Errorf("%w: its height is %d", ErrMalformed, height)
	case chunks < 1 || chunks > MaxChunks:
		return Manifest{}, fmt.Errorf("%w: it has %d chunks; allowed are 1 to %d", ErrMalformed, chunks, MaxChunks)
	case uint64(len(metadata)) != chunks*sha256.Size:
		return Manifest{}, fmt.Errorf("%w: %d bytes of hashes for %d chunks", ErrMalformed, len(metadata), chunks)
	}
	m := Manifest{Height: int64(height), Hashes: make([][sha256.Size]byte, chunks)}
	for i := range m.Hashes {
		copy(m.Hashes[i][:], metadata[i*sha256.Size:])
	}
	if string(m.Hash()) != string(hash) {
		return Manifest{}, fmt.Errorf("%w: its hash is not that of its chunks", ErrMalformed)
	}
	return m, nil
}

// Proves reports whether a chunk is the one at an index.
func (m Manifest) Proves(index uint32, chunk []byte) bool {
	return uint64(index) < uint64(len(m.Hashes)) && sha256.Sum256(chunk) == m.Hashes[index]
}

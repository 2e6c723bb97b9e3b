package snapshot

import (
	"errors"
	"fmt"
)

const (
	// ChunkBytes is the maximum size of a chunk. A peer's message of a chunk is far below the 16 MB that CometBFT allows.
	ChunkBytes = 1 << 20
	// MaxChunks bounds a snapshot: 4 GiB.
	MaxChunks = 4096
)

// ErrTooLarge is returned for a state that does not fit into a snapshot.
var ErrTooLarge = errors.New("state is too large for a snapshot")

// Writer cuts nodes into chunks. It keeps one chunk in memory.
type Writer struct {
	emit  func(chunk []byte) error
	shape Shape
	chunk []byte
	// next is where a node is encoded before it is known to fit.
	next []byte
}

// NewWriter returns a Writer that hands over each chunk once it is complete. The chunk may not be kept.
func NewWriter(emit func(chunk []byte) error) *Writer { return &Writer{emit: emit} }

// Add writes a node. Errors: ErrTooLarge, ErrMalformed, and emit's.
func (w *Writer) Add(node Node) error {
	if err := w.shape.Add(node.Height); err != nil {
		return err
	}
	w.next = node.append(w.next[:0])
	if len(w.next) > ChunkBytes {
		return fmt.Errorf("%w: an entry has %d bytes; a chunk has %d", ErrTooLarge, len(w.next), ChunkBytes)
	}
	if len(w.chunk)+len(w.next) > ChunkBytes {
		if err := w.emit(w.chunk); err != nil {
			return err
		}
		w.chunk = w.chunk[:0]
	}
	w.chunk = append(w.chunk, w.next...)
	return nil
}

// Close checks that the nodes were a whole tree, and hands over the last chunk.
func (w *Writer) Close() error {
	if err := w.shape.End(); err != nil {
		return err
	}
	return w.emit(w.chunk)
}

// Read decodes a chunk of a snapshot of a height and calls visit with each node, whose key and value share the chunk's
// memory. Errors: ErrMalformed, and visit's.
func Read(chunk []byte, height int64, visit func(Node) error) error {
	if len(chunk) == 0 || len(chunk) > ChunkBytes || height < 1 {
		return fmt.Errorf("%w: a chunk of %d bytes, of height %d", ErrMalformed, len(chunk), height)
	}
	for rest := chunk; len(rest) > 0; {
		var node Node
		var err error
		if node, rest, err = cutNode(rest, height); err != nil {
			return err
		}
		if err := visit(node); err != nil {
			return err
		}
	}
	return nil
}

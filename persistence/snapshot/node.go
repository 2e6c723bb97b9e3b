package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is returned for a snapshot, or a part of one, that no honest node writes.
var ErrMalformed = errors.New("malformed snapshot")

// Node is one node of the state's tree.
type Node struct {
	// Height of the subtree below it; 0 for a leaf.
	Height int8
	// Version is the block that wrote it, from 1.
	Version int64
	Key     []byte
	// Value of a leaf, not nil; nil for an inner node.
	Value []byte
}

// append adds the encoded node.
func (n Node) append(to []byte) []byte {
	to = append(to, byte(n.Height))
	to = binary.AppendUvarint(to, uint64(n.Version))
	to = appendBytes(to, n.Key)
	if n.Height == 0 {
		to = appendBytes(to, n.Value)
	}
	return to
}

func appendBytes(to, field []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(field))), field...)
}

// cutNode decodes the node that data begins with. Its key and value share data's memory.
func cutNode(data []byte, newest int64) (node Node, rest []byte, err error) {
	if len(data) == 0 || data[0] > maximumHeight {
		return Node{}, nil, fmt.Errorf("%w: a node without a height of 0 to %d", ErrMalformed, maximumHeight)
	}
	node.Height = int8(data[0])
	version, rest, err := cutNumber(data[1:])
	if err != nil {
		return Node{}, nil, err
	}
	if version < 1 || version > uint64(newest) {
		return Node{}, nil, fmt.Errorf("%w: a node of version %d in a snapshot of height %d", ErrMalformed, version, newest)
	}
	node.Version = int64(version)
	if node.Key, rest, err = cutBytes(rest); err != nil {
		return Node{}, nil, err
	}
	if len(node.Key) == 0 {
		return Node{}, nil, fmt.Errorf("%w: a node without a key", ErrMalformed)
	}
	if node.Height == 0 {
		node.Value, rest, err = cutBytes(rest)
	}
	return node, rest, err
}

// cutNumber decodes a uvarint in its shortest form.
func cutNumber(data []byte) (uint64, []byte, error) {
	number, length := binary.Uvarint(data)
	if length <= 0 || length > 1 && data[length-1] == 0 {
		return 0, nil, fmt.Errorf("%w: a number that ends early, is too large, or is longer than necessary", ErrMalformed)
	}
	return number, data[length:], nil
}

func cutBytes(data []byte) (field, rest []byte, err error) {
	length, rest, err := cutNumber(data)
	if err != nil {
		return nil, nil, err
	}
	if length > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: a field of %d bytes where %d are left", ErrMalformed, length, len(rest))
	}
	return rest[:length:length], rest[length:], nil
}

package packed

import (
	"encoding/binary"
	"hash/crc32"
)

// Part is a part of a stream: a piece, or a text that is not compressed yet.
type Part struct {
	// Piece is nil for a text that is not compressed.
	Piece *Piece
	// Text is nil for a piece whose text is not at hand.
	Text []byte
}

// Size returns how many bytes the text of the part has.
func (p Part) Size() int {
	if p.Piece != nil {
		return p.Piece.size
	}
	return len(p.Text)
}

// header of a gzip stream: DEFLATE, no time, no name, of an unknown system.
var header = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// end is a last block without content.
var end = []byte{0x03, 0x00}

// Join returns a gzip stream of parts, in parts that share the memory of pieces, and how many bytes it has.
func Join(parts []Part) (stream [][]byte, size int) {
	stream = make([][]byte, 0, len(parts)+3)
	add := func(bytes []byte) {
		stream = append(stream, bytes)
		size += len(bytes)
	}
	add(header)
	sum, length := uint32(0), 0
	for _, part := range parts {
		length += part.Size()
		if piece := part.Piece; piece != nil {
			sum = multiply(piece.shift, sum) ^ piece.crc
			add(piece.deflated)
			continue
		}
		if len(part.Text) > 0 {
			sum = crc32.Update(sum, crc32.IEEETable, part.Text)
			add(deflate(&joinWriters, part.Text))
		}
	}
	add(end)
	trailer := binary.LittleEndian.AppendUint32(nil, sum)
	add(binary.LittleEndian.AppendUint32(trailer, uint32(length)))
	return stream, size
}

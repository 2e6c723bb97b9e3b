package packed

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// Piece is a text that is compressed. Nobody changes it once it is made.
type Piece struct {
	deflated []byte
	size     int
	// crc is the text's checksum, and shift what that of the text before it is multiplied by.
	crc, shift uint32
	digest     [DigestSize]byte
}

// DigestSize is the size of a digest in bytes.
const DigestSize = 16

// Digest returns the digest of a text: the beginning of its SHA-256.
func Digest(text []byte) (digest [DigestSize]byte) {
	whole := sha256.Sum256(text)
	copy(digest[:], whole[:])
	return digest
}

// Levels of compression: that of pieces is spent once, that of what is joined uncompressed at each joining.
const (
	pieceLevel = flate.DefaultCompression
	joinLevel  = flate.BestSpeed
)

// Pack compresses a text.
func Pack(text []byte) Piece {
	return Piece{deflated: deflate(&pieceWriters, text), size: len(text), crc: crc32.ChecksumIEEE(text), shift: shiftOf(len(text)), digest: Digest(text)}
}

// Size returns how many bytes the text has.
func (p *Piece) Size() int { return p.size }

// Bytes returns how many bytes the piece takes.
func (p *Piece) Bytes() int { return len(p.deflated) }

// Digest returns the digest of the text.
func (p *Piece) Digest() [DigestSize]byte { return p.digest }

// Text returns the text. Errors: those of a piece that was not made by Pack.
func (p *Piece) Text() ([]byte, error) {
	reader := readers.Get().(io.ReadCloser)
	defer readers.Put(reader)
	if err := reader.(flate.Resetter).Reset(bytes.NewReader(p.deflated), nil); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text := make([]byte, p.size)
	if _, err := io.ReadFull(reader, text); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return text, nil
}

// Compressors take some hundred kilobytes each, so they are used again.
var (
	pieceWriters = sync.Pool{New: func() any { return newWriter(pieceLevel) }}
	joinWriters  = sync.Pool{New: func() any { return newWriter(joinLevel) }}
	readers      = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

func newWriter(level int) *flate.Writer {
	writer, _ := flate.NewWriter(nil, level) // the only error is a level that there is not
	return writer
}

// deflate compresses a text to whole blocks that end at a byte, none of which is the last one of a stream.
func deflate(writers *sync.Pool, text []byte) []byte {
	writer := writers.Get().(*flate.Writer)
	defer writers.Put(writer)
	var blocks bytes.Buffer
	writer.Reset(&blocks)
	_, _ = writer.Write(text) // to memory, which takes all
	_ = writer.Flush()
	return bytes.Clone(blocks.Bytes())
}

// polynomial is that of CRC-32 (RFC 1952), its bits reversed.
const polynomial = crc32.IEEE

// shiftOf returns x^(8·n) modulo the polynomial: what the checksum of a text is multiplied by when n bytes follow it.
func shiftOf(n int) uint32 {
	shift, square := uint32(1)<<31, uint32(1)<<23 // x^0 and x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = multiply(shift, square)
		}
		square = multiply(square, square)
	}
	return shift
}

// multiply multiplies two polynomials modulo the polynomial.
func multiply(a, b uint32) (product uint32) {
	for bit := uint32(1) << 31; bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		if b&1 != 0 {
			b = b>>1 ^ polynomial
		} else {
			b >>= 1
		}
	}
	return product
}

package packed

import (
	"bytes"
	"compress/gzip"
	"hash/crc32"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// Whatever pieces are joined, and whichever of them were compressed before, a decoder of gzip reads them one after the other.
func TestJoinedPiecesAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts []Part
		var want []byte
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			text := rapid.OneOf(
				rapid.SliceOfN(rapid.Byte(), 0, 300),
				rapid.Map(rapid.IntRange(0, 200_000), func(n int) []byte { return bytes.Repeat([]byte(`{"a":1},`), n/8) }),
			).Draw(t, "text")
			want = append(want, text...)
			if !rapid.Bool().Draw(t, "packed") {
				parts = append(parts, Part{Text: text})
				continue
			}
			piece := Pack(text)
			if again, err := piece.Text(); err != nil || !bytes.Equal(again, text) || piece.Size() != len(text) || piece.Digest() != Digest(text) {
				t.Fatalf("%d bytes of %d, %v", len(again), len(text), err)
			}
			parts = append(parts, Part{Piece: &piece})
		}
		stream, size := Join(parts)
		joined := bytes.Join(stream, nil)
		if len(joined) != size {
			t.Fatalf("%d bytes, said %d", len(joined), size)
		}
		reader, err := gzip.NewReader(bytes.NewReader(joined))
		if err != nil {
			t.Fatal(err)
		}
		reader.Multistream(false)
		got, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	})
}

func TestChecksumsAreCombined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "a"), rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		got := multiply(shiftOf(len(b)), crc32.ChecksumIEEE(a)) ^ crc32.ChecksumIEEE(b)
		if want := crc32.ChecksumIEEE(append(a, b...)); got != want {
			t.Fatalf("%08x, want %08x", got, want)
		}
	})
}

// A piece that is damaged is no text.
func TestDamagedPiece(t *testing.T) {
	piece := Pack(bytes.Repeat([]byte("text "), 100))
	piece.deflated = piece.deflated[:len(piece.deflated)/2]
	if _, err := piece.Text(); err == nil {
		t.Error("half of a piece was read")
	}
}

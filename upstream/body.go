package upstream

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrTooLarge is returned when an answer has more bytes than the bound, decoded or not.
var ErrTooLarge = errors.New("the answer is too large")

// codingRoom is what a coded body may have beyond the bound of the decoded one: gzip adds a header, a trailer and a few
// bytes for each block that it cannot compress. The bound on coded bytes also bounds a body that decodes to nothing.
const codingRoom = 64 << 10

// Decode makes the body of a gzip answer the decoded one, and removes the header fields of the coded one: Content-Encoding
// and Content-Length. An answer of another coding, which was not asked for, stays as it is. An answer to HEAD has no body,
// so it only loses the fields. Reading the body returns ErrTooLarge once more than most bytes, and room for the coding, were
// read of the coded body, and an error of the coding when it is cut off or corrupt: the node failed to answer.
func Decode(response *http.Response, most int) {
	if !isGzip(response.Header) {
		return
	}
	coded := http.MaxBytesReader(nil, response.Body, int64(most+codingRoom))
	response.Body = &gunzip{coded: coded, tooLarge: response.ContentLength > int64(most+codingRoom)}
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	response.ContentLength = -1
}

// isGzip reports whether gzip is the one coding of a body. x-gzip is its older name, identity is no coding.
func isGzip(header http.Header) bool {
	found := 0
	for coding := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "", "identity":
		case "gzip", "x-gzip":
			found++
		default:
			return false
		}
	}
	return found == 1
}

// gunzip decodes a body. It begins when it is read, since an answer without a body has nothing to decode.
type gunzip struct {
	coded    io.ReadCloser
	plain    *gzip.Reader
	tooLarge bool
}

// Read implements io.Reader.
func (g *gunzip) Read(into []byte) (int, error) {
	if g.tooLarge {
		return 0, ErrTooLarge
	}
	if g.plain == nil {
		plain, err := gzip.NewReader(g.coded)
		if err != nil {
			return 0, err // io.EOF of an empty body
		}
		g.plain = plain
	}
	return g.plain.Read(into)
}

// Close implements io.Closer.
func (g *gunzip) Close() error { return g.coded.Close() }

// ReadBody reads an answer of at most so many bytes. An answer to HEAD has none: its Content-Length is another answer's.
// Errors: ErrTooLarge.
func ReadBody(response *http.Response, most int) ([]byte, error) {
	if response.Request.Method == http.MethodHead {
		return nil, nil
	}
	if response.ContentLength > int64(most) {
		return nil, ErrTooLarge
	}
	body, err := readAll(io.LimitReader(response.Body, int64(most)+1), response.ContentLength)
	if _, coded := errors.AsType[*http.MaxBytesError](err); coded || len(body) > most {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return body, nil
}

// trustedLength is the largest announced length for which room is made before the body comes.
const trustedLength = 16 << 10

// readAll is io.ReadAll of a body whose length is announced; below 0 if it is not.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 || length > trustedLength {
		return io.ReadAll(body)
	}
	read := bytes.NewBuffer(make([]byte, 0, length+bytes.MinRead))
	_, err := read.ReadFrom(body)
	return read.Bytes(), err
}

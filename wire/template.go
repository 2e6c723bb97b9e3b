package wire

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

// Template serialises requests to one address that differ in their bodies only, without parsing the address each time.
type Template struct {
	// before and after the length of the body.
	before, after []byte
}

// lengthOfOne is the header field of a request whose body is one byte.
const lengthOfOne = "\r\nContent-Length: 1\r\n"

// NewTemplate returns a template. Its errors are those of Request.
func NewTemplate(method, address string, header http.Header) (*Template, error) {
	serialised, err := Request(method, address, header, []byte{0})
	if err != nil {
		return nil, err
	}
	before, after, found := bytes.Cut(serialised[:len(serialised)-1], []byte(lengthOfOne))
	if !found {
		return nil, errors.New("serialise request: it has no length")
	}
	// Copies: what was serialised has far more room.
	return &Template{
		before: slices.Concat(before, []byte(lengthOfOne[:len(lengthOfOne)-len("1\r\n")])),
		after:  slices.Concat([]byte("\r\n"), after),
	}, nil
}

// Request returns what the function Request returns for a body, which must not be empty.
func (t *Template) Request(body []byte) []byte {
	var room [20]byte
	length := strconv.AppendInt(room[:0], int64(len(body)), 10)
	return slices.Concat(t.before, length, t.after, body)
}

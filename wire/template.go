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

// mostLength is how many digits the length of a body has at most.
const mostLength = 20

// Head returns what comes before a body of a size, which must not be 0, in what the function Request returns; with capacity
// for the body.
func (t *Template) Head(size int) []byte {
	head := make([]byte, 0, len(t.before)+mostLength+len(t.after)+size)
	head = strconv.AppendInt(append(head, t.before...), int64(size), 10)
	return append(head, t.after...)
}

package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const contentEncoding = "Content-Encoding"

// Unencoded returns nil if the body is as its sender made it, and otherwise the failure of an answer in an encoding that
// was not asked for: MALFORMED.
func (a *Answer) Unencoded() *Failure {
	if len(a.encodings()) == 0 {
		return nil
	}
	return unasked(strings.Join(a.Header.Values(contentEncoding), ", "))
}

// Decoded returns the body without its encoding, for a request that accepts gzip: at most that many bytes. The encoding
// may be gzip or none. Failures: TOO_LARGE when the decoded body is longer, which is found without decoding the rest;
// MALFORMED when it was encoded otherwise or more than once, or is corrupt, cut off or followed by something else. An
// empty body has nothing to decode.
func (a *Answer) Decoded(most int) ([]byte, *Failure) {
	zipped := 0
	for _, encoding := range a.encodings() {
		switch strings.ToLower(encoding) {
		case "identity":
		case "gzip", "x-gzip":
			zipped++
		default:
			return nil, unasked(encoding)
		}
	}
	switch {
	case zipped > 1:
		return nil, misencoded(errors.New("it is encoded more than once"))
	case zipped == 1 && len(a.Body) > 0:
		return unzipped(a.Body, most)
	case len(a.Body) > most:
		return nil, tooLong(most)
	}
	return a.Body, nil
}

// encodings of the body, in the order in which they were applied (RFC 9110 §8.4).
func (a *Answer) encodings() []string {
	named := strings.Join(a.Header.Values(contentEncoding), ",")
	return strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// decoders are gzip's: one has 40 KB, far more than most answers.
var decoders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func unzipped(body []byte, most int) ([]byte, *Failure) {
	reader := decoders.Get().(*gzip.Reader)
	defer decoders.Put(reader)
	if err := reader.Reset(bytes.NewReader(body)); err != nil {
		return nil, misencoded(fmt.Errorf("read gzip: %w", err))
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, int64(most)+1))
	switch {
	case len(decoded) > most:
		return nil, tooLong(most)
	case err != nil:
		return nil, misencoded(fmt.Errorf("read gzip: %w", err))
	}
	return decoded, nil
}

func unasked(encoding string) *Failure {
	return misencoded(fmt.Errorf("content encoding %q was not asked for", text.Line(encoding, mostQuoted)))
}

func misencoded(err error) *Failure {
	return Fail(types.Outcome_OUTCOME_MALFORMED, types.Attempt_ATTEMPT_READ_RESPONSE, err)
}

func tooLong(most int) *Failure {
	return Fail(types.Outcome_OUTCOME_TOO_LARGE, types.Attempt_ATTEMPT_READ_RESPONSE, fmt.Errorf("body above %d bytes", most))
}

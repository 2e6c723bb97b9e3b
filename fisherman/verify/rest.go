package verify

import (
	"crypto/sha256"
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ReadAnswer reads what a node answered to a question: by Read, or, if the question is REST, by ReadREST. Status is the
// HTTP status of the node's answer, which says nothing about a JSON-RPC answer. Errors: ErrMalformed, ErrBackend.
func ReadAnswer(question types.Payload, status uint32, payload []byte, ignored ...types.Pointer) (Digest, error) {
	if question.REST != nil {
		return ReadREST(status, payload, ignored...)
	}
	return Read(question.JSONRPC, payload, ignored...)
}

// statusOK is the HTTP status of a success with an answer.
const statusOK = 200

// ReadREST checks that a REST answer is a success, status 200, and digests its body, which is JSON, in canonical form
// as Read does a result, without the ignored fields of the body. Any other status is the node's failure: ErrBackend. A body that is not JSON is ErrMalformed: it
// is not compared byte by byte, because an error page that all nodes share would then count as an answer.
func ReadREST(status uint32, body []byte, ignored ...types.Pointer) (Digest, error) {
	if status != statusOK {
		return Digest{}, fmt.Errorf("%w: HTTP status %d: %s", ErrBackend, status, clip(string(body)))
	}
	canonical, err := Canonical(body, ignored)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: not JSON: %v", ErrMalformed, err)
	}
	return sha256.Sum256(canonical), nil
}

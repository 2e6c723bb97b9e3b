package verify

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ReadAnswer reads what a node answered to a question: by Read, or, if the question is REST, by ReadREST. Status is the
// HTTP status of the node's answer, which says nothing about a JSON-RPC answer. Errors: ErrMalformed, ErrBackend.
func ReadAnswer(question types.Payload, status uint32, payload []byte) (Digest, error) {
	if question.REST != nil {
		return ReadREST(status, payload)
	}
	return Read(question.JSONRPC, payload)
}

// statusOK is the HTTP status of a success with an answer.
const statusOK = 200

// ReadREST checks that a REST answer is a success, status 200, and digests its body, which is JSON, in canonical form
// as Read does a result. Any other status is the node's failure: ErrBackend. A body that is not JSON is ErrMalformed: it
// is not compared byte by byte, because an error page that all nodes share would then count as an answer.
func ReadREST(status uint32, body []byte) (Digest, error) {
	if status != statusOK {
		return Digest{}, fmt.Errorf("%w: HTTP status %d: %s", ErrBackend, status, clip(string(body)))
	}
	// Nesting is bounded by json.Unmarshal and not by the canonical form.
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return Digest{}, fmt.Errorf("%w: not JSON: %v", ErrMalformed, err)
	}
	canonical, err := jcs.Transform(body)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: canonicalise the body: %v", ErrMalformed, err)
	}
	return sha256.Sum256(canonical), nil
}

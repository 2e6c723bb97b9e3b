package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Reply is what the node behind a supplier answered.
type Reply struct {
	// Status is the node's HTTP status.
	Status uint32
	// Payload is the body, with the ids that the payload had before Seal.
	Payload []byte
	// Remark is what is odd about the answer although it counts; Unbound for a REST answer.
	Remark string
}

// Unbound is the remark of an answer that may have been given to another request of the session, at another time.
const Unbound = "unbound: nothing shows that the answer is to this request"

// Sentinels of answers. Each is in the error of a failure.
var (
	// ErrBadSignature is returned when the supplier's account has not signed the answer.
	ErrBadSignature = errors.New("the signature is not the supplier's")
	// ErrPayloadHash is returned when the supplier has signed another payload.
	ErrPayloadHash = errors.New("the payload is not the one that the supplier has signed")
	// ErrOtherSession is returned for an answer of another session.
	ErrOtherSession = errors.New("the answer is of another session")
	// ErrUnverifiable is returned when the supplier's account has no secp256k1 key on the chain.
	ErrUnverifiable = errors.New("the supplier's account has no public key on the chain: nothing can be verified")
)

// Open verifies that an answer is the supplier's, of the request's session and to this very request, and returns what its
// node said. A failure says how it ended and whom that speaks against.
func (r *Request) Open(answer *wire.Answer) (Reply, *types.Failure) {
	if failure := answer.Unencoded(); failure != nil {
		return Reply{}, failure
	}
	if failure := answer.HTTP2Only(); failure != nil {
		return Reply{}, failure
	}
	if answer.Status != http.StatusOK {
		return Reply{}, refusedByStatus(answer)
	}
	response, failure := openResponse(answer.Body)
	if failure != nil {
		return Reply{}, failure
	}
	if response.GetRelayMinerError() != nil {
		return Reply{}, refused(response.GetRelayMinerError())
	}
	if failure := r.verify(response); failure != nil {
		return Reply{}, failure
	}
	return r.read(response.GetPayload())
}

// fail is the failure of an answer that is not one.
func fail(outcome types.Outcome, blame types.Blame, err error) *types.Failure {
	return &types.Failure{Outcome: outcome, Blame: blame, Attempt: types.Attempt_ATTEMPT_OPEN_ANSWER, Err: err}
}

// openResponse reads a marshalled RelayResponse.
func openResponse(body []byte) (*RelayResponse, *types.Failure) {
	var response RelayResponse
	if err := proto.Unmarshal(body, &response); err != nil || response.GetMeta() == nil {
		return nil, fail(types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER, errors.New("not a relay response"))
	}
	return &response, nil
}

// verify checks what a supplier has to have signed: the session, the payload's hash, the payload.
func (r *Request) verify(response *RelayResponse) *types.Failure {
	if len(r.supplier.PublicKey) != PublicKeySize {
		return fail(types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN, ErrUnverifiable)
	}
	servicer := types.Blame_BLAME_SERVICER
	switch err := VerifyResponse(response, r.session, r.supplier.PublicKey); {
	case errors.Is(err, ErrOtherSession):
		return fail(types.Outcome_OUTCOME_WRONG_BINDING, servicer, err)
	case err != nil:
		return fail(types.Outcome_OUTCOME_BAD_SIGNATURE, servicer, err)
	}
	return nil
}

// VerifyResponse returns an error unless a response is signed by a key, with the payload that it has, for a session.
// Errors: ErrPayloadHash, ErrOtherSession, ErrBadSignature.
func VerifyResponse(response *RelayResponse, session *SessionHeader, publicKey []byte) error {
	if hash := response.GetPayloadHash(); len(hash) > 0 && string(hash) != string(sum(response.GetPayload())) {
		return ErrPayloadHash
	}
	if !sameSession(response.GetMeta().GetSessionHeader(), session) {
		return ErrOtherSession
	}
	hash, err := response.SignedHash()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	if !VerifySignature(publicKey, hash[:], response.GetMeta().GetSupplierOperatorSignature()) {
		return ErrBadSignature
	}
	return nil
}

func sum(payload []byte) []byte {
	hash := sha256.Sum256(payload)
	return hash[:]
}

// sameSession reports whether two headers are equal in every field.
func sameSession(a, b *SessionHeader) bool {
	return a.GetApplicationAddress() == b.GetApplicationAddress() && a.GetServiceId() == b.GetServiceId() &&
		a.GetSessionId() == b.GetSessionId() && a.GetSessionStartBlockHeight() == b.GetSessionStartBlockHeight() &&
		a.GetSessionEndBlockHeight() == b.GetSessionEndBlockHeight()
}

// mostStatus is the largest HTTP status.
const mostStatus = 999

// read reads what the backend answered, which the supplier has signed.
func (r *Request) read(payload []byte) (Reply, *types.Failure) {
	inner, failure := openHTTP(payload)
	if failure != nil {
		return Reply{}, failure
	}
	body, failure := inner.Decoded(wire.MaxBodyBytes)
	if failure != nil {
		return Reply{}, failure
	}
	reply := Reply{Status: uint32(inner.Status), Payload: body}
	if !r.Binds() {
		reply.Remark = Unbound
		return reply, nil
	}
	restored, err := restoreIDs(body, r.ids)
	switch {
	case err == nil:
		reply.Payload = restored
		return reply, nil
	case inner.Status/100 != 2: // whether JSON-RPC or not, the backend has failed
		return Reply{}, fail(types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, fmt.Errorf("HTTP status %d of the backend: %w", inner.Status, err))
	case errors.Is(err, errNotRPC):
		return Reply{}, fail(types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER, err)
	case errors.Is(err, errNotBound) && isError(body):
		return Reply{}, fail(types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, err)
	}
	return Reply{}, fail(types.Outcome_OUTCOME_WRONG_BINDING, types.Blame_BLAME_SERVICER, err)
}

// openHTTP reads a marshalled POKTHTTPResponse: status, body, and how the body is encoded. The other header fields of a
// stranger, of which there may be any number, take no memory.
func openHTTP(payload []byte) (*wire.Answer, *types.Failure) {
	inner := wire.Answer{Header: make(http.Header)}
	var encoding []byte // the last of the entries that name it counts, as in a map
	for rest := payload; len(rest) > 0; {
		number, kind, length := protowire.ConsumeTag(rest)
		if length < 0 {
			return nil, errNotHTTP()
		}
		rest = rest[length:]
		var value []byte
		switch {
		case number == fieldStatus && kind == protowire.VarintType:
			var status uint64
			if status, length = protowire.ConsumeVarint(rest); length > 0 {
				inner.Status = int(min(status, mostStatus+1))
			}
		case number == fieldHeader && kind == protowire.BytesType:
			if value, length = protowire.ConsumeBytes(rest); length > 0 && namesEncoding(value) {
				encoding = value
			}
		case number == fieldBody && kind == protowire.BytesType:
			if value, length = protowire.ConsumeBytes(rest); length > 0 {
				inner.Body = value
			}
		default:
			length = protowire.ConsumeFieldValue(number, kind, rest)
		}
		if length < 0 {
			return nil, errNotHTTP()
		}
		rest = rest[length:]
	}
	if inner.Status < 100 || inner.Status > mostStatus {
		return nil, errNotHTTP()
	}
	var entry HeaderEntry
	if proto.Unmarshal(encoding, &entry) != nil {
		return nil, errNotHTTP()
	}
	for _, value := range entry.GetValue().GetValues() {
		inner.Header.Add(contentEncoding, string(value))
	}
	return &inner, nil
}

// Fields of POKTHTTPResponse.
const (
	fieldStatus protowire.Number = 1
	fieldHeader protowire.Number = 2
	fieldBody   protowire.Number = 3
)

func errNotHTTP() *types.Failure {
	return fail(types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER, errors.New("the payload is not an HTTP response"))
}

// contentEncoding is the one header field that opening an answer depends on.
const contentEncoding = "Content-Encoding"

// mostEncodings bounds the entry that names a body's encodings, in bytes. A longer one is ignored.
const mostEncodings = 96

// namesEncoding reports whether a marshalled HeaderEntry, which begins with its key, is that field.
func namesEncoding(entry []byte) bool {
	const tag = fieldKey<<3 | protowire.Number(protowire.BytesType)
	end := 2 + len(contentEncoding)
	return len(entry) >= end && len(entry) <= mostEncodings && entry[0] == byte(tag) && int(entry[1]) == len(contentEncoding) &&
		strings.EqualFold(string(entry[2:end]), contentEncoding)
}

// fieldKey is the field of HeaderEntry that names it.
const fieldKey protowire.Number = 1

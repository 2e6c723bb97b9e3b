package memory

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// domain keeps the signatures of this network apart from all others.
const domain crypto.Domain = "pocket/memory-network/v1"

// sentence is the body of a request. The nonce makes each one another.
type sentence struct {
	Session, Servicer, Nonce string
	JSONRPC                  []byte             `json:",omitempty"`
	REST                     *types.RESTPayload `json:",omitempty"`
}

// request implements round.Request.
type request struct {
	wire, body []byte
	servicer   string
}

// Ask implements fisherman.Network.
func (n *Network) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (round.Request, error) {
	body, err := json.Marshal(sentence{
		Session: session.GetHeader().GetId(), Servicer: servicer.GetAddress(), Nonce: rand.Text(), JSONRPC: payload.JSONRPC, REST: payload.REST,
	})
	if err != nil {
		return nil, fmt.Errorf("encode question: %w", err)
	}
	serialised, err := wire.Request(http.MethodPost, servicer.GetServiceUrl(), nil, body)
	if err != nil {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, err)
	}
	return &request{wire: serialised, body: body, servicer: servicer.GetAddress()}, nil
}

// Wire implements round.Request.
func (r *request) Wire() []byte { return r.wire }

// Evidence implements round.Request.
func (r *request) Evidence() []byte { return r.body }

// Open implements round.Request.
func (r *request) Open(answer *wire.Answer) (round.Reply, *wire.Failure) {
	if failure := answer.Unencoded(); failure != nil {
		return round.Reply{}, failure
	}
	opened, failure := open(answer.Body, r.body, r.servicer)
	if failure != nil {
		return round.Reply{}, failure
	}
	return round.Reply{Status: opened.Status, Payload: opened.Payload}, nil
}

// Verify checks a request and its response without the network: the response is that of the servicer that was asked, to
// this very request, be it an answer or a refusal.
func Verify(request, response []byte) error {
	var asked sentence
	if err := json.Unmarshal(request, &asked); err != nil {
		return errors.New("the request is malformed")
	}
	if _, failure := open(response, request, asked.Servicer); failure != nil && failure.Refusal == nil {
		return failure
	}
	return nil
}

// line is what a servicer signs.
type line struct {
	Request, Servicer string
	Status            uint32
	Payload           []byte `json:",omitempty"`
	Code              Code   `json:",omitempty"`
}

// open reads a response: one JSON object, a line feed, its signature in hexadecimal digits.
func open(response, asked []byte, servicer string) (*line, *wire.Failure) {
	fail := func(outcome types.Outcome, text string) (*line, *wire.Failure) {
		return nil, wire.Fail(outcome, types.Attempt_ATTEMPT_OPEN_ANSWER, errors.New(text))
	}
	said, signature, _ := bytes.Cut(response, []byte("\n"))
	var read line
	if json.Unmarshal(said, &read) != nil {
		return fail(types.Outcome_OUTCOME_MALFORMED, "it is not one signed line")
	}
	value, err := hex.DecodeString(string(signature))
	if err != nil || !bytes.Equal(signature, hex.AppendEncode(nil, value)) || !crypto.Verify(keyOf(servicer).PublicKey(), domain, said, value) {
		return fail(types.Outcome_OUTCOME_BAD_SIGNATURE, "it does not fit the line")
	}
	if read.Servicer != servicer || read.Request != hashOf(asked) {
		return fail(types.Outcome_OUTCOME_WRONG_BINDING, "the answer is to another request")
	}
	if read.Code != 0 {
		return nil, refused(read.Code)
	}
	return &read, nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// keyOf is the key of a servicer, which everybody knows.
func keyOf(name string) crypto.PrivateKey {
	return crypto.KeyFromSeed(sha256.Sum256([]byte("servicer of a memory network: " + name)))
}

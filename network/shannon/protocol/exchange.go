package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Exchange is a request and its response as they were on the wire, read but not verified.
type Exchange struct {
	Request  *RelayRequest
	Response *RelayResponse
	// Asked is what the supplier's backend was asked.
	Asked *POKTHTTPRequest
	// Status and Body are what the backend answered, with the ids of the request.
	Status uint32
	Body   []byte
}

// ErrExchange is returned for what is not a request with its response.
var ErrExchange = errors.New("not a relay's request and response")

// ReadExchange reads a marshalled RelayRequest and RelayResponse. Errors: ErrExchange.
func ReadExchange(request, response []byte) (*Exchange, error) {
	x := &Exchange{Request: new(RelayRequest), Response: new(RelayResponse), Asked: new(POKTHTTPRequest)}
	for _, part := range []struct {
		name string
		from []byte
		into proto.Message
	}{{"request", request, x.Request}, {"response", response, x.Response}} {
		if err := proto.Unmarshal(part.from, part.into); err != nil {
			return nil, fmt.Errorf("%w: the %s is malformed", ErrExchange, part.name)
		}
	}
	if err := proto.Unmarshal(x.Request.GetPayload(), x.Asked); err != nil {
		return nil, fmt.Errorf("%w: the payload of the request is malformed", ErrExchange)
	}
	if x.Response.GetRelayMinerError() != nil {
		return nil, fmt.Errorf("%w: the response is an error", ErrExchange)
	}
	inner, failure := openHTTP(x.Response.GetPayload())
	if failure != nil {
		return nil, fmt.Errorf("%w: %w", ErrExchange, failure)
	}
	body, failure := inner.Decoded(wire.MaxBodyBytes)
	if failure != nil {
		return nil, fmt.Errorf("%w: %w", ErrExchange, failure)
	}
	x.Status, x.Body = uint32(inner.Status), body
	return x, nil
}

// Signers returns the keys of which one has signed the request. Errors: ErrRingSignature.
func (x *Exchange) Signers() ([][]byte, error) {
	hash, err := x.Request.SignedHash()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRingSignature, err)
	}
	return VerifyRing(hash, x.Request.GetMeta().GetSignature())
}

// VerifyResponse returns an error unless the response is signed by a supplier's key, for the session of the request.
// Errors: as VerifyResponse.
func (x *Exchange) VerifyResponse(publicKey []byte) error {
	return VerifyResponse(x.Response, x.Request.GetMeta().GetSessionHeader(), publicKey)
}

// Sent returns what was asked below a staked URL, with the random ids. Errors: ErrExchange.
func (x *Exchange) Sent(serviceURL string) (types.Payload, error) {
	path, below := strings.CutPrefix(x.Asked.GetUrl(), strings.TrimSuffix(serviceURL, "/"))
	switch {
	case !below:
		return types.Payload{}, fmt.Errorf("%w: the request is to another URL", ErrExchange)
	case x.Asked.GetMethod() == http.MethodPost && (path == "" || path == "/"):
		return types.Payload{JSONRPC: x.Asked.GetBody()}, nil
	case !strings.HasPrefix(path, "/"):
		return types.Payload{}, fmt.Errorf("%w: the request is to another URL", ErrExchange)
	}
	rest := &types.RESTPayload{Method: x.Asked.GetMethod(), Path: path, Body: x.Asked.GetBody()}
	for _, entry := range x.Asked.GetHeader() {
		for _, value := range entry.GetValue().GetValues() {
			rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: string(entry.GetKey()), Value: string(value)})
		}
	}
	return types.Payload{REST: rest}, nil
}

// Question returns a payload that was sent with ids that do not differ from supplier to supplier: 1, 2 and so on.
func Question(sent types.Payload) (types.Payload, error) {
	if sent.REST != nil {
		return sent, nil
	}
	count := 0
	text, err := replaceIDs(sent.JSONRPC, func(json.RawMessage) (json.RawMessage, error) {
		count++
		return json.RawMessage(strconv.Itoa(count)), nil
	})
	if err != nil {
		return types.Payload{}, fmt.Errorf("%w: the request is not JSON-RPC", ErrExchange)
	}
	return types.Payload{JSONRPC: text}, nil
}

// Bound returns an error unless the answer has every id of a JSON-RPC request that was sent, each a random one of Seal's,
// and no other. A REST answer is bound to nothing.
func (x *Exchange) Bound(sent types.Payload) error {
	if sent.REST != nil {
		return errNotBound
	}
	var ids []boundID
	if _, err := replaceIDs(sent.JSONRPC, func(literal json.RawMessage) (json.RawMessage, error) {
		id, err := strconv.ParseUint(string(literal), 10, 64)
		if err != nil || id>>(idBits-1) != 1 {
			return nil, errors.New("the request has an id that is not random")
		}
		ids = append(ids, boundID{asked: literal, sent: id})
		return literal, nil
	}); err != nil {
		return err
	}
	if len(ids) == 0 {
		return errNotBound
	}
	_, err := restoreIDs(x.Body, ids)
	return err
}

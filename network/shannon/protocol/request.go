package protocol

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Target is the supplier that is asked.
type Target struct {
	// Address of the operator, which relays are addressed to.
	Address string
	// PublicKey of the operator's account, compressed; nil while it has none on the chain. Then no answer can
	// be verified.
	PublicKey []byte
	// KeyHeight is the height at which the chain had the key.
	KeyHeight int64
	// URL is the staked one, as it is on the chain.
	URL string
	// RPCType of the staked endpoint; RPC_TYPE_UNSPECIFIED for that of the payload.
	RPCType RPCType
}

// Request is a question to one supplier, signed and ready to be written.
type Request struct {
	// Body is the marshalled RelayRequest.
	Body []byte
	// Hash is what the signature stands over.
	Hash [32]byte

	supplier Target
	session  *SessionHeader
	ids      []boundID
	wire     []byte
}

// ErrServiceURL is returned for a staked URL that no request can be addressed to. It is the supplier's fault.
var ErrServiceURL = errors.New("the staked URL is not an http or https URL")

// Seal addresses a payload to a supplier of a session and signs it. A JSON-RPC request gets an id that is random and that
// nobody else knows, which Open demands in the answer; REST requests have nothing of the kind. Errors: ErrServiceURL, and
// those of payloads that are not JSON-RPC with an id.
func Seal(signer *Signer, session *SessionHeader, supplier Target, payload types.Payload) (*Request, error) {
	inner, ids, err := httpRequest(supplier.URL, payload)
	if err != nil {
		return nil, err
	}
	r := &Request{supplier: supplier, session: session, ids: ids}
	relay := &RelayRequest{Meta: &RelayRequestMetadata{SessionHeader: session, SupplierOperatorAddress: supplier.Address}}
	if relay.Payload, err = marshal(inner); err != nil {
		return nil, err
	}
	if r.Hash, err = relay.SignedHash(); err != nil {
		return nil, err
	}
	if relay.Meta.Signature, err = signer.Sign(r.Hash); err != nil {
		return nil, err
	}
	if r.Body, err = marshal(relay); err != nil {
		return nil, err
	}
	// As PATH sends it.
	rpcType := supplier.RPCType
	if rpcType == RPCType_RPC_TYPE_UNSPECIFIED {
		rpcType = rpcTypeOf(payload)
	}
	outer := http.Header{"Content-Type": {"application/json"}, "Rpc-Type": {strconv.Itoa(int(rpcType))}}
	if r.wire, err = wire.Request(http.MethodPost, supplier.URL, outer, r.Body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServiceURL, err)
	}
	return r, nil
}

// Wire returns the whole HTTP request as it is written to a connection.
func (r *Request) Wire() []byte { return r.wire }

// Evidence returns what has to be kept of the request so that others can check the answer: a marshalled AskedRelay.
func (r *Request) Evidence() []byte {
	kept, _ := marshal(&AskedRelay{Request: r.Body, SupplierPublicKey: r.supplier.PublicKey, KeyHeight: r.supplier.KeyHeight}) // bytes always marshal
	return kept
}

// Binds reports whether an answer can be bound to the request: REST answers cannot.
func (r *Request) Binds() bool { return len(r.ids) > 0 }

func rpcTypeOf(payload types.Payload) RPCType {
	if payload.REST != nil {
		return RPCType_RPC_TYPE_REST
	}
	return RPCType_RPC_TYPE_JSON_RPC
}

// httpRequest returns what the supplier's backend is asked, and the ids that its answer has to have.
func httpRequest(serviceURL string, payload types.Payload) (*POKTHTTPRequest, []boundID, error) {
	base, err := url.Parse(serviceURL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, nil, ErrServiceURL
	}
	if payload.REST == nil {
		body, ids, err := bindIDs(payload.JSONRPC)
		if err != nil {
			return nil, nil, err
		}
		fields := http.Header{"Content-Type": {"application/json"}}
		return &POKTHTTPRequest{Method: http.MethodPost, Header: headerEntries(fields), Url: serviceURL, Body: body}, ids, nil
	}
	rest := payload.REST
	path, query, _ := strings.Cut(rest.GetPath(), "?")
	if !strings.HasPrefix(path, "/") {
		return nil, nil, fmt.Errorf("path of the payload does not begin with /")
	}
	// The staked URL as it is, then the payload's path: what a client that joins them would ask.
	asked := strings.TrimSuffix(base.Scheme+"://"+base.Host+base.EscapedPath(), "/") + path
	if query != "" {
		asked += "?" + query
	}
	if _, err := url.Parse(asked); err != nil {
		return nil, nil, errors.New("path of the payload is not a URL's")
	}
	fields := make(http.Header)
	for _, field := range rest.GetHeaders() {
		fields.Add(textproto.CanonicalMIMEHeaderKey(field.GetName()), field.GetValue())
	}
	if fields.Get("Content-Type") == "" {
		fields.Set("Content-Type", "application/json")
	}
	return &POKTHTTPRequest{Method: rest.GetMethod(), Header: headerEntries(fields), Url: asked, Body: rest.GetBody()}, nil, nil
}

package question

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ids is how a client names its requests.
type ids int

const (
	// counted: one more with every request. Those that a servicer does not see leave gaps.
	counted ids = iota
	// twelveDigits: a random number of up to twelve digits.
	twelveDigits
	// uuid: a random UUID, as text.
	uuid
	// countedText: like counted, as text.
	countedText
)

const acceptHeader = "Accept"

// Style is how a client library writes requests.
type Style struct {
	order order
	// spaced: a space after each comma and colon.
	spaced bool
	ids    ids
	// accept is the header Accept of a REST request; "" for none.
	accept string
}

// order of the members of a JSON-RPC request.
type order int

const (
	idFirst order = iota
	methodFirst
	idLast
	idAhead
	idBehind
)

func (o order) members() [4]string {
	switch o {
	case methodFirst:
		return [4]string{"method", "params", "id", "jsonrpc"}
	case idLast:
		return [4]string{"jsonrpc", "method", "params", "id"}
	case idAhead:
		return [4]string{"id", "jsonrpc", "method", "params"}
	case idBehind:
		return [4]string{"method", "jsonrpc", "params", "id"}
	default:
		return [4]string{"jsonrpc", "id", "method", "params"}
	}
}

// ethereumStyles are those of, in this order: go-ethereum (rpc/json.go, jsonrpcMessage) and viem (utils/rpc/http.ts);
// ethers 6 (provider-jsonrpc.ts, JsonRpcApiProvider.send); web3.js 4 (web3-utils, json_rpc.ts, toPayload); web3.py
// (providers/base.py, encode_rpc_request, by Python's json.dumps).
func ethereumStyles() []Style {
	return []Style{
		{order: idFirst},
		{order: methodFirst},
		{order: idFirst, ids: uuid},
		{order: idLast, spaced: true},
	}
}

// cometbftStyles are those of CometBFT's Go client (rpc/jsonrpc/types, RPCRequest) and of CosmJS (tendermint-rpc,
// jsonrpc.ts, createJsonRpcRequest).
func cometbftStyles() []Style {
	return []Style{{order: idFirst}, {order: idFirst, ids: twelveDigits}}
}

// solanaStyles are those of @solana/kit (rpc-spec-types, createRpcMessage); Solana's Rust client (rpc_request.rs,
// build_request_json, whose members are sorted); @solana/web3.js (by jayson, generateRequest).
func solanaStyles() []Style {
	return []Style{{order: idAhead, ids: countedText}, {order: idAhead}, {order: idBehind, ids: uuid}}
}

// restStyles are those of Go's net/http, of fetch and curl, and of axios (lib/defaults).
func restStyles() []Style {
	return []Style{{}, {accept: "*/*"}, {accept: "application/json, text/plain, */*"}}
}

// Client is the client that the questions of a session seem to come from, at one check. The zero value is a client of
// no particular style that counts from 0.
type Client struct {
	style Style
	id    string
}

// Client makes the client of a check. The seed is the session's: all its checks seem to come from one client, whose
// counter, if it has one, only grows.
func (c Catalogue) Client(seed [32]byte, check uint32) Client {
	session := rand.New(rand.NewChaCha8(seed))
	var style Style
	if len(c.Styles) > 0 {
		style = c.Styles[session.IntN(len(c.Styles))]
	}
	first, stride := 1+session.Int64N(1000), 1+session.Int64N(20)
	source := rand.New(rand.NewChaCha8(sha256.Sum256(binary.BigEndian.AppendUint32(seed[:], check))))
	switch style.ids {
	case twelveDigits:
		return Client{style: style, id: decimal(source.Int64N(1e12))}
	case uuid:
		return Client{style: style, id: `"` + randomUUID(source) + `"`}
	case counted, countedText:
	}
	id := decimal(first + int64(check)*stride + source.Int64N(stride))
	if style.ids == countedText {
		id = `"` + id + `"`
	}
	return Client{style: style, id: id}
}

// randomUUID is a UUID of version 4 (RFC 9562 §5.4).
func randomUUID(source *rand.Rand) string {
	var bits [16]byte
	binary.BigEndian.PutUint64(bits[:8], source.Uint64())
	binary.BigEndian.PutUint64(bits[8:], source.Uint64())
	bits[6], bits[8] = bits[6]&0x0f|0x40, bits[8]&0x3f|0x80
	digits := hex.EncodeToString(bits[:])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// write is the call as the client writes it.
func (c Client) write(call Call) types.Payload {
	if call.method == "" {
		return types.Payload{REST: c.rest(call)}
	}
	id := c.id
	if id == "" {
		id = "0"
	}
	values := map[string]string{"jsonrpc": `"2.0"`, "id": id, "method": encoded(call.method), "params": call.params}
	members := c.style.order.members()
	for i, name := range members {
		members[i] = `"` + name + `":` + values[name]
	}
	request := "{" + strings.Join(members[:], ",") + "}"
	if c.style.spaced {
		request = spaced(request)
	}
	return types.Payload{JSONRPC: []byte(request)}
}

func (c Client) rest(call Call) *types.RESTPayload {
	rest := &types.RESTPayload{Method: "GET", Path: call.path}
	chosen := slices.ContainsFunc(call.headers, func(header *types.HTTPHeader) bool { return strings.EqualFold(header.GetName(), acceptHeader) })
	if c.style.accept != "" && !chosen {
		rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: acceptHeader, Value: c.style.accept})
	}
	rest.Headers = append(rest.Headers, call.headers...)
	return rest
}

// spaced puts a space after each comma and colon of compact JSON.
func spaced(compact string) string {
	var text strings.Builder
	quoted := false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; {
		case quoted && c == '\\':
			text.WriteByte(c)
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			text.WriteByte(c)
			text.WriteByte(' ')
			continue
		}
		text.WriteByte(compact[i])
	}
	return text.String()
}

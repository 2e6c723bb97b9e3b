package chaintest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// Miner is a fake RelayMiner, an HTTP handler. It answers every relay with its number as the result, unless it is told
// otherwise, and checks nothing but the ring's signature.
type Miner struct {
	mu sync.Mutex
	// Key of the supplier.
	Key *protocol.PrivateKey
	// Refuse is answered to all relays, unsigned; nil to answer them.
	Refuse *protocol.RelayMinerError
	// Replay answers with the id of another request.
	Replay bool
	// Body is answered instead of JSON-RPC, as it is.
	Body []byte

	relays int
}

// Relays returns how many it got.
func (m *Miner) Relays() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.relays
}

// Change changes what it does from now on.
func (m *Miner) Change(change func(m *Miner)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// ServeHTTP implements http.Handler.
func (m *Miner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var relay protocol.RelayRequest
	var inner protocol.POKTHTTPRequest
	m.mu.Lock()
	defer m.mu.Unlock()
	m.relays++
	body, err := io.ReadAll(r.Body)
	if err != nil || proto.Unmarshal(body, &relay) != nil || proto.Unmarshal(relay.GetPayload(), &inner) != nil {
		http.Error(w, "no relay", http.StatusBadRequest)
		return
	}
	response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: relay.GetMeta().GetSessionHeader()}}
	hash, err := relay.SignedHash()
	if err == nil {
		_, err = protocol.VerifyRing(hash, relay.GetMeta().GetSignature())
	}
	switch {
	case err != nil:
		response.RelayMinerError = &protocol.RelayMinerError{Codespace: []byte("rings"), Code: 3, Message: []byte(err.Error())}
	case m.Refuse != nil:
		response.RelayMinerError = m.Refuse
	default:
		m.sign(response, &inner)
	}
	answer, _ := proto.MarshalOptions{Deterministic: true}.Marshal(response)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(answer)
}

func (m *Miner) sign(response *protocol.RelayResponse, asked *protocol.POKTHTTPRequest) {
	body := m.Body
	if body == nil {
		var question struct{ ID json.RawMessage }
		if json.Unmarshal(asked.GetBody(), &question) != nil || m.Replay {
			question.ID = json.RawMessage(`"another"`)
		}
		body = fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":"0x2a"}`, question.ID)
	}
	response.Payload, _ = proto.MarshalOptions{Deterministic: true}.Marshal(&protocol.POKTHTTPResponse{StatusCode: http.StatusOK, Body: body})
	payload := sha256.Sum256(response.GetPayload())
	response.PayloadHash = payload[:]
	if signed, err := response.SignedHash(); err == nil {
		response.Meta.SupplierOperatorSignature = m.Key.Sign(signed[:])
	}
}

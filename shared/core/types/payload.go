package types

// Payload is the request of a relay to the relay chain's node: REST if REST is set, otherwise JSON-RPC.
type Payload struct {
	// JSONRPC is the bytes of a JSON-RPC request.
	JSONRPC []byte
	// REST is nil for a JSON-RPC request.
	REST *RESTPayload
}

// PayloadOf returns the payload of a relay request.
func PayloadOf(request *RelayRequest) Payload {
	return Payload{JSONRPC: request.GetJsonRpc().GetBody(), REST: request.GetRest()}
}

// Put sets the payload of a relay request.
func (p Payload) Put(request *RelayRequest) {
	if p.REST != nil {
		request.Payload = &RelayRequest_Rest{Rest: p.REST}
		return
	}
	request.Payload = &RelayRequest_JsonRpc{JsonRpc: &JSONRPCPayload{Body: p.JSONRPC}}
}

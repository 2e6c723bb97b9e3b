package relay

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Numbers of the fields of types.RelayRequest, types.SessionHeader and types.JSONRPCPayload.
const (
	requestSession protowire.Number = iota + 1
	requestServicer
	requestNonce
	requestClientTime
	requestJSONRPC

	headerID          protowire.Number = 1
	headerStart       protowire.Number = 2
	headerRelayChain  protowire.Number = 3
	headerGeoZone     protowire.Number = 4
	headerApplication protowire.Number = 5

	payloadBody protowire.Number = 1
)

// usualHeader has room for the header of a session, in bytes.
const usualHeader = 256

// appendRequest appends the body of a request with a JSON-RPC payload, as the protobuf library writes it.
func appendRequest(to []byte, request *types.RelayRequest) []byte {
	var room [usualHeader]byte
	header := request.GetSession()
	session := appendString(room[:0], headerID, header.GetId())
	session = appendNumber(session, headerStart, header.GetStartHeight())
	session = appendString(session, headerRelayChain, header.GetRelayChain())
	session = appendString(session, headerGeoZone, header.GetGeoZone())
	session = appendString(session, headerApplication, header.GetApplication())
	to = appendField(to, requestSession, session)
	to = appendString(to, requestServicer, request.GetServicer())
	to = appendField(to, requestNonce, request.GetNonce())
	to = appendNumber(to, requestClientTime, request.GetClientTimeUnixNano())
	body := request.GetJsonRpc().GetBody()
	to = protowire.AppendTag(to, requestJSONRPC, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(protowire.SizeTag(payloadBody)+protowire.SizeBytes(len(body))))
	return appendField(to, payloadBody, body)
}

// appendField appends a field that is never left out.
func appendField(to []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), value)
}

// appendString appends a field that is left out when it is empty.
func appendString(to []byte, number protowire.Number, value string) []byte {
	if value == "" {
		return to
	}
	return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), value)
}

// appendNumber appends a field that is left out when it is 0.
func appendNumber(to []byte, number protowire.Number, value int64) []byte {
	if value == 0 {
		return to
	}
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), uint64(value))
}

package relay

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// TestBodyIsTheLibrarys: the body of a request is written as the protobuf library writes it, whatever its fields are.
func TestBodyIsTheLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.StringN(0, 70, 300).Draw(t, name) }
		number := func(name string) int64 {
			return rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, 127, 128, -1})).Draw(t, name)
		}
		request := &types.RelayRequest{
			Session: &types.SessionHeader{
				Id: text("id"), StartHeight: number("start"), RelayChain: text("chain"), GeoZone: text("zone"), Application: text("application"),
			},
			Servicer:           text("servicer"),
			Nonce:              rapid.SliceOfN(rapid.Byte(), NonceSize, NonceSize).Draw(t, "nonce"),
			ClientTimeUnixNano: number("time"),
		}
		types.Payload{JSONRPC: rapid.SliceOfN(rapid.Byte(), 1, 20_000).Draw(t, "payload")}.Put(request)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendRequest([]byte("before"), request); !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Fatalf("\n got %x\nwant %x", got[len("before"):], want)
		}
	})
}

// TestBodyHasAllFields fails when a request, a session's header or a payload gets a field that is not written.
func TestBodyHasAllFields(t *testing.T) {
	for message, fields := range map[proto.Message]int{&types.RelayRequest{}: 6, &types.SessionHeader{}: 5, &types.JSONRPCPayload{}: 1} {
		if got := message.ProtoReflect().Descriptor().Fields().Len(); got != fields {
			t.Errorf("%s has %d fields, and appendRequest knows %d", message.ProtoReflect().Descriptor().Name(), got, fields)
		}
	}
}

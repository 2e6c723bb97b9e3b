package servicer

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Headers differ if any field does, also one that is added some day.
func TestSameHeader(t *testing.T) {
	header := &types.SessionHeader{Id: "i", StartHeight: 1, RelayChain: "c", GeoZone: "z", Application: "a"}
	if !sameHeader(header, proto.CloneOf(header)) {
		t.Error("a header is not itself")
	}
	fields := header.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		other := proto.CloneOf(header)
		switch field := fields.Get(i); field.Kind() {
		case protoreflect.StringKind:
			other.ProtoReflect().Set(field, protoreflect.ValueOfString("other"))
		case protoreflect.Int64Kind:
			other.ProtoReflect().Set(field, protoreflect.ValueOfInt64(2))
		default:
			t.Fatalf("a field of kind %v", field.Kind())
		}
		if sameHeader(header, other) {
			t.Errorf("headers are the same with another %s", fields.Get(i).Name())
		}
	}
}

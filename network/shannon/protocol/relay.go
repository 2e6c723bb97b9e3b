package protocol

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// marshal returns a message in the reference's bytes: fields ascending, empty ones left out.
func marshal(message proto.Message) ([]byte, error) {
	marshalled, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("marshal %s: %w", message.ProtoReflect().Descriptor().Name(), err)
	}
	return marshalled, nil
}

// SignedHash returns what the request's ring signature stands over: the SHA-256 of the request without it.
func (r *RelayRequest) SignedHash() ([32]byte, error) {
	unsigned := &RelayRequest{Meta: &RelayRequestMetadata{SessionHeader: r.GetMeta().GetSessionHeader(),
		SupplierOperatorAddress: r.GetMeta().GetSupplierOperatorAddress()}, Payload: r.GetPayload()}
	return hashOf(unsigned)
}

// SignedHash returns what the supplier signs of a response: the SHA-256 of the response without the signature, and
// without the payload if it has the payload's hash. Fields that this program does not know count, as they come last.
func (r *RelayResponse) SignedHash() ([32]byte, error) {
	unsigned := &RelayResponse{Meta: &RelayResponseMetadata{SessionHeader: r.GetMeta().GetSessionHeader()},
		RelayMinerError: r.GetRelayMinerError(), PayloadHash: r.GetPayloadHash()}
	if len(r.GetPayloadHash()) == 0 {
		unsigned.Payload = r.GetPayload()
	}
	unsigned.ProtoReflect().SetUnknown(r.ProtoReflect().GetUnknown())
	unsigned.Meta.ProtoReflect().SetUnknown(r.GetMeta().ProtoReflect().GetUnknown())
	return hashOf(unsigned)
}

func hashOf(message proto.Message) ([32]byte, error) {
	marshalled, err := marshal(message)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(marshalled), nil
}

// headerEntries returns header fields in the reference's order, that of their canonical names.
func headerEntries(header http.Header) []*HeaderEntry {
	entries := make([]*HeaderEntry, 0, len(header))
	for name, values := range header {
		entry := &HeaderEntry{Key: []byte(name), Value: &Header{Key: []byte(name)}}
		for _, value := range values {
			entry.Value.Values = append(entry.Value.Values, []byte(value))
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b *HeaderEntry) int { return strings.Compare(string(a.GetKey()), string(b.GetKey())) })
	return entries
}

package protocol_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/internal/costs"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// signedPayload is a payload that the supplier has signed, whatever it is.
func (r *rig) signedPayload(payload []byte) []byte {
	response := r.response(200, "")
	hash := sha256.Sum256(payload)
	response.Payload, response.PayloadHash = payload, hash[:]
	return encode(r.t, sign(r.t, response, r.supplierKey))
}

// plain names the one dear answer that has nothing wrong with it.
const plain = "a plain answer"

// dear are answers, not much shorter than those that are read, that are made to cost much.
func (r *rig) dear(request *protocol.Request) map[string][]byte {
	const size = wire.MaxBodyBytes - 4096
	id := r.id(request)
	body := func(text string) []byte {
		return encode(r.t, &protocol.POKTHTTPResponse{StatusCode: 200, Body: []byte(text)})
	}
	times := func(piece []byte) []byte { return bytes.Repeat(piece, size/len(piece)) }
	status := []byte{0x08, 0xc8, 0x01}
	encodings := encode(r.t, &protocol.HeaderEntry{Key: []byte("content-encoding"), Value: &protocol.Header{Values: make([][]byte, 35)}})
	fresh := func(change func(*protocol.RelayResponse)) []byte {
		response := r.response(200, result(id))
		change(response)
		return encode(r.t, sign(r.t, response, r.supplierKey))
	}
	refused := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{}, RelayMinerError: &protocol.RelayMinerError{
		Codespace: times([]byte{0xff}), Message: times([]byte("\u202e")), Description: times([]byte{0})}}
	return map[string][]byte{
		"empty header fields":       r.signedPayload(append(times([]byte{0x12, 0}), status...)),
		"encodings":                 r.signedPayload(append(times(append([]byte{0x12, byte(len(encodings))}, encodings...)), status...)),
		"one entry of encodings":    r.signedPayload(encode(r.t, &protocol.POKTHTTPResponse{StatusCode: 200, Header: []*protocol.HeaderEntry{{Key: []byte("Content-Encoding"), Value: &protocol.Header{Values: make([][]byte, size/2)}}}})),
		"statuses":                  r.signedPayload(times(status)),
		"bodies":                    r.signedPayload(append(times([]byte{0x1a, 1, '{'}), status...)),
		"unknown fields within":     r.signedPayload(append(times([]byte{0x7a, 0}), status...)),
		"unknown fields":            fresh(func(p *protocol.RelayResponse) { p.ProtoReflect().SetUnknown(times([]byte{0x7a, 0})) }),
		"metas":                     append(times([]byte{0x0a, 0}), fresh(func(*protocol.RelayResponse) {})...),
		"session ids":               append(times([]byte{0x0a, 5, 0x0a, 3, 0x1a, 1, 'x'}), fresh(func(*protocol.RelayResponse) {})...),
		"errors":                    times([]byte{0x1a, 3, 0x0a, 1, 'x'}),
		"long words":                encode(r.t, refused),
		"members":                   r.signedPayload(body(`{` + strings.Repeat(`"":0,`, size/5) + `"id":` + id + `}`)),
		"escaped names":             r.signedPayload(body(`{` + strings.Repeat(`"\u0069x":0,`, size/12) + `"id":` + id + `}`)),
		"nesting":                   r.signedPayload(body(`{"result":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `,"id":` + id + `}`)),
		"backslashes":               r.signedPayload(body(`{"result":"` + strings.Repeat(`\\`, size/2) + `","id":` + id + `}`)),
		"quotes":                    r.signedPayload(body(`{"result":"` + strings.Repeat(`\"`, size/2) + `","id":` + id + `}`)),
		"a batch of nothing":        r.signedPayload(body(`[` + strings.Repeat(`{},`, size/3) + `{}]`)),
		"a batch of our id":         r.signedPayload(body(`[` + strings.Repeat(`{"id":`+id+`},`, size/24) + `{}]`)),
		"a long id":                 r.signedPayload(body(`{"id":` + strings.Repeat("4", size) + `}`)),
		"a long id in quotes":       r.signedPayload(body(`{"id":"` + strings.Repeat(`\u0034`, size/6) + `"}`)),
		"an object for id":          r.signedPayload(body(`{"id":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}`)),
		plain:                       r.signedPayload(body(`{"result":"` + strings.Repeat("x", size) + `","id":` + id + `}`)),
		"status 500 with much JSON": r.signedPayload(encode(r.t, &protocol.POKTHTTPResponse{StatusCode: 500, Body: times([]byte(`{"error":`))})),
	}
}

// Whatever is answered, opening it costs no more than the bounds of all answers.
func TestOpenCost(t *testing.T) {
	r := newRig(t)
	request := r.seal(rpc(asked))
	for name, answer := range r.dear(request) {
		if len(answer) < 1<<18 {
			t.Errorf("%s has %d bytes", name, len(answer))
		}
		if _, failure := request.Open(delivered(200, answer)); failure != nil && failure.Outcome == types.Outcome_OUTCOME_TOO_LARGE || name == plain && failure != nil {
			t.Errorf("%s is not read: %v", name, failure)
		}
		costs.Usual().Check(t, name, len(answer), func() { request.Open(delivered(200, answer)) })
		costs.Usual().Check(t, name+", status 500", len(answer), func() { request.Open(delivered(500, answer)) })
	}
}

func FuzzOpenCost(f *testing.F) {
	r := newRig(f)
	request := r.seal(rpc(asked))
	for _, answer := range r.dear(request) {
		f.Add(answer[:min(len(answer), 2000)])
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		costs.Usual().Check(t, "input", len(answer), func() { request.Open(delivered(200, answer)) })
	})
}

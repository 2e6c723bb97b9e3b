package networktest

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// plain is a network of nodes without envelopes: questions are asked as any client asks them, below a URL with a token.
type plain struct{ inMemory }

type plainRequest []byte

func (r plainRequest) Wire() []byte     { return r }
func (r plainRequest) Evidence() []byte { return nil }

func (r plainRequest) Open(answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
	body, failure := answer.Decoded(wire.MaxBodyBytes)
	if failure != nil {
		return fisherman.Reply{}, failure
	}
	return fisherman.Reply{Status: uint32(answer.Status), Payload: body}, nil
}

func (plain) Ask(_ *types.Session, servicer *types.Actor, payload types.Payload) (fisherman.Request, error) {
	method, address, header := http.MethodPost, servicer.GetServiceUrl(), http.Header{}
	if payload.REST != nil {
		base, _, _ := strings.Cut(address, "?")
		method, address = payload.REST.GetMethod(), base+payload.REST.GetPath()
		for _, h := range payload.REST.GetHeaders() {
			header.Add(h.GetName(), h.GetValue())
		}
	}
	if _, err := url.Parse(address); err != nil {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, io.ErrUnexpectedEOF)
	}
	serialised, err := wire.Request(method, address, header, payload.JSONRPC)
	return plainRequest(serialised), err
}

// A network whose answers nobody signs, and whose sessions are of a time, keeps the rest of the contract.
func TestPlainNetwork(t *testing.T) {
	const token = "TOKEN-OF-A-NODE"
	Run(t, func(t *testing.T) Subject {
		s := memorySubject(t)
		network := plain{s.Network.(inMemory)}
		sessions, err := network.Sessions(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, servicer := range sessions[0].GetServicers() {
			servicer.ServiceUrl = "https://" + servicer.GetAddress() + ".example?token=" + token
		}
		return Subject{
			Network: network,
			Publish: s.Publish,
			Height:  s.Height,
			Read: func(t testing.TB, request []byte) (string, types.Payload) {
				read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
				if err != nil {
					t.Fatal(err)
				}
				servicer := strings.TrimSuffix(read.Host, ".example")
				if read.Method == http.MethodPost {
					return servicer, types.Payload{JSONRPC: body(t, request)}
				}
				return servicer, types.Payload{REST: &types.RESTPayload{
					Method: read.Method, Path: read.RequestURI, Headers: []*types.HTTPHeader{{Name: "X-Height", Value: read.Header.Get("X-Height")}},
				}}
			},
			Answer: func(_ testing.TB, _ []byte, _ *types.Actor, status uint32, payload []byte) *wire.Answer {
				return &wire.Answer{Status: int(status), Body: payload}
			},
			Secrets:    []string{token},
			Unsigned:   true,
			Heightless: true,
		}
	})
}

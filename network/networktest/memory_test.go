package networktest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// inMemory is a memory network as a fisherman takes it: with a policy.
type inMemory struct{ *memory.Network }

func (inMemory) Policy(context.Context, *types.Session) (fisherman.Policy, error) {
	return fisherman.Policy{
		Rules:  judge.Rules{Timeout: time.Second, LatencySLA: time.Second, MaxSkew: time.Second, Quorum: 2},
		Checks: 10, SessionsRetained: 2,
	}, nil
}

// body is what a request on the wire carries.
func body(t testing.TB, request []byte) []byte {
	t.Helper()
	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		t.Fatal(err)
	}
	carried, err := io.ReadAll(read.Body)
	if err != nil {
		t.Fatal(err)
	}
	return carried
}

func question(t testing.TB, request []byte) *memory.Question {
	t.Helper()
	asked, err := memory.Read(body(t, request))
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// memorySubject is a memory network with one session of three servicers at height 7.
func memorySubject(*testing.T) Subject {
	network := &memory.Network{}
	network.Publish(types.Head{Height: 7})
	network.SetSessions(5, &types.Session{
		Header:    &types.SessionHeader{Id: "a session of 5", StartHeight: 5, RelayChain: "memory", Application: "an application"},
		Blocks:    5,
		Servicers: []*types.Actor{memory.Actor("ann"), memory.Actor("bob"), memory.Actor("cleo")},
	})
	answer := func(body []byte) *wire.Answer { return &wire.Answer{Status: http.StatusOK, Body: body} }
	codes := map[Refusal]memory.Code{Disputing: memory.Disputed, OverAllowance: memory.OverAllowance, OfServicer: memory.Busy, OfNode: memory.NodeDown}
	return Subject{
		Network: inMemory{network},
		Publish: network.Publish,
		Height:  7,
		Read: func(t testing.TB, request []byte) (string, types.Payload) {
			asked := question(t, request)
			return asked.Servicer, asked.Payload
		},
		Answer: func(t testing.TB, request []byte, servicer *types.Actor, status uint32, payload []byte) *wire.Answer {
			return answer(question(t, request).Answer(servicer.GetAddress(), status, payload))
		},
		Refuse: func(t testing.TB, request []byte, servicer *types.Actor, refusal Refusal) *wire.Answer {
			return answer(question(t, request).Refuse(servicer.GetAddress(), codes[refusal]))
		},
		Verify: memory.Verify,
	}
}

func TestMemoryNetwork(t *testing.T) { Run(t, memorySubject) }

// exchanged is what became of one question to one servicer.
func exchanged(t *testing.T, conn *wire.Conn, request fisherman.Request) (fisherman.Reply, *wire.Failure) {
	t.Helper()
	if _, err := conn.Send(request.Wire(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := conn.Receive()
	if failure, is := errors.AsType[*wire.Failure](err); is {
		return fisherman.Reply{}, failure
	}
	return request.Open(answer)
}

// The servicers of a memory network answer over pipes, each by its fault, in virtual time.
func TestMemoryServicers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memorySubject(t).Network
		sessions, err := network.Sessions(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		servicers := memory.Servicers{
			"ann": memory.Honest(), "bob": memory.Lying("a lie"), "cleo": memory.Refusing(memory.Busy), "dora": memory.Silent(), "eve": memory.Honest(),
		}
		payloads := make(map[string]string)
		for name := range servicers {
			request, err := network.Ask(sessions[0], memory.Actor(name), sampleQuestion)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := servicers.Dial(t.Context(), memory.Actor(name).GetServiceUrl())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for range 2 { // on one connection
				reply, failure := exchanged(t, conn, request)
				payloads[name] = string(reply.Payload)
				switch {
				case name == "cleo" && (failure == nil || failure.Refusal == nil || failure.Refusal.Label != "BUSY"):
					t.Errorf("%s: %v", name, failure)
				case name == "dora" && (failure == nil || failure.Outcome != types.Outcome_OUTCOME_TIMEOUT):
					t.Errorf("%s: %v", name, failure)
				case name != "cleo" && name != "dora" && (failure != nil || !conn.Reusable()):
					t.Errorf("%s: %v", name, failure)
				}
			}
		}
		if payloads["ann"] != payloads["eve"] || payloads["ann"] == payloads["bob"] || payloads["ann"] == "" || payloads["bob"] == "" {
			t.Errorf("answers %q", payloads)
		}
		if _, err := servicers.Dial(t.Context(), memory.Actor("nobody").GetServiceUrl()); err == nil {
			t.Error("connected to nobody")
		}
	})
}

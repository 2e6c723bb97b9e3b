package servicer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const replayedCode = types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED

func TestReplay(t *testing.T) {
	chain, node := newChain(25), newHonest(t)
	s := newServicer(t, chain, node.URL)
	first := newRequest()
	sealed := seal(t, applicationKey, first)
	wantReply(t, ask(t, s, sealed))
	wantCode(t, ask(t, s, sealed), replayedCode)

	// The same nonce in another request of the session, from another signer, is a replay too.
	second := newRequest()
	second.Nonce = first.Nonce
	wantCode(t, ask(t, s, seal(t, fishermanKey, second)), replayedCode)

	// The session goes on as the one before, and its nonces with it.
	chain.moveTo(31)
	wantCode(t, ask(t, s, sealed), replayedCode)
	// In another session the nonce is new.
	third := newRequest()
	third.Session, third.Nonce = headerAt(30, servedChain), first.Nonce
	wantReply(t, ask(t, s, seal(t, applicationKey, third)))
	if node.asked.Load() != 2 {
		t.Errorf("the upstream was asked %d times, want 2", node.asked.Load())
	}
}

// Of many copies that arrive at the same moment exactly one is executed. The upstream holds it until all others are
// answered; the request is large, so that copies pass the check for seen nonces while others are still being verified.
func TestConcurrentReplay(t *testing.T) {
	const copies = 32
	node, asked, letGo := newHeld(t)
	s := newServicer(t, newChain(25), node.URL)
	sealed := padded(t, relay.MaxRequestBytes)
	start, answers := make(chan struct{}), make(chan *types.RelayResponse, copies)
	var running sync.WaitGroup
	for range copies {
		running.Go(func() {
			<-start
			answers <- ask(t, s, sealed)
		})
	}
	close(start)
	for range copies - 1 {
		wantCode(t, <-answers, replayedCode)
	}
	<-asked
	close(letGo)
	running.Wait()
	wantReply(t, <-answers)
	if node.asked.Load() != 1 {
		t.Errorf("the upstream was asked %d times", node.asked.Load())
	}
}

// The nonce of a relay that was refused as BUSY is not spent: it may be sent again unchanged.
func TestBusy(t *testing.T) {
	node, asked, letGo := newHeld(t)
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.MaxConcurrent = 1 })
	first, second := seal(t, applicationKey, newRequest()), seal(t, applicationKey, newRequest())
	answer := make(chan *types.RelayResponse, 1)
	go func() { answer <- ask(t, s, first) }()
	<-asked
	wantCode(t, ask(t, s, second), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)
	close(letGo)
	wantReply(t, <-answer)
	wantReply(t, ask(t, s, second))
}

// An application's relays that take all places leave those of the fishermen; fishermen use those of all as well.
func TestBusyForFishermen(t *testing.T) {
	const places, apart = 4, 1
	node, asked, letGo := newHeld(t)
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.MaxConcurrent = places })
	answers := make(chan *types.RelayResponse, places+apart)
	var running sync.WaitGroup
	run := func(key crypto.PrivateKey) {
		sealed := seal(t, key, newRequest())
		running.Go(func() { answers <- ask(t, s, sealed) })
		<-asked
	}
	for range places - 1 {
		run(applicationKey)
	}
	run(fishermanKey)
	run(fishermanKey) // one of the places of all
	for _, key := range []crypto.PrivateKey{applicationKey, fishermanKey} {
		wantCode(t, ask(t, s, seal(t, key, newRequest())), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)
	}
	close(letGo)
	running.Wait()
	for range places + apart {
		wantReply(t, <-answers)
	}
	for range 4 * places { // places are given back to where they came from
		wantReply(t, ask(t, s, seal(t, fishermanKey, newRequest())))
	}
}

// 128 slow relays of an application, as many as the default has places, keep no fisherman waiting.
func TestSlowRelaysLeaveTheFisherman(t *testing.T) {
	node, asked, letGo := newHeld(t)
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.UpstreamTimeout = time.Minute })
	var running sync.WaitGroup
	relays := func(key crypto.PrivateKey, n int) {
		for range n {
			sealed := seal(t, key, newRequest())
			running.Go(func() { wantReply(t, ask(t, s, sealed)) })
			<-asked
		}
	}
	relays(applicationKey, servicer.DefaultConfig().MaxConcurrent)
	wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)
	relays(fishermanKey, servicer.DefaultConfig().MaxConcurrent/4)
	close(letGo)
	running.Wait()
}

// The application and the fishermen each use up their own part of the memory; neither takes from the other.
func TestNonceMemoryFull(t *testing.T) {
	chain := newChain(25)
	s := newServicer(t, chain, newHonest(t).URL, func(c *servicer.Config) { c.MaxNonces = 8 })
	over := types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE
	relays := func(key crypto.PrivateKey, start int64, n int) {
		t.Helper()
		for range n {
			request := newRequest()
			request.Session = headerAt(start, servedChain)
			wantReply(t, ask(t, s, seal(t, key, request)))
		}
	}
	relays(applicationKey, 20, 8)
	wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), over)
	relays(fishermanKey, 20, 8)
	wantCode(t, ask(t, s, seal(t, fishermanKey, newRequest())), over)
	chain.moveTo(30)
	relays(applicationKey, 30, 8)
}

// Nonces of ended sessions are dropped: the memory of a servicer with many short sessions never runs full.
func TestNonceMemoryFollowsTheChain(t *testing.T) {
	chain := newChain(0)
	s := newServicer(t, chain, newHonest(t).URL, func(c *servicer.Config) { c.MaxNonces = 1 })
	for start := int64(0); start < 40*blocks; start += blocks {
		chain.moveTo(start + 1)
		request := newRequest()
		request.Session = headerAt(start, servedChain)
		wantReply(t, ask(t, s, seal(t, applicationKey, request)))
	}
}

func TestNoncesAreNotSpentByStrangers(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	request := newRequest()
	wantCode(t, ask(t, s, seal(t, strangerKey, request)), types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED)
	wantReply(t, ask(t, s, seal(t, applicationKey, request)))
}

// A captured answer to one client is not accepted by another.
func TestAnswerIsBoundToItsRequest(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	mine, other := seal(t, applicationKey, newRequest()), seal(t, applicationKey, newRequest())
	answer := s.HandleRelay(context.Background(), mine.Envelope)
	_, err := relay.OpenResponse(answer, relay.Binding{
		RequestHash: other.BodyHash, Servicer: servicerKey.Address(), PublicKey: servicerKey.PublicKey(),
	})
	if err == nil {
		t.Error("the answer opened for another request")
	}
}

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/localnet/port"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// playedChain is a relay chain whose node is faked by a story.
const playedChain = "0002"

// said is the fake node's correct answer.
const said = `{"jsonrpc":"2.0","id":1,"result":"as asked"}`

// upstreamStory is the state of a story about a servicer in front of a fake node.
type upstreamStory struct {
	upstream *httptest.Server
	// plays is the fake node's current handler.
	plays atomic.Pointer[http.HandlerFunc]
	// servicerActor is the servicer as it is staked.
	servicerActor api.Actor
	answered      int
	refused       []types.RelayErrorCode
}

func (s *story) upstreamSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a servicer with a node of the chain of its own, and a relay node that this story plays$`, s.servicerHome)
	scenario.When(`^the servicer is started before its chain$`, s.startServicer)
	scenario.When(`^the validator of its chain is started, and the servicer follows$`, func() error {
		if err := s.nodes[0].start(s, s.nodes); err != nil {
			return err
		}
		return s.reachAll(s.nodes, 2)
	})
	scenario.When(`^a relay is sent to it$`, s.sendToPlayed)
	scenario.When(`^the relay node (breaks off|answers more than a servicer passes on|answers a web page|does not answer), and a relay is sent$`,
		func(how string) error {
			s.play(failures[how])
			return s.sendToPlayed()
		})
	scenario.Then(`^the servicer answers it with what the relay node said$`, func() error {
		return expect(string(s.response.GetPayload()) == said && s.response.GetError() == nil, "answer %v", s.response)
	})
	scenario.When(`^(\d+) relays are sent at once, and the relay node waits until (\d+) are refused$`, s.crowd)
	scenario.Then(`^the other (\d+) are answered, and those (\d+) are refused as BUSY$`, func(answered, refused int) error {
		for _, code := range s.refused {
			if code != types.RelayErrorCode_RELAY_ERROR_CODE_BUSY {
				return fmt.Errorf("a relay is refused as %s", code.Label())
			}
		}
		return expect(s.answered == answered && len(s.refused) == refused, "%d answered, %d refused", s.answered, len(s.refused))
	})
}

// failures are the ways in which the fake node can fail.
var failures = map[string]http.HandlerFunc{
	"breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"answers more than a servicer passes on": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"result":%q}`, strings.Repeat("x", relay.MaxResponsePayloadBytes))
	},
	"answers a web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>It works!</html>") },
	"does not answer":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

func (s *story) play(handler http.HandlerFunc) { s.plays.Store(&handler) }

// servicerHome makes the homes of a validator and of a servicer, which follows the chain of the validator. The
// application is that of a LocalNet, so that the story has its key.
func (s *story) servicerHome() (err error) {
	if s.home, err = os.MkdirTemp("", "e2e-servicer-"); err != nil {
		return err
	}
	s.keys = filepath.Join(s.home, "keys")
	s.play(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, said) })
	s.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The server notices the end of a connection only after the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		(*s.plays.Load())(w, r)
	}))
	free, err := port.Free(context.Background(), "127.0.0.1", 7)
	if err != nil {
		return err
	}
	path := filepath.Join(s.home, "genesis.json")
	validator, err := s.makeNode("validator", path, free[1:], "validator")
	if err != nil {
		return err
	}
	servicer, err := s.makeNode("servicer", path, free[4:], "servicer", "--servicer-listen", free[0], "--upstream", playedChain+"="+s.upstream.URL)
	if err != nil {
		return err
	}
	s.nodes = []*nodeProcess{validator, servicer}
	s.servicerActor = api.Actor{Address: servicer.address, PublicKey: servicer.publicKey, ServiceURL: "http://" + free[0]}
	application := localnet.Key(localnet.DefaultOptions().Seed, types.ActorType_ACTOR_TYPE_APPLICATION, 0)
	staked := func(kind, address, key, url string) map[string]any {
		actor := map[string]any{"type": "ACTOR_TYPE_" + kind, "address": address, "public_key": key, "stake_upokt": amount(15_000)}
		if kind != "VALIDATOR" {
			actor["chains"], actor["geo_zone"], actor["service_url"] = []string{playedChain}, "local", url
		}
		return actor
	}
	return s.writeGenesis(path, []any{
		staked("VALIDATOR", validator.address, validator.publicKey, ""),
		staked("SERVICER", servicer.address, servicer.publicKey, s.servicerActor.ServiceURL),
		staked("APPLICATION", application.Address(), application.PublicKeyHex(), ""),
	}, nil)
}

func (s *story) startServicer() error {
	if err := s.nodes[1].start(s, s.nodes); err != nil {
		return err
	}
	return s.holds("the servicer takes connections", func() bool { return connects(strings.TrimPrefix(s.servicerActor.ServiceURL, "http://")) })
}

// playedSession returns the application's current session, or any session while the node has no block.
func (s *story) playedSession() (*types.SessionHeader, error) {
	application := (&forged{role: types.ActorType_ACTOR_TYPE_APPLICATION}).key().Address()
	header := &types.SessionHeader{Id: strings.Repeat("0", 64), RelayChain: playedChain, GeoZone: "local", Application: application}
	if s.nodes[1].height() == 0 {
		return header, nil
	}
	return header, s.nodes[1].ask(func(ctx context.Context, api *client.Client) error {
		session, err := api.Session(ctx, application, playedChain, 0)
		header.Id, header.StartHeight = session.ID, session.StartHeight
		return err
	})
}

// toPlayed returns a relay of a session to the servicer.
func (s *story) toPlayed(header *types.SessionHeader) (*forged, error) {
	f := &forged{role: types.ActorType_ACTOR_TYPE_APPLICATION}
	f.request = &types.RelayRequest{Session: header, Servicer: s.servicerActor.Address, Nonce: make([]byte, relay.NonceSize),
		ClientTimeUnixNano: time.Now().UnixNano()}
	_, _ = rand.Read(f.request.Nonce) // never fails (crypto/rand)
	f.ask(question)
	return f, f.seal()
}

func (s *story) sendToPlayed() error {
	header, err := s.playedSession()
	if err != nil {
		return err
	}
	f, err := s.toPlayed(header)
	if err != nil {
		return err
	}
	return s.deliver(f, s.servicerActor)
}

// crowd sends relays concurrently. The fake node holds them until the given number is refused.
func (s *story) crowd(count, refused int) error {
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	s.play(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
			_, _ = io.WriteString(w, said)
		case <-r.Context().Done():
		}
	})
	header, err := s.playedSession()
	if err != nil {
		return err
	}
	relays := make([]*forged, count)
	for i := range relays {
		if relays[i], err = s.toPlayed(header); err != nil {
			return err
		}
	}
	type answer struct {
		response *types.RelayResponse
		err      error
	}
	answers := make(chan answer, count)
	for _, f := range relays {
		go func() {
			response, err := f.deliver(s.servicerActor)
			answers <- answer{response, err}
		}()
	}
	var failed error
	for range relays {
		got := <-answers
		switch failed = errors.Join(failed, got.err); {
		case got.response.GetError() != nil:
			s.refused = append(s.refused, got.response.GetError().GetCode())
		case bytes.Equal(got.response.GetPayload(), []byte(said)):
			s.answered++
		}
		if len(s.refused) == refused {
			release()
		}
	}
	return failed
}

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// relayTimeout bounds one relay.
	relayTimeout = 10 * time.Second
	// stranger is the index of a key that is not staked on any LocalNet of a story.
	stranger = localnet.MaxServicers - 1

	question = `{"jsonrpc":"2.0","id":1,"method":"health"}`
)

// refusalStory is the state of a story about a relay that it sealed itself.
type refusalStory struct {
	response *types.RelayResponse
}

// forged is a relay of an actor of the LocalNet, before and after it is sealed.
type forged struct {
	request *types.RelayRequest
	role    types.ActorType
	index   int
	// sealed is the envelope that is sent; hash is the hash that the answer must be bound to.
	sealed []byte
	hash   [32]byte
}

// wrongs are what can be wrong with a relay before it is sealed.
var wrongs = map[string]func(f *forged, others []api.Actor){
	"holds something that is not JSON-RPC": func(f *forged, _ []api.Actor) { f.ask(`{"no":"request"}`) },
	"is addressed to another servicer":     func(f *forged, others []api.Actor) { f.request.Servicer = others[0].Address },
	"is for a session to come":             func(f *forged, _ []api.Actor) { f.request.Session.StartHeight += 1_000_000 },
	"is for a chain that it does not serve": func(f *forged, _ []api.Actor) {
		f.request.Session.RelayChain = "00FF"
	},
	"is for an application that is not staked": func(f *forged, _ []api.Actor) {
		f.role, f.index = types.ActorType_ACTOR_TYPE_SERVICER, stranger
		f.request.Session.Application = f.key().Address()
	},
	"names another session id": func(f *forged, _ []api.Actor) { f.request.Session.Id = strings.Repeat("0", 64) },
	"is signed by a stranger":  func(f *forged, _ []api.Actor) { f.role, f.index = types.ActorType_ACTOR_TYPE_SERVICER, stranger },
}

// spoils are the changes that can happen to a relay after it was sealed.
var spoils = map[string]func(f *forged) error{
	"is too large": func(f *forged) error {
		f.sealed, f.hash = make([]byte, relay.MaxRequestBytes+1), [32]byte{}
		return nil
	},
	"is no envelope": func(f *forged) error { f.sealed, f.hash = []byte("no envelope"), [32]byte{}; return nil },
	"was altered after it was signed": func(f *forged) error {
		envelope := new(types.Envelope)
		if err := proto.Unmarshal(f.sealed, envelope); err != nil {
			return err
		}
		envelope.Signature.Value[0] ^= 1
		var err error
		f.sealed, err = proto.Marshal(envelope)
		return err
	},
}

func (s *story) refusalSteps(scenario *godog.ScenarioContext) {
	scenario.When(`^a relay is sent that (.+)$`, s.sendWrong)
	scenario.When(`^the owner stakes (\d+) POKT as application, and relays a batch of (\d+) requests$`, s.overdraw)
	scenario.Then(`^the servicer refuses it as ([A-Z_]+), signed and bound to the request$`, func(code string) error {
		got := strings.TrimPrefix(s.response.GetError().GetCode().String(), "RELAY_ERROR_CODE_")
		return expect(s.response.GetError() != nil && got == code, "answer %v", s.response)
	})
}

// sendWrong sends a relay with a single error.
func (s *story) sendWrong(what string) error {
	f := &forged{role: types.ActorType_ACTOR_TYPE_APPLICATION}
	servicer, others, err := s.addressed(f, s.network.Application())
	if err != nil {
		return err
	}
	wrong, spoil := wrongs[what], spoils[what]
	if wrong != nil {
		wrong(f, others)
	}
	if err := f.seal(); err != nil {
		return err
	}
	switch {
	case what == "was answered before":
		if err := s.deliver(f, servicer); err != nil {
			return err
		}
		if s.response.GetError() != nil {
			return fmt.Errorf("the first time the answer was %v", s.response.GetError())
		}
	case spoil != nil:
		if err := spoil(f); err != nil {
			return err
		}
	case wrong == nil:
		return fmt.Errorf("no relay is known that %s", what)
	}
	return s.deliver(f, servicer)
}

// overdraw stakes so little that a batch exceeds the allowance of the whole session.
func (s *story) overdraw(pokt int64, requests int) error {
	owner, err := s.validator()
	if err != nil {
		return err
	}
	err = s.carriedOut("stake", "--from", owner, "--type", "application", "--stake", amount(pokt), "--chains", relayChain, "--zone", "local")
	if err != nil {
		return err
	}
	if err := s.reach(s.inSessionOf(s.receipt.Height) + 2*s.options.BlocksPerSession); err != nil {
		return err
	}
	f := &forged{role: types.ActorType_ACTOR_TYPE_VALIDATOR}
	servicer, _, err := s.addressed(f, owner)
	if err != nil {
		return err
	}
	batch := make([]string, requests)
	for i := range batch {
		batch[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"health"}`, i)
	}
	f.ask("[" + strings.Join(batch, ",") + "]")
	if err := f.seal(); err != nil {
		return err
	}
	return s.deliver(f, servicer)
}

// addressed addresses a relay that has nothing wrong to an honest servicer of the application's present session, and
// gives the other servicers too.
func (s *story) addressed(f *forged, application string) (servicer api.Actor, others []api.Actor, err error) {
	var session api.Session
	err = s.network.await("the application has a session", func(ctx context.Context) (bool, error) {
		session, err = s.network.api.Session(ctx, application, relayChain, 0)
		return err == nil, err
	})
	if err != nil {
		return api.Actor{}, nil, err
	}
	honest := s.network.Servicers()[0].Address
	at := slices.IndexFunc(session.Servicers, func(a api.Actor) bool { return a.Address == honest })
	if at < 0 || len(session.Servicers) < 2 {
		return api.Actor{}, nil, errors.New("the session lacks the honest servicer, or others")
	}
	f.request = &types.RelayRequest{
		Session: &types.SessionHeader{Id: session.ID, StartHeight: session.StartHeight, RelayChain: session.RelayChain,
			GeoZone: session.GeoZone, Application: application},
		Servicer:           honest,
		Nonce:              make([]byte, relay.NonceSize),
		ClientTimeUnixNano: time.Now().UnixNano(),
	}
	_, _ = rand.Read(f.request.Nonce) // never fails (crypto/rand)
	f.ask(question)
	servicer = session.Servicers[at]
	return servicer, slices.Delete(slices.Clone(session.Servicers), at, at+1), nil
}

// key returns the key that signs the relay; a story's LocalNet has the default seed.
func (f *forged) key() crypto.PrivateKey {
	return localnet.Key(localnet.DefaultOptions().Seed, f.role, f.index)
}

func (f *forged) ask(body string) {
	f.request.Payload = &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: []byte(body)}}
}

func (f *forged) seal() error {
	sealed, err := relay.SealRequest(f.key(), f.request)
	if err != nil {
		return err
	}
	f.sealed, f.hash = sealed.Envelope, sealed.BodyHash
	return nil
}

func (s *story) deliver(f *forged, servicer api.Actor) (err error) {
	s.response, err = f.deliver(servicer)
	return err
}

// deliver posts the envelope, and opens the answer, which must be the servicer's own and bound to what was sent.
func (f *forged) deliver(servicer api.Actor) (*types.RelayResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), relayTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, servicer.ServiceURL+relay.Path, bytes.NewReader(f.sealed))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", relay.ContentType)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	envelope, err := io.ReadAll(io.LimitReader(answer.Body, relay.MaxResponseBytes+1))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(servicer.PublicKey)
	if err != nil {
		return nil, err
	}
	return relay.OpenResponse(envelope, relay.Binding{RequestHash: f.hash, Servicer: servicer.Address, PublicKey: key})
}

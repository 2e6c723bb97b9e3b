package servicer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

func TestMain(m *testing.M) {
	// What the floor of a benchmark leaves behind: it never ends its cleaners, or later.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// seededKey returns the key whose seed is one byte repeated.
func seededKey(fill byte) crypto.PrivateKey {
	return crypto.KeyFromSeed([32]byte(bytes.Repeat([]byte{fill}, 32)))
}

var (
	applicationKey = seededKey(1)
	servicerKey    = seededKey(2)
	fishermanKey   = seededKey(3)
	strangerKey    = seededKey(4)
	question       = []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`)
	reply          = []byte(`{"jsonrpc":"2.0","id":1,"result":"fine"}`)
)

const (
	servedChain   = "0001"
	unservedChain = "0002"
	foreignChain  = "0003" // served, but the application is not staked for it
	restChain     = "0004" // served by REST
	restBase      = "/base/v1"
	blocks        = 10
)

// fakeChain is state with one application, whose members may differ from height to height.
type fakeChain struct {
	mu     sync.Mutex
	height int64
	// servicers and fishermen at a height; by default the tested servicer and one fisherman.
	servicers, fishermen func(height int64) []string
	// fail, if set, may refuse to read a session.
	fail func(height int64) error
	// stake of the application, and the policy of all sessions; refused, if set, is the error instead of the policy.
	stake   uint64
	policy  servicer.Policy
	refused error
	// reads counts sessions that were read, policies policies.
	reads, policies atomic.Int64
}

func newChain(height int64) *fakeChain {
	return &fakeChain{
		height:    height,
		servicers: func(int64) []string { return []string{strangerKey.Address(), servicerKey.Address()} },
		fishermen: func(int64) []string { return []string{fishermanKey.Address()} },
		fail:      func(int64) error { return nil },
		stake:     15_000_000_000,
		policy:    servicer.Policy{RelaysPerPOKT: 1000, Reserve: 1 << 20, DifficultyBits: 255},
	}
}

func (c *fakeChain) RelayPolicy(context.Context, *types.Session) (servicer.Policy, error) {
	c.policies.Add(1)
	return c.policy, c.refused
}

func (c *fakeChain) Height() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.height
}

func (c *fakeChain) moveTo(height int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.height = height
}

func (c *fakeChain) Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error) {
	c.reads.Add(1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if height < 1 || height > c.Height()+1 {
		return nil, fmt.Errorf("read height %d: %w", height, modules.ErrHeightUnavailable)
	}
	if err := c.fail(height); err != nil {
		return nil, err
	}
	if application != applicationKey.Address() {
		return nil, fmt.Errorf("application %s: %w", application, modules.ErrUnknownActor)
	}
	if relayChain == foreignChain {
		return nil, fmt.Errorf("application %s: %w", application, modules.ErrChainNotStaked)
	}
	return &types.Session{
		Header:      headerAt(height-height%blocks, relayChain),
		Blocks:      blocks,
		Height:      height,
		Application: &types.Actor{Address: application, StakeUpokt: c.stake},
		Servicers:   actors(c.servicers(height)),
		Fishermen:   actors(c.fishermen(height)),
	}, nil
}

func actors(addresses []string) []*types.Actor {
	list := make([]*types.Actor, 0, len(addresses))
	for _, address := range addresses {
		list = append(list, &types.Actor{Address: address})
	}
	return list
}

func headerAt(start int64, relayChain string) *types.SessionHeader {
	id := sha256.Sum256(fmt.Appendf(nil, "session of %s at %d", relayChain, start))
	return &types.SessionHeader{
		Id:          hex.EncodeToString(id[:]),
		StartHeight: start,
		RelayChain:  relayChain,
		GeoZone:     "eu",
		Application: applicationKey.Address(),
	}
}

// upstream is a relay chain's node that counts its requests.
type upstream struct {
	*httptest.Server
	asked atomic.Int64
}

func newUpstream(t testing.TB, handler http.HandlerFunc) *upstream {
	t.Helper()
	node := new(upstream)
	node.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		node.asked.Add(1)
		handler(w, r)
	}))
	t.Cleanup(node.Close)
	return node
}

// newHonest answers every question with the same reply.
func newHonest(t testing.TB) *upstream {
	t.Helper()
	return newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) })
}

// newHeld signals on asked when a request has arrived, and answers when released, or never if the client leaves.
func newHeld(t testing.TB) (node *upstream, asked chan struct{}, letGo chan struct{}) {
	t.Helper()
	asked, letGo = make(chan struct{}, 100), make(chan struct{})
	node = newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		select {
		case <-letGo:
			_, _ = w.Write(reply)
		case <-r.Context().Done():
		}
	})
	return node, asked, letGo
}

func newServicer(t testing.TB, chain *fakeChain, node string, changes ...func(*servicer.Config)) *servicer.Servicer {
	t.Helper()
	config := servicer.DefaultConfig()
	config.Key = servicerKey
	config.Upstreams = map[string]servicer.Upstream{
		servedChain:  {URL: node},
		foreignChain: {URL: node},
		restChain:    {Kind: servicer.REST, URL: node + restBase},
	}
	for _, change := range changes {
		change(&config)
	}
	made, err := servicer.New(config, chain, chain)
	if err != nil {
		t.Fatalf("new servicer: %v", err)
	}
	t.Cleanup(made.Close)
	return made
}

var nonces atomic.Uint64

func freshNonce() []byte {
	nonce := make([]byte, relay.NonceSize)
	binary.BigEndian.PutUint64(nonce, nonces.Add(1))
	return nonce
}

// newRequest returns a request that is valid at heights 20 to 29, with a fresh nonce.
func newRequest() *types.RelayRequest {
	return &types.RelayRequest{
		Session:  headerAt(20, servedChain),
		Servicer: servicerKey.Address(),
		Nonce:    freshNonce(),
		Payload:  &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: question}},
	}
}

func seal(t testing.TB, key crypto.PrivateKey, request *types.RelayRequest) *relay.SealedRequest {
	t.Helper()
	sealed, err := relay.SealRequest(key, request)
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	return sealed
}

// open reads an answer, which must be bound to the hash.
func open(t testing.TB, envelope []byte, hash [32]byte) *types.RelayResponse {
	t.Helper()
	response, err := relay.OpenResponse(envelope, relay.Binding{
		RequestHash: hash, Servicer: servicerKey.Address(), PublicKey: servicerKey.PublicKey(),
	})
	if err != nil {
		t.Errorf("open answer: %v", err)
		return new(types.RelayResponse)
	}
	return response
}

// ask sends one sealed request within the process.
func ask(t testing.TB, s *servicer.Servicer, sealed *relay.SealedRequest) *types.RelayResponse {
	t.Helper()
	return open(t, s.HandleRelay(context.Background(), sealed.Envelope), sealed.BodyHash)
}

func wantCode(t testing.TB, response *types.RelayResponse, want types.RelayErrorCode) {
	t.Helper()
	if got := response.GetError().GetCode(); got != want {
		t.Errorf("got %s (%q), want %s", got.Label(), response.GetError().GetMessage(), want.Label())
	}
}

func wantReply(t testing.TB, response *types.RelayResponse) {
	t.Helper()
	if !bytes.Equal(response.GetPayload(), reply) || response.GetUpstreamStatus() != http.StatusOK {
		t.Errorf("got %v, want the upstream's reply", response)
	}
}

func marshal(t testing.TB, message proto.Message) []byte {
	t.Helper()
	encoded, err := proto.Marshal(message)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return encoded
}

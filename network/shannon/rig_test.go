package shannon_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// keyOf returns the key of somebody.
func keyOf(name string) *protocol.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	key, err := protocol.NewPrivateKey(seed[:])
	if err != nil {
		panic(err)
	}
	return key
}

// world is the state of a chain, of which a fake node tells.
type world struct {
	mu sync.Mutex
	// blocks of a session.
	blocks int64
	// application is staked for services, and delegates to gateways.
	application *protocol.Application
	services    map[string]uint64 // compute units
	suppliers   []*protocol.Supplier
	keyless     map[string]bool
	keys        map[string]*protocol.PrivateKey
	shared      *protocol.SharedParams
	tokenomics  *protocol.TokenomicsParams
	minStake    string
	// forge changes what is answered.
	forge func(path string, answer proto.Message)
}

const (
	service = "eth"
	// perRelay is what a relay costs here: 10 compute units at 2 uPOKT, and 10 % of that.
	perRelay = 22
)

// newWorld has an application with one gateway, and three suppliers.
func newWorld() *world {
	w := &world{blocks: 10, services: map[string]uint64{service: 10}, keyless: make(map[string]bool), keys: make(map[string]*protocol.PrivateKey), minStake: "1000000",
		shared:     &protocol.SharedParams{NumBlocksPerSession: 10, ComputeUnitsToTokensMultiplier: 2_000_000, ComputeUnitCostGranularity: 1_000_000},
		tokenomics: &protocol.TokenomicsParams{GlobalInflationPerClaim: 0.1}}
	application, gateway := w.account("application"), w.account("gateway")
	w.application = &protocol.Application{Address: application, Stake: upokt("100000000"), DelegateeGatewayAddresses: []string{gateway},
		ServiceConfigs: []*protocol.ApplicationServiceConfig{{ServiceId: service}}}
	for i := range 3 {
		w.suppliers = append(w.suppliers, w.supplier(fmt.Sprint("supplier ", i), fmt.Sprint("owner ", i), fmt.Sprintf("https://supplier%d.example/relay", i)))
	}
	return w
}

func upokt(amount string) *protocol.Coin { return &protocol.Coin{Denom: "upokt", Amount: amount} }

func (w *world) account(name string) string {
	key := keyOf(name)
	w.keys[key.Address()] = key
	return key.Address()
}

func (w *world) supplier(name, owner, serviceURL string) *protocol.Supplier {
	return &protocol.Supplier{OperatorAddress: w.account(name), OwnerAddress: w.account(owner), Stake: upokt("60000000"),
		Services: []*protocol.SupplierServiceConfig{{ServiceId: service, Endpoints: []*protocol.SupplierEndpoint{{Url: serviceURL, RpcType: protocol.RPCType_RPC_TYPE_JSON_RPC}}}}}
}

func (w *world) change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// answer is the application's answer to an ABCI query.
func (w *world) answer(path string, data []byte, height int64) chaintest.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	refused := chaintest.Answer{Code: 18, Codespace: "sdk", Log: "invalid request"}
	notFound := chaintest.Answer{Code: 22, Codespace: "sdk", Log: "not found: key not found"}
	var made proto.Message
	switch path {
	case chain.PathSession:
		var asked protocol.QueryGetSessionRequest
		if proto.Unmarshal(data, &asked) != nil || w.application == nil || asked.GetApplicationAddress() != w.application.GetAddress() || len(w.suppliers) == 0 ||
			!slices.ContainsFunc(w.application.GetServiceConfigs(), func(c *protocol.ApplicationServiceConfig) bool { return c.GetServiceId() == asked.GetServiceId() }) {
			return refused
		}
		made = &protocol.QueryGetSessionResponse{Session: w.session(asked.GetServiceId(), max(asked.GetBlockHeight(), 1))}
	case chain.PathApplication:
		var asked protocol.QueryGetApplicationRequest
		if proto.Unmarshal(data, &asked) != nil || w.application == nil || asked.GetAddress() != w.application.GetAddress() {
			return notFound
		}
		made = &protocol.QueryGetApplicationResponse{Application: w.application}
	case chain.PathService:
		var asked protocol.QueryGetServiceRequest
		units, known := uint64(0), false
		if proto.Unmarshal(data, &asked) == nil {
			units, known = w.services[asked.GetId()]
		}
		if !known {
			return notFound
		}
		made = &protocol.QueryGetServiceResponse{Service: &protocol.Service{Id: asked.GetId(), ComputeUnitsPerRelay: units}}
	case chain.PathSharedParams:
		made = &protocol.QuerySharedParamsResponse{Params: w.shared}
	case chain.PathTokenomicsParams:
		made = &protocol.QueryTokenomicsParamsResponse{Params: w.tokenomics}
	case chain.PathApplicationParams:
		made = &protocol.QueryApplicationParamsResponse{Params: &protocol.ApplicationParams{MinStake: upokt(w.minStake)}}
	case chain.PathAccount:
		var asked protocol.QueryAccountRequest
		if proto.Unmarshal(data, &asked) != nil || w.keys[asked.GetAddress()] == nil {
			return notFound
		}
		made = w.accountOf(asked.GetAddress())
	default:
		return chaintest.Answer{Code: 6, Codespace: "sdk", Log: "unknown query path"}
	}
	made = proto.Clone(made)
	if w.forge != nil {
		w.forge(path, made)
	}
	value, err := proto.Marshal(made)
	if err != nil {
		return refused
	}
	return chaintest.Answer{Value: value}
}

func (w *world) session(of string, height int64) *protocol.Session {
	start := (height-1)/w.blocks*w.blocks + 1
	id := sha256.Sum256(fmt.Append(nil, of, start))
	header := &protocol.SessionHeader{ApplicationAddress: w.application.GetAddress(), ServiceId: of, SessionId: hex.EncodeToString(id[:]),
		SessionStartBlockHeight: start, SessionEndBlockHeight: start + w.blocks - 1}
	return &protocol.Session{Header: header, SessionId: header.GetSessionId(), NumBlocksPerSession: w.blocks, Application: w.application, Suppliers: w.suppliers}
}

func (w *world) accountOf(address string) proto.Message {
	base := &protocol.BaseAccount{Address: address}
	if !w.keyless[address] {
		key, _ := proto.Marshal(&protocol.Secp256K1PubKey{Key: w.keys[address].PublicKey()})
		base.PubKey = &anypb.Any{TypeUrl: "/cosmos.crypto.secp256k1.PubKey", Value: key}
	}
	value, _ := proto.Marshal(base)
	return &protocol.QueryAccountResponse{Account: &anypb.Any{TypeUrl: "/cosmos.auth.v1beta1.BaseAccount", Value: value}}
}

// network returns one whose chain is at height 100.
func (w *world) network(t testing.TB, change ...func(*shannon.Config)) (*shannon.Network, *chaintest.Node) {
	t.Helper()
	node := chaintest.New(t, "pocket", 100)
	node.Serve(w.answer)
	config := shannon.Config{RPC: []string{node.URL}, Groups: []shannon.Group{groupOf()}, Patience: -1}
	for _, c := range change {
		c(&config)
	}
	n, err := shannon.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, node
}

func groupOf() shannon.Group {
	return shannon.Group{Name: "eth-on-pocket", Application: keyOf("application").Address(), Service: service, Signer: keyOf("gateway"),
		Limits: shannon.Limits{PerSession: 1_000_000}, Chain: fisherman.Chain{Catalogue: question.EVMValues(question.EVMFinality)}}
}

// far reads a request as its supplier does.
func far(t testing.TB, request []byte) (*protocol.RelayRequest, *protocol.POKTHTTPRequest, *http.Request) {
	t.Helper()
	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(read.Body)
	if err != nil {
		t.Fatal(err)
	}
	var relay protocol.RelayRequest
	var inner protocol.POKTHTTPRequest
	if err := proto.Unmarshal(body, &relay); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(relay.GetPayload(), &inner); err != nil {
		t.Fatal(err)
	}
	hash, err := relay.SignedHash()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := protocol.VerifyRing(hash, relay.GetMeta().GetSignature())
	if err != nil || !bytes.Equal(ring[0], keyOf("application").PublicKey()) {
		t.Fatalf("ring %x: %v", ring, err)
	}
	return &relay, &inner, read
}

// read returns what a request asks, as the node behind the supplier would, less what makes it unlike others.
func read(t testing.TB, request []byte) (string, types.Payload) {
	relay, inner, outer := far(t, request)
	if kind := outer.Header.Get("Rpc-Type"); kind != strconv.Itoa(int(protocol.RPCType_RPC_TYPE_JSON_RPC)) {
		t.Errorf("asked as %q", kind)
	}
	address := relay.GetMeta().GetSupplierOperatorAddress()
	if inner.GetMethod() == http.MethodPost {
		return address, types.Payload{JSONRPC: withID(t, inner.GetBody(), "1")}
	}
	asked, err := url.Parse(inner.GetUrl())
	if err != nil {
		t.Fatal(err)
	}
	rest := &types.RESTPayload{Method: inner.GetMethod(), Path: strings.TrimPrefix(asked.RequestURI(), "/relay"), Body: inner.GetBody()}
	for _, entry := range inner.GetHeader() {
		if string(entry.GetKey()) != "Content-Type" {
			rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: string(entry.GetKey()), Value: string(entry.GetValue().GetValues()[0])})
		}
	}
	return address, types.Payload{REST: rest}
}

// withID returns JSON-RPC with another id.
func withID(t testing.TB, message []byte, id string) []byte {
	var given struct{ ID json.RawMessage }
	if err := json.Unmarshal(message, &given); err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(message, []byte(`"id":`+string(given.ID)), []byte(`"id":`+id), 1)
}

// answered is what a supplier answers with a payload, whomever the request is addressed to.
func (w *world) answered(t testing.TB, request []byte, servicer *types.Actor, status uint32, payload []byte) *wire.Answer {
	t.Helper()
	relay, inner, _ := far(t, request)
	var asked struct{ ID json.RawMessage }
	if json.Unmarshal(inner.GetBody(), &asked) == nil {
		payload = withID(t, payload, string(asked.ID))
	}
	backend, _ := proto.MarshalOptions{Deterministic: true}.Marshal(&protocol.POKTHTTPResponse{StatusCode: status, Body: payload})
	hash := sha256.Sum256(backend)
	response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: relay.GetMeta().GetSessionHeader()}, Payload: backend, PayloadHash: hash[:]}
	signed, err := response.SignedHash()
	if err != nil {
		t.Fatal(err)
	}
	response.Meta.SupplierOperatorSignature = w.keys[servicer.GetAddress()].Sign(signed[:])
	body, _ := proto.MarshalOptions{Deterministic: true}.Marshal(response)
	return &wire.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/octet-stream"}}, Body: body}
}

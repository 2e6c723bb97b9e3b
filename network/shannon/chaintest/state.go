package chaintest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// State is that of a chain with one application. Node.Serve(state.Answer) has a node tell it.
type State struct {
	mu sync.Mutex
	// Blocks of a session, and the application's MinStake.
	Blocks   int64
	MinStake string
	// Application is nil for one that is not staked. Its sessions have all Suppliers.
	Application *protocol.Application
	Suppliers   []*protocol.Supplier
	// Units are the compute units of a relay by service.
	Units map[string]uint64
	// Keyless accounts have no key on the chain.
	Keyless map[string]bool

	keys map[string]*protocol.PrivateKey
}

// Paths of ABCI queries.
const (
	pathSession           = "/pocket.session.Query/GetSession"
	pathApplication       = "/pocket.application.Query/Application"
	pathApplicationParams = "/pocket.application.Query/Params"
	pathService           = "/pocket.service.Query/Service"
	pathSharedParams      = "/pocket.shared.Query/Params"
	pathTokenomicsParams  = "/pocket.tokenomics.Query/Params"
	pathAccount           = "/cosmos.auth.v1beta1.Query/Account"
)

// Key returns the key of a name, always the same.
func Key(name string) *protocol.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	key, err := protocol.NewPrivateKey(seed[:])
	if err != nil {
		panic(err)
	}
	return key
}

// Upokt returns an amount.
func Upokt(amount string) *protocol.Coin { return &protocol.Coin{Denom: "upokt", Amount: amount} }

// NewState returns a chain whose account "application" is staked for a service and delegates to "gateway". A relay costs 10
// compute units at 2 uPOKT, and 10 % of that: 22 uPOKT. There is no supplier yet.
func NewState(service string) *State {
	s := &State{Blocks: 10, MinStake: "1000000", Units: map[string]uint64{service: 10}, Keyless: make(map[string]bool), keys: make(map[string]*protocol.PrivateKey)}
	s.Application = &protocol.Application{Address: s.Account("application"), Stake: Upokt("100000000"), DelegateeGatewayAddresses: []string{s.Account("gateway")},
		ServiceConfigs: []*protocol.ApplicationServiceConfig{{ServiceId: service}}}
	return s
}

// Account has a name's account be on the chain, and returns its address.
func (s *State) Account(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := Key(name)
	s.keys[key.Address()] = key
	return key.Address()
}

// AddSupplier stakes a name for the application's service, with an owner and a URL, and returns its address.
func (s *State) AddSupplier(name, owner, url string) string {
	address, of := s.Account(name), s.Account(owner)
	s.Change(func() {
		service := s.Application.GetServiceConfigs()[0].GetServiceId()
		s.Suppliers = append(s.Suppliers, &protocol.Supplier{OperatorAddress: address, OwnerAddress: of, Stake: Upokt("60000000"),
			Services: []*protocol.SupplierServiceConfig{{ServiceId: service, Endpoints: []*protocol.SupplierEndpoint{{Url: url, RpcType: protocol.RPCType_RPC_TYPE_JSON_RPC}}}}})
	})
	return address
}

// Change changes the state between two queries.
func (s *State) Change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Answer answers an ABCI query.
func (s *State) Answer(path string, data []byte, height int64) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, refusal := s.find(path, data, height)
	if answer == nil {
		return refusal
	}
	value, err := proto.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return Answer{Value: value}
}

// Refusals as cosmos-sdk words them.
var (
	refused  = Answer{Code: 18, Codespace: "sdk", Log: "invalid request"}
	notFound = Answer{Code: 22, Codespace: "sdk", Log: "not found: key not found"}
)

func (s *State) find(path string, data []byte, height int64) (proto.Message, Answer) {
	switch path {
	case pathSession:
		var asked protocol.QueryGetSessionRequest
		if proto.Unmarshal(data, &asked) != nil || !s.serves(asked.GetApplicationAddress(), asked.GetServiceId()) {
			return nil, refused
		}
		return &protocol.QueryGetSessionResponse{Session: s.session(asked.GetServiceId(), height)}, Answer{}
	case pathApplication:
		var asked protocol.QueryGetApplicationRequest
		if proto.Unmarshal(data, &asked) != nil || s.Application == nil || asked.GetAddress() != s.Application.GetAddress() {
			return nil, notFound
		}
		return &protocol.QueryGetApplicationResponse{Application: s.Application}, Answer{}
	case pathService:
		var asked protocol.QueryGetServiceRequest
		if proto.Unmarshal(data, &asked) != nil || s.Units[asked.GetId()] == 0 {
			return nil, notFound
		}
		return &protocol.QueryGetServiceResponse{Service: &protocol.Service{Id: asked.GetId(), ComputeUnitsPerRelay: s.Units[asked.GetId()]}}, Answer{}
	case pathSharedParams:
		return &protocol.QuerySharedParamsResponse{Params: &protocol.SharedParams{NumBlocksPerSession: uint64(s.Blocks),
			ComputeUnitsToTokensMultiplier: 2_000_000, ComputeUnitCostGranularity: 1_000_000}}, Answer{}
	case pathTokenomicsParams:
		return &protocol.QueryTokenomicsParamsResponse{Params: &protocol.TokenomicsParams{GlobalInflationPerClaim: 0.1}}, Answer{}
	case pathApplicationParams:
		return &protocol.QueryApplicationParamsResponse{Params: &protocol.ApplicationParams{MinStake: Upokt(s.MinStake)}}, Answer{}
	case pathAccount:
		var asked protocol.QueryAccountRequest
		if proto.Unmarshal(data, &asked) != nil || s.keys[asked.GetAddress()] == nil {
			return nil, notFound
		}
		return s.account(asked.GetAddress()), Answer{}
	}
	return nil, Answer{Code: 6, Codespace: "sdk", Log: "unknown query path"}
}

func (s *State) serves(application, service string) bool {
	return s.Application != nil && application == s.Application.GetAddress() && len(s.Suppliers) > 0 &&
		slices.ContainsFunc(s.Application.GetServiceConfigs(), func(c *protocol.ApplicationServiceConfig) bool { return c.GetServiceId() == service })
}

func (s *State) session(service string, height int64) *protocol.Session {
	start := (height-1)/s.Blocks*s.Blocks + 1
	id := sha256.Sum256([]byte(service))
	id[0] = byte(start)
	header := &protocol.SessionHeader{ApplicationAddress: s.Application.GetAddress(), ServiceId: service, SessionId: hex.EncodeToString(id[:]),
		SessionStartBlockHeight: start, SessionEndBlockHeight: start + s.Blocks - 1}
	return &protocol.Session{Header: header, SessionId: header.GetSessionId(), NumBlocksPerSession: s.Blocks, Application: s.Application, Suppliers: s.Suppliers}
}

func (s *State) account(address string) proto.Message {
	base := &protocol.BaseAccount{Address: address}
	if !s.Keyless[address] {
		key, _ := proto.Marshal(&protocol.Secp256K1PubKey{Key: s.keys[address].PublicKey()})
		base.PubKey = &anypb.Any{TypeUrl: "/cosmos.crypto.secp256k1.PubKey", Value: key}
	}
	value, _ := proto.Marshal(base)
	return &protocol.QueryAccountResponse{Account: &anypb.Any{TypeUrl: "/cosmos.auth.v1beta1.BaseAccount", Value: value}}
}

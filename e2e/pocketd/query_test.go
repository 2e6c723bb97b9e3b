package pocketd

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// TestQueries holds what network/shannon/chain reads of a real full node against what its REST API says.
func TestQueries(t *testing.T) {
	t.Parallel()
	ctx, network := start(t, Options{Suppliers: []SupplierOptions{{Fault: Down}, {Fault: Down, Owner: "fleet"}, {Fault: Down, Owner: "fleet", Keyless: true}}})
	client, err := chain.New(chain.Config{RPC: []string{network.RPC()}})
	if err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	run.Go(func() { client.Run(following) })
	defer run.Wait()
	defer stop()

	heads, cancel := client.Subscribe()
	defer cancel()
	for seen, last := 0, int64(0); seen < 3; seen++ {
		select {
		case head := <-heads:
			if head.Height <= last {
				t.Errorf("head %d after %d", head.Height, last)
			}
			last = head.Height
		case <-ctx.Done():
			t.Fatal("no heads")
		}
	}
	if client.ChainID() != ChainID {
		t.Errorf("chain %q", client.ChainID())
	}
	if err := network.await(ctx, "heads by WebSocket", func(context.Context) (bool, error) {
		state := client.Endpoints()[0]
		return state.Listening, state.Err
	}); err != nil {
		t.Error(err)
	}
	told, err := network.Session(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	q := querier{t: t, client: client, height: told.Start}
	q.session(ctx, network, told)
	q.parameters(ctx, network, told)
	q.accounts(ctx, network)
	q.failures(ctx, network)
}

// querier asks a node about one height.
type querier struct {
	t      *testing.T
	client *chain.Client
	height int64
}

// ask asks and keeps the answer as a vector.
func (q querier) ask(ctx context.Context, path string, request, into proto.Message) {
	q.t.Helper()
	data, err := proto.Marshal(request)
	if err != nil {
		q.t.Fatal(err)
	}
	answer, err := q.client.Query(ctx, path, data, q.height)
	if err != nil {
		q.t.Fatalf("%s: %v", path, err)
	}
	if err := proto.Unmarshal(answer, into); err != nil {
		q.t.Fatalf("%s: %v", path, err)
	}
	keepFile(q.t, filepath.Join("queries", strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")), answer)
}

func (q querier) session(ctx context.Context, network *Network, told Session) {
	q.t.Helper()
	var answer protocol.QueryGetSessionResponse
	q.ask(ctx, "/pocket.session.Query/GetSession", &protocol.QueryGetSessionRequest{
		ApplicationAddress: network.Application(), ServiceId: network.Service(), BlockHeight: told.Start}, &answer)
	header := answer.GetSession().GetHeader()
	if header.GetSessionId() != told.ID || header.GetSessionStartBlockHeight() != told.Start || header.GetSessionEndBlockHeight() != told.End ||
		header.GetApplicationAddress() != network.Application() || header.GetServiceId() != network.Service() {
		q.t.Errorf("the header is %v, the session %+v", header, told)
	}
	if ring := protocol.RingAddresses(answer.GetSession().GetApplication(), told.End); !slices.Equal(ring, []string{network.Application(), network.Gateway()}) {
		q.t.Errorf("the ring is of %q", ring)
	}
	staked := answer.GetSession().GetSuppliers()
	if len(staked) != len(network.Suppliers()) {
		q.t.Errorf("%d suppliers", len(staked))
	}
	for _, supplier := range network.Suppliers() {
		if !slices.ContainsFunc(staked, func(s *protocol.Supplier) bool {
			endpoint := s.GetServices()[0].GetEndpoints()[0]
			return s.GetOperatorAddress() == supplier.Address && s.GetOwnerAddress() == supplier.Owner && endpoint.GetUrl() == supplier.URL &&
				endpoint.GetRpcType() == protocol.RPCType_RPC_TYPE_JSON_RPC && s.GetStake().GetAmount() == "1000000000"
		}) {
			q.t.Errorf("%+v is not in %v", supplier, staked)
		}
	}
}

func (q querier) parameters(ctx context.Context, network *Network, told Session) {
	q.t.Helper()
	var shared protocol.QuerySharedParamsResponse
	q.ask(ctx, "/pocket.shared.Query/Params", &protocol.QueryParamsRequest{}, &shared)
	grid, err := protocol.GridOf(shared.GetParams())
	if err != nil || grid.Start(told.End) != told.Start || grid.End(told.Start) != told.End || grid.GraceEnd(told.End) != told.End+4 {
		q.t.Errorf("the grid is %+v, %v", grid, err)
	}
	var session protocol.QuerySessionParamsResponse
	q.ask(ctx, "/pocket.session.Query/Params", &protocol.QueryParamsRequest{}, &session)
	var application protocol.QueryApplicationParamsResponse
	q.ask(ctx, "/pocket.application.Query/Params", &protocol.QueryParamsRequest{}, &application)
	if session.GetParams().GetNumSuppliersPerSession() != maxSuppliers || application.GetParams().GetMinStake().GetAmount() != "1000000" {
		q.t.Errorf("%v %v", session.GetParams(), application.GetParams())
	}
	var tokenomics protocol.QueryTokenomicsParamsResponse
	q.ask(ctx, "/pocket.tokenomics.Query/Params", &protocol.QueryParamsRequest{}, &tokenomics)
	var service protocol.QueryGetServiceResponse
	q.ask(ctx, "/pocket.service.Query/Service", &protocol.QueryGetServiceRequest{Id: network.Service()}, &service)
	// 100 compute units at 42 upokt each, and a tenth more.
	price, err := protocol.RelayPrice(service.GetService().GetComputeUnitsPerRelay(), shared.GetParams(), tokenomics.GetParams())
	if err != nil || price != 4620 {
		q.t.Errorf("a relay costs %d upokt, %v", price, err)
	}
}

func (q querier) accounts(ctx context.Context, network *Network) {
	q.t.Helper()
	for i, supplier := range network.Suppliers() {
		want, err := network.PublicKey(ctx, supplier.Address)
		if err != nil {
			q.t.Fatal(err)
		}
		var answer protocol.QueryAccountResponse
		q.ask(ctx, "/cosmos.auth.v1beta1.Query/Account", &protocol.QueryAccountRequest{Address: supplier.Address}, &answer)
		var account protocol.BaseAccount
		var key protocol.Secp256K1PubKey
		if err := errors.Join(proto.Unmarshal(answer.GetAccount().GetValue(), &account), proto.Unmarshal(account.GetPubKey().GetValue(), &key)); err != nil {
			q.t.Fatal(err)
		}
		if !bytes.Equal(key.GetKey(), want) || (want == nil) != supplier.options.Keyless {
			q.t.Errorf("supplier %d has the key %x, REST says %x", i+1, key.GetKey(), want)
		}
	}
	var application protocol.QueryGetApplicationResponse
	q.ask(ctx, "/pocket.application.Query/Application", &protocol.QueryGetApplicationRequest{Address: network.Application()}, &application)
	if application.GetApplication().GetStake().GetAmount() != "1000000000" {
		q.t.Errorf("the application is %v", application.GetApplication())
	}
}

// failures asks for what is not there.
func (q querier) failures(ctx context.Context, network *Network) {
	q.t.Helper()
	now, err := network.Height(ctx)
	if err != nil {
		q.t.Fatal(err)
	}
	stranger, owner := network.Gateway(), network.Application()
	for _, test := range []struct {
		name    string
		path    string
		request proto.Message
		height  int64
		want    error
	}{
		{"a session of nobody", "/pocket.session.Query/GetSession", &protocol.QueryGetSessionRequest{ApplicationAddress: stranger, ServiceId: network.Service()}, 0, chain.ErrRefused},
		{"a session of another service", "/pocket.session.Query/GetSession", &protocol.QueryGetSessionRequest{ApplicationAddress: owner, ServiceId: "eth"}, 0, chain.ErrRefused},
		{"a session to come", "/pocket.session.Query/GetSession", &protocol.QueryGetSessionRequest{ApplicationAddress: owner, ServiceId: network.Service(), BlockHeight: now + 1000}, 0, chain.ErrRefused},
		{"a state to come", "/pocket.shared.Query/Params", &protocol.QueryParamsRequest{}, now + 1000, chain.ErrNotSynced},
		{"no such application", "/pocket.application.Query/Application", &protocol.QueryGetApplicationRequest{Address: stranger}, 0, chain.ErrNotFound},
		{"no such service", "/pocket.service.Query/Service", &protocol.QueryGetServiceRequest{Id: "eth"}, 0, chain.ErrNotFound},
		{"no such account", "/cosmos.auth.v1beta1.Query/Account", &protocol.QueryAccountRequest{Address: strangerAddress(q.t)}, 0, chain.ErrNotFound},
		{"no such query", "/pocket.shared.Query/Nothing", &protocol.QueryParamsRequest{}, 0, chain.ErrRefused},
	} {
		data, err := proto.Marshal(test.request)
		if err != nil {
			q.t.Fatal(err)
		}
		_, err = q.client.Query(ctx, test.path, data, test.height)
		q.t.Logf("%s: %v", test.name, err)
		if !errors.Is(err, test.want) {
			q.t.Errorf("%s: want %v", test.name, test.want)
		}
	}
}

func strangerAddress(t *testing.T) string {
	t.Helper()
	key, err := protocol.NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key.Address()
}

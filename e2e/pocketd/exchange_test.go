package pocketd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// record names the directory that the answers of real software are written to, as vectors: network/shannon/protocol/testdata.
var record = flag.String("record", "", "write the answers of RelayMiners and of a full node into `directory`")

// exchangeTimeout bounds one relay: a RelayMiner gives up on its backend after ten seconds at most.
const exchangeTimeout = time.Minute

// gateway seals relays for the application of a network, as a gateway does.
type gateway struct {
	network *Network
	signer  *protocol.Signer
}

func newGateway(t *testing.T, network *Network) gateway {
	t.Helper()
	key, application := parseKey(t, network.GatewayKey()), parseKey(t, network.ApplicationKey())
	if key.Address() != network.Gateway() || application.Address() != network.Application() {
		t.Fatal("the keys that pocketd exports are of other addresses")
	}
	return gateway{network, newSigner(t, key, application.PublicKey(), key.PublicKey())}
}

func parseKey(t *testing.T, digits string) *protocol.PrivateKey {
	t.Helper()
	key, err := protocol.ParsePrivateKey(digits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSigner(t *testing.T, key *protocol.PrivateKey, ring ...[]byte) *protocol.Signer {
	t.Helper()
	signer, err := protocol.NewSigner(key, ring)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// header returns that of the session of a height, 0 for the running one.
func (g gateway) header(ctx context.Context, t *testing.T, height int64) *protocol.SessionHeader {
	t.Helper()
	session, err := g.network.Session(ctx, height)
	if err != nil {
		t.Fatal(err)
	}
	return &protocol.SessionHeader{ApplicationAddress: g.network.Application(), ServiceId: g.network.Service(),
		SessionId: session.ID, SessionStartBlockHeight: session.Start, SessionEndBlockHeight: session.End}
}

func (g gateway) target(ctx context.Context, t *testing.T, s *Supplier) protocol.Target {
	t.Helper()
	key, err := g.network.PublicKey(ctx, s.Address)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Target{Address: s.Address, PublicKey: key, URL: s.URL, RPCType: protocol.RPCType_RPC_TYPE_JSON_RPC}
}

// seal seals the question for a supplier, in the session of a height, 0 for the running one.
func (g gateway) seal(ctx context.Context, t *testing.T, s *Supplier, height int64) *protocol.Request {
	t.Helper()
	return g.sealPayload(ctx, t, s, height, question)
}

func (g gateway) sealPayload(ctx context.Context, t *testing.T, s *Supplier, height int64, payload types.Payload) *protocol.Request {
	t.Helper()
	request, err := protocol.Seal(g.signer, g.header(ctx, t, height), g.target(ctx, t, s), payload)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// ask sends a sealed request and returns what came back.
func ask(ctx context.Context, t *testing.T, s *Supplier, request *protocol.Request) *wire.Answer {
	t.Helper()
	return send(ctx, t, s, request.Wire())
}

// send writes a whole HTTP request and reads the response.
func send(ctx context.Context, t *testing.T, s *Supplier, request []byte) *wire.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	staked, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", staked.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, queryBytes))
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Answer{Status: response.StatusCode, Header: response.Header, Body: body}
}

// post returns the HTTP request that carries a body that no honest gateway would send.
func post(t *testing.T, s *Supplier, body []byte) []byte {
	t.Helper()
	request, err := wire.Request(http.MethodPost, s.URL, http.Header{"Content-Type": {"application/json"}, "Rpc-Type": {"3"}}, body)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// vector is an answer of a real RelayMiner, as network/shannon/protocol has it in its testdata.
type vector struct {
	// Miner is the software that answered, and Eager whether it checks requests before it serves them.
	Miner string
	Eager bool
	// Supplier is whom the request is addressed to, and PublicKey that of its account; none if it had none on chain.
	Supplier  string
	PublicKey []byte `json:",omitempty"`
	// Request is the marshalled RelayRequest.
	Request []byte
	// Status, ContentType and Body are of the HTTP response.
	Status      int
	ContentType string
	Body        []byte
}

// keep writes an answer as a vector if the test was told to record them.
func (g gateway) keep(ctx context.Context, t *testing.T, name string, s *Supplier, request []byte, answer *wire.Answer) {
	t.Helper()
	if *record == "" {
		return
	}
	data, err := json.MarshalIndent(vector{
		Miner: "poktroll v0.1.35", Eager: s.options.Eager, Supplier: s.Address, PublicKey: g.target(ctx, t, s).PublicKey,
		Request: request, Status: answer.Status, ContentType: answer.ContentType(), Body: answer.Body}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	keepFile(t, filepath.Join("miners", name+".json"), append(bytes.TrimSpace(data), '\n'))
}

// keepFile writes a file of vectors if the test was told to record them.
func keepFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if *record == "" {
		return
	}
	path := filepath.Join(*record, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

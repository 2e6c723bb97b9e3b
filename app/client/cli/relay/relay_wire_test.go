package relay

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// recorder keeps what is read from the connections of a listener.
type recorder struct {
	mu   sync.Mutex
	read bytes.Buffer
}

func (r *recorder) listen(listener net.Listener) net.Listener { return recording{listener, r} }

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.read.Bytes())
}

type recording struct {
	net.Listener
	into *recorder
}

func (l recording) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return recorded{conn, l.into}, nil
}

type recorded struct {
	net.Conn
	into *recorder
}

func (c recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.into.mu.Lock()
	defer c.into.mu.Unlock()
	c.into.read.Write(p[:n])
	return n, err
}

// blank overwrites in a request what has to differ: nonce, time, signature and signer.
func blank(t *testing.T, wire []byte) []byte {
	t.Helper()
	_, envelope, found := bytes.Cut(wire, []byte("\r\n\r\n"))
	if !found {
		t.Fatalf("%q is not an HTTP request", wire)
	}
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		t.Fatal(err)
	}
	var outer types.Envelope
	if err := proto.Unmarshal(envelope, &outer); err != nil {
		t.Fatal(err)
	}
	wire = bytes.Clone(wire)
	for _, field := range [][]byte{
		opened.Request.GetNonce(), protowire.AppendVarint(nil, uint64(opened.Request.GetClientTimeUnixNano())),
		outer.GetSignature().GetValue(), outer.GetSignature().GetPublicKey(),
	} {
		if bytes.Count(wire, field) != 1 {
			t.Fatalf("%x is %d times in the request", field, bytes.Count(wire, field))
		}
		wire = bytes.Replace(wire, field, bytes.Repeat([]byte("-"), len(field)), 1)
	}
	return wire
}

// A check and an application's relay of the same payload differ in nonce, time, signature and signer, and in no other
// byte, the HTTP header included.
func TestAChecksBytesAreThoseOfARelay(t *testing.T) {
	fishermanKey := localnet.Key(7, types.ActorType_ACTOR_TYPE_FISHERMAN, 0)
	for name, catalogue := range map[string]question.Catalogue{
		"cometbft": question.CometBFT(), "evm": question.EVM(2), "cometbft-uri": question.CometBFTURI(), "cosmos": question.Cosmos(),
	} {
		for check := range uint32(8) {
			t.Run(fmt.Sprint(name, check), func(t *testing.T) {
				seed := [32]byte{byte(check)}
				asked, err := catalogue.Draw(seed, catalogue.Client(seed, check), 1000, nil)
				if err != nil {
					t.Fatal(err)
				}
				network := newFakeNetwork(sealed(servicerKey, unchanged))
				args := []string{"relay", "--node", network.start(t), "--application", applicationKey.Address(), "--servicer", servicerKey.Address(),
					"--chain", "0001"}
				if rest := asked.Payload.REST; rest != nil {
					args = append(args, "--path", rest.GetPath())
					for _, header := range rest.GetHeaders() {
						args = append(args, "--header", header.GetName()+": "+header.GetValue())
					}
				} else {
					args = append(args, "--payload", string(asked.Payload.JSONRPC))
				}
				if code, _, stderr := commandtest.Pocket(t, New, args...); code != command.ExitOK {
					t.Fatalf("exit code %d, stderr %q", code, stderr)
				}
				session := &types.Session{Header: network.opened().Request.GetSession()}
				servicer := &types.Actor{Address: servicerKey.Address(), PublicKey: servicerKey.PublicKeyHex(), ServiceUrl: network.serviceURL}
				sealed, err := (&pocket.Asker{Key: fishermanKey, Now: time.Now}).Ask(session, servicer, asked.Payload)
				if err != nil {
					t.Fatal(err)
				}
				if relayed, checked := blank(t, network.wire.bytes()), blank(t, sealed.Wire()); !bytes.Equal(relayed, checked) {
					t.Errorf("relay %q\ncheck %q", relayed, checked)
				}
			})
		}
	}
}

// The HTTP request around a relay is what Go's own client sends, one that does not ask for compression.
func TestARelaysBytesAreThoseOfGosClient(t *testing.T) {
	network := newFakeNetwork(sealed(servicerKey, unchanged))
	if code, _, stderr := commandtest.Pocket(t, New, relayTo(network.start(t))...); code != command.ExitOK {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	relayed := network.wire.bytes()
	_, envelope, _ := bytes.Cut(relayed, []byte("\r\n\r\n"))
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	response, err := client.Post(network.serviceURL+relay.Path, relay.ContentType, bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if sent := network.wire.bytes()[len(relayed):]; !bytes.Equal(sent, relayed) {
		t.Errorf("Go's client sends %q\n'pocket relay' %q", sent, relayed)
	}
}

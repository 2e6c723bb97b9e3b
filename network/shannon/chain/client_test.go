package chain_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns one of some nodes.
func client(t testing.TB, config chain.Config, nodes ...*chaintest.Node) *chain.Client {
	t.Helper()
	for _, node := range nodes {
		config.RPC = append(config.RPC, node.URL)
	}
	made, err := chain.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

// run runs a client until the test is over, and returns its heads.
func run(t testing.TB, c *chain.Client) <-chan types.Head {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	heads, unsubscribe := c.Subscribe()
	t.Cleanup(func() { unsubscribe(); cancel(); <-done })
	return heads
}

// reaches waits for a head at a height.
func reaches(t testing.TB, heads <-chan types.Head, height int64) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case head := <-heads:
			if head.Height == height {
				return
			}
			if head.Height > height {
				t.Fatalf("head %d, waiting for %d", head.Height, height)
			}
		case <-timeout:
			t.Fatalf("waited in vain for head %d", height)
		}
	}
}

// patient polls so seldom that heads have to come by WebSocket.
var patient = chain.Config{Poll: time.Hour}

func TestHeadsKeepTheContract(t *testing.T) {
	networktest.RunHeads(t, func(t *testing.T) (fisherman.Heads, func(types.Head)) {
		c := client(t, chain.Config{}, chaintest.New(t, "pocket", 1))
		return c, c.Publish
	})
}

func TestHeadsComeByWebSocket(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	heads := run(t, client(t, patient, node))
	reaches(t, heads, 100)
	node.Until(t, "it is listened to", func() bool { return node.Listeners() == 1 })
	for height := int64(101); height < 110; height++ {
		node.Advance(1)
		reaches(t, heads, height)
	}
	node.Claim(50)
	node.Claim(109)
	node.Claim(110)
	reaches(t, heads, 110)
}

func TestHeadsAreAskedForWithoutAWebSocket(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	node.Break(chaintest.Faults{NoSocket: true})
	heads := run(t, client(t, chain.Config{Poll: time.Millisecond}, node))
	reaches(t, heads, 100)
	node.Advance(1)
	reaches(t, heads, 101)
}

func TestAWebSocketThatBreaksIsMadeAnew(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	heads := run(t, client(t, patient, node))
	for round := range int64(2) {
		node.Until(t, "it is listened to", func() bool { return node.Listeners() == 1 })
		node.Advance(1)
		reaches(t, heads, 101+round)
		node.HangUp()
		node.Until(t, "nobody listens", func() bool {
			return node.Asked("websocket") == int(round)+1 && node.Listeners() == 0 || node.Asked("websocket") > int(round)+1
		})
	}
}

func TestAWebSocketOfNonsenseIsNoEnd(t *testing.T) {
	for name, event := range map[string]string{
		"no JSON": "x", "an error": `{"error":{"code":-1,"message":"\u001b[2J"}}`, "no height": `{"result":{"data":{"value":{"header":{"chain_id":"pocket"}}}}}`,
		"below 0": `{"result":{"data":{"value":{"header":{"chain_id":"pocket","height":"-5"}}}}}`, "another chain": `{"result":{"data":{"value":{"header":{"chain_id":"x","height":"101"}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			node := chaintest.New(t, "pocket", 100)
			node.Break(chaintest.Faults{Event: []byte(event)})
			heads := run(t, client(t, chain.Config{Poll: time.Millisecond}, node))
			node.Until(t, "it is listened to", func() bool { return node.Listeners() == 1 })
			node.Claim(101) // nonsense is sent
			node.Break(chaintest.Faults{NoSocket: true})
			node.HangUp()
			node.Advance(1)
			reaches(t, heads, 102)
		})
	}
}

func TestAnEndpointTakesOverFromAnother(t *testing.T) {
	first, second := chaintest.New(t, "pocket", 100), chaintest.New(t, "pocket", 100)
	c := client(t, chain.Config{Poll: time.Millisecond}, first, second)
	heads := run(t, c)
	reaches(t, heads, 100)
	first.Break(chaintest.Faults{Down: true})
	first.HangUp()
	first.Until(t, "it is found down", func() bool { return c.Endpoints()[0].Err != nil })
	second.Break(chaintest.Faults{NoSocket: true})
	second.HangUp()
	second.Advance(5)
	reaches(t, heads, 105)
	if states := c.Endpoints(); !errors.Is(states[0].Err, chain.ErrUnreachable) || states[1].Err != nil || states[1].Height != 105 {
		t.Errorf("states: %+v", states)
	}
}

func TestALiarOfSeveralMovesNothing(t *testing.T) {
	liar, honest := chaintest.New(t, "pocket", 100), chaintest.New(t, "pocket", 100)
	liar.Break(chaintest.Faults{NoSocket: true})
	heads := run(t, client(t, chain.Config{Poll: time.Millisecond}, liar, honest))
	reaches(t, heads, 100)
	asked := honest.Asked("status")
	liar.Claim(1 << 60)
	honest.Until(t, "it is asked about the lie", func() bool { return honest.Asked("status") > asked })
	honest.Claim(101)
	reaches(t, heads, 101)
	liar.Claim(3)
	honest.Claim(102)
	reaches(t, heads, 102)
}

func TestQuery(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	node.Serve(func(path string, data []byte, height int64) chaintest.Answer {
		switch path {
		case "/missing":
			return chaintest.Answer{Code: 22, Codespace: "sdk", Log: "account not found"}
		case "/refused":
			return chaintest.Answer{Code: 22, Codespace: "other", Log: "no\x1b[2J"}
		}
		return chaintest.Answer{Value: fmt.Appendf(nil, "%s %x %d", path, data, height)}
	})
	c := client(t, chain.Config{}, node)
	value, err := c.Query(t.Context(), "/a", []byte{1, 2}, 99)
	if err != nil || string(value) != "/a 0102 99" {
		t.Errorf("%q, %v", value, err)
	}
	for path, want := range map[string]error{"/missing": chain.ErrNotFound, "/refused": chain.ErrRefused} {
		_, err := c.Query(t.Context(), path, nil, 0)
		if !errors.Is(err, want) || text.Printable(err.Error()) != err.Error() {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := c.Query(t.Context(), "/a", nil, 101); !errors.Is(err, chain.ErrNotSynced) {
		t.Errorf("of a height to come: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Query(ctx, "/a", nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

func TestQueryOfFaultyNodes(t *testing.T) {
	for name, test := range map[string]struct {
		faults chaintest.Faults
		want   error
	}{
		"down":           {chaintest.Faults{Down: true}, chain.ErrUnreachable},
		"sleepy":         {chaintest.Faults{Sleepy: true}, chain.ErrUnreachable},
		"catching up":    {chaintest.Faults{CatchingUp: true}, chain.ErrNotSynced},
		"not JSON":       {chaintest.Faults{Raw: []byte("<html>")}, chain.ErrMalformed},
		"empty":          {chaintest.Faults{Raw: []byte("{}")}, chain.ErrMalformed},
		"another method": {chaintest.Faults{Raw: []byte(`{"result":{"x":1}}`)}, chain.ErrMalformed},
		"limited":        {chaintest.Faults{Raw: []byte("slow down"), Status: http.StatusTooManyRequests}, chain.ErrUnreachable},
		"elsewhere":      {chaintest.Faults{Status: http.StatusFound}, chain.ErrUnreachable},
		"an error":       {chaintest.Faults{Raw: []byte(`{"error":{"code":-32603,"message":"Internal\u001b[2J"}}`)}, chain.ErrUnreachable},
		"huge":           {chaintest.Faults{Raw: bytes.Repeat([]byte("x"), 5<<20)}, chain.ErrMalformed},
		"deep":           {chaintest.Faults{Raw: bytes.Repeat([]byte("["), 1<<20)}, chain.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			faulty, honest := chaintest.New(t, "pocket", 100), chaintest.New(t, "pocket", 100)
			faulty.Break(test.faults)
			honest.Serve(func(string, []byte, int64) chaintest.Answer { return chaintest.Answer{Value: []byte("here")} })
			config := chain.Config{}
			if test.faults.Sleepy {
				config.Timeout = 50 * time.Millisecond
			}
			_, err := client(t, config, faulty).Query(t.Context(), "/a", nil, 0)
			if !errors.Is(err, test.want) || text.Printable(err.Error()) != err.Error() {
				t.Errorf("alone: %v", err)
			}
			if strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("it says the address: %v", err)
			}
			if _, err := client(t, config, faulty, faulty).Query(t.Context(), "/a", nil, 0); !errors.Is(err, test.want) || text.Printable(err.Error()) != err.Error() {
				t.Errorf("twice: %v", err)
			}
			config.Timeout = 0
			if test.faults.Sleepy {
				config.Timeout = time.Second
			}
			if value, err := client(t, config, faulty, honest).Query(t.Context(), "/a", nil, 0); err != nil || string(value) != "here" {
				t.Errorf("with another: %q, %v", value, err)
			}
		})
	}
}

func TestStateOfAnotherHeightIsNoAnswer(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	node.Serve(func(string, []byte, int64) chaintest.Answer { return chaintest.Answer{Value: []byte("old")} })
	node.Break(chaintest.Faults{AtHeight: 7})
	if _, err := client(t, chain.Config{}, node).Query(t.Context(), "/a", nil, 90); !errors.Is(err, chain.ErrMalformed) {
		t.Error(err)
	}
}

func TestANodeOfAnotherChainIsNotAsked(t *testing.T) {
	first, second, other := chaintest.New(t, "pocket", 100), chaintest.New(t, "pocket", 100), chaintest.New(t, "elsewhere", 900)
	c := client(t, chain.Config{}, other, first, second)
	height, err := c.Sync(t.Context())
	if err != nil || height != 100 || c.ChainID() != "pocket" {
		t.Fatalf("%d of %q, %v", height, c.ChainID(), err)
	}
	if _, err := c.Query(t.Context(), "/a", nil, 0); !errors.Is(err, chain.ErrRefused) || other.Asked("abci_query") > 0 {
		t.Errorf("%v; the other was asked %d times", err, other.Asked("abci_query"))
	}
	if _, err := client(t, chain.Config{ChainID: "pocket"}, other).Sync(t.Context()); !errors.Is(err, chain.ErrOtherChain) {
		t.Errorf("of another chain than configured: %v", err)
	}
}

func TestSyncOfANodeThatCatchesUp(t *testing.T) {
	node := chaintest.New(t, "pocket", 100)
	node.Break(chaintest.Faults{CatchingUp: true})
	if height, err := client(t, chain.Config{}, node).Sync(t.Context()); !errors.Is(err, chain.ErrNotSynced) || height != 0 {
		t.Errorf("%d, %v", height, err)
	}
}

// URLs hold keys of the user's.
func TestNoTextShowsAnEndpoint(t *testing.T) {
	const secret = "s3cr3t"
	for _, raw := range []string{"", "node", "ftp://h/" + secret, "http://" + secret + "@", "http://[::1/" + secret, "http://h:x" + secret, "http://h/%zz" + secret, "http://h#" + secret} {
		if _, err := chain.New(chain.Config{RPC: []string{raw}}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	c, err := chain.New(chain.Config{RPC: []string{"http://user:" + secret + "@127.0.0.1:1/" + secret + "?key=" + secret, "https://" + secret + ".invalid/"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Query(t.Context(), "/a", nil, 0)
	if !errors.Is(err, chain.ErrUnreachable) || strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
	if _, err := chain.New(chain.Config{}); err == nil {
		t.Error("a client without an endpoint")
	}
}

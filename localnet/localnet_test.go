package localnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// quick returns options of a network with every fault that makes blocks as fast as possible.
func quick() Options {
	o := DefaultOptions()
	o.Servicers, o.BlockTime, o.RPCListen = 4, 50*time.Millisecond, anyPort
	return o
}

// started runs a LocalNet; the returned function stops it and checks that it stops in time.
func started(t *testing.T, o Options) (*LocalNet, func()) {
	t.Helper()
	l, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run() = %v, want nil at the context's end", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("Run() does not return within 5 s")
		}
	}
	t.Cleanup(stop)
	return l, stop
}

// ask asks a CometBFT node, without keeping the connection.
func ask(t *testing.T, url, method, params string, result any) error {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	body := strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params))
	response, err := client.Post(url, "application/json", body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return fmt.Errorf("answer is %s", answer.Error)
	}
	return json.Unmarshal(answer.Result, result)
}

// heightOf returns the chain's height.
func heightOf(t *testing.T, l *LocalNet) (int64, error) {
	t.Helper()
	var status struct {
		SyncInfo struct {
			Height int64 `json:"latest_block_height,string"`
		} `json:"sync_info"`
	}
	err := ask(t, l.ChainRPCURL(), "status", "", &status)
	return status.SyncInfo.Height, err
}

// waitForHeight waits until the chain is at a height or beyond, and returns its height. Until the node has started, the
// chain's RPC answers with errors.
func waitForHeight(t *testing.T, l *LocalNet, want int64) int64 {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	timeout := time.After(30 * time.Second)
	for {
		height, err := heightOf(t, l)
		if err == nil && height >= want {
			return height
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("the chain is at height %d, %v; want %d", height, err, want)
		}
	}
}

// checkRefused checks that nothing listens at a URL.
func checkRefused(t *testing.T, what, raw string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial %s at %s = %v, want refused", what, raw, err)
	}
}

func TestLocalNetMakesBlocksAndFaults(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l, stop := started(t, quick())
	waitForHeight(t, l, 2)

	if l.ChainID() != "pocket-localnet-1" {
		t.Errorf("chain id = %q", l.ChainID())
	}
	for _, address := range []string{l.Application(), l.FishermanAddress(), l.Servicers()[3].Address} {
		if _, ok := FindKey(l.ChainID(), address); !ok {
			t.Errorf("no key is known of %s", address)
		}
	}
	for i, want := range []Fault{FaultNone, FaultSlow, FaultDown, FaultLying} {
		if got := l.Servicers()[i].Fault; got != want {
			t.Errorf("servicer %d has fault %q, want %q", i, got, want)
		}
	}
	checkRefused(t, "the servicer that is down", l.Servicers()[2].ServiceURL)
	checkLie(t, l)

	home := l.Home()
	stop()
	checkRefused(t, "RPC", l.RPCURL())
	checkRefused(t, "chain RPC", l.ChainRPCURL())
	for i, servicer := range l.Servicers() {
		checkRefused(t, fmt.Sprintf("servicer %d", i), servicer.ServiceURL)
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary home is still there: %v", err)
	}
}

// checkLie checks that the lying servicer's node answers differently from the chain.
func checkLie(t *testing.T, l *LocalNet) {
	t.Helper()
	var truth, lie map[string]any
	if err := ask(t, l.ChainRPCURL(), "block", `"height":"1"`, &truth); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, httpURL(l.addresses.Servicers[3].Upstream), "block", `"height":"1"`, &lie); err != nil {
		t.Fatal(err)
	}
	if lie[lieField] == nil || truth[lieField] != nil || fmt.Sprint(truth["block_id"]) == fmt.Sprint(lie["block_id"]) {
		t.Errorf("the lie is %v, the truth %v", lie["block_id"], truth["block_id"])
	}
}

func TestKeptHomeContinues(t *testing.T) {
	o := quick()
	o.Home = filepath.Join(t.TempDir(), "home")
	first, stop := started(t, o)
	reached := waitForHeight(t, first, 2)

	if _, err := New(t.Context(), o); !errors.Is(err, ErrHomeInUse) {
		t.Errorf("a second instance: %v, want ErrHomeInUse", err)
	}
	stop()

	other := o
	other.Seed, other.Explicit = 2, Flags{FlagSeed: true}
	if _, err := New(t.Context(), other); !errors.Is(err, ErrRecordedOption) {
		t.Errorf("another seed: %v, want ErrRecordedOption", err)
	}
	// Recorded options override given ones that are not explicit.
	o = DefaultOptions()
	o.Home = first.Home()
	second, _ := started(t, o)
	if second.RPCURL() != first.RPCURL() || second.ChainRPCURL() != first.ChainRPCURL() ||
		fmt.Sprint(second.Servicers()) != fmt.Sprint(first.Servicers()) {
		t.Errorf("the second run has %s, %v; want %s, %v",
			second.RPCURL(), second.Servicers(), first.RPCURL(), first.Servicers())
	}
	// A chain that continues has height 1 at once; a new one would be below.
	if height := waitForHeight(t, second, 1); height < reached {
		t.Errorf("the second run begins at height %d, want %d or more", height, reached)
	}
	waitForHeight(t, second, reached+1)
}

func TestNewThatFailsChangesNothing(t *testing.T) {
	squatter, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   error
	}{
		{"bad option", func(o *Options) { o.Servicers = 0 }, ErrBadOption},
		{"occupied address", func(o *Options) { o.RPCListen = squatter.Addr().String() }, ErrAddressInUse},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			t.Setenv("TMPDIR", parent)
			before := snapshot(t, parent)
			for _, path := range []string{"", filepath.Join(parent, "new", "home")} {
				o := quick()
				o.Home = path
				c.change(&o)
				l, err := New(t.Context(), o)
				if err == nil {
					l.Close()
				}
				if !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("New() at %q = %v, want one line of %v", path, err, c.want)
				}
			}
			after := snapshot(t, parent)
			if len(after) != len(before) {
				t.Errorf("there is %v, want nothing", after)
			}
		})
	}
}

func TestEditedGenesisIsRefused(t *testing.T) {
	o := quick()
	o.Home = t.TempDir()
	l, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
	edit(t, filepath.Join(o.Home, genesisName), `"null_samples_allowed": 2`, `"null_samples_allowed": 10001`)
	before := snapshot(t, o.Home)
	_, err = New(t.Context(), o)
	var field *genesis.FieldError
	if !errors.As(err, &field) || field.Field != "params.qos.null_samples_allowed" {
		t.Errorf("New() = %v, want the field that is wrong", err)
	}
	checkUnchanged(t, o.Home, before)
}

// The servicers of a LocalNet keep a part of the fisherman's own relays, each with both signatures.
func TestServicersKeepVolumeRelays(t *testing.T) {
	o := quick()
	o.Home = filepath.Join(t.TempDir(), "home")
	l, stop := started(t, o)
	waitForHeight(t, l, 3*o.BlocksPerSession)
	stop()
	stores, err := filepath.Glob(filepath.Join(o.Home, "*", "relays"))
	if err != nil || len(stores) != 1 {
		t.Fatalf("relay stores %v, %v", stores, err)
	}
	store, err := local.OpenRelays(stores[0], local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sessions, err := store.Sessions(t.Context(), 100)
	if err != nil || len(sessions) == 0 {
		t.Fatalf("relays of %d sessions, %v", len(sessions), err)
	}
	for _, session := range sessions {
		kept, _, err := store.Relays(t.Context(), session.Header.GetId(), 0, 1000)
		if err != nil || len(kept) == 0 {
			t.Fatalf("%d relays, %v", len(kept), err)
		}
		for _, one := range kept {
			request, err := relay.OpenRequest(one.GetRequest())
			if err != nil || !request.VerifySignature() {
				t.Fatalf("request: %v", err)
			}
			servicer, known := FindKey(l.ChainID(), request.Request.GetServicer())
			if !known {
				t.Fatalf("servicer %s is unknown", request.Request.GetServicer())
			}
			response, err := relay.OpenResponse(one.GetResponse(), relay.Binding{
				RequestHash: request.BodyHash, Servicer: servicer.Address(), PublicKey: servicer.PublicKey(),
			})
			if err != nil || response.GetError() != nil || request.Request.GetSession().GetId() != session.Header.GetId() {
				t.Fatalf("response %v, %v", response, err)
			}
		}
	}
}

package shannon_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// supplierSide serves a supplier's relays; backend answers in JSON-RPC with the id 1.
func (w *world) supplierSide(t testing.TB, address string, backend func() string) string {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var whole bytes.Buffer
		r.URL.Scheme, r.URL.Host = "http", r.Host
		if err := r.Write(&whole); err != nil {
			t.Error(err)
			return
		}
		answer := w.answered(t, whole.Bytes(), &types.Actor{Address: address}, http.StatusOK, []byte(backend()))
		rw.Header().Set("Content-Type", "application/octet-stream")
		rw.Header().Set("Connection", "close") // as RelayMiners do
		rw.Write(answer.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// catalogue asks one thing, whose answer is the same everywhere.
func catalogue(t testing.TB) question.Catalogue {
	t.Helper()
	made := question.EVMValues(question.EVMFinality)
	made.Head, made.Own = nil, true
	return made
}

// A fisherman samples three suppliers over a session: two agree, one is keyless, the money ends before the session does, and
// what was spent is what the suppliers were sent.
func TestAFishermanSamplesSuppliers(t *testing.T) {
	w := newWorld()
	w.blocks = 10
	var mu sync.Mutex
	served := make(map[string]int)
	for i, supplier := range w.suppliers {
		address := supplier.GetOperatorAddress()
		supplier.Services[0].Endpoints[0].Url = w.supplierSide(t, address, func() string {
			mu.Lock()
			defer mu.Unlock()
			served[address]++
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":"0x%d"}`, 10+i/3)
		})
	}
	keyless := w.suppliers[2].GetOperatorAddress()
	w.keyless[keyless] = true
	const paid = 4 // of ten checks of two suppliers
	n, node := w.network(t, func(c *shannon.Config) {
		c.AllowPrivate, c.Spendings = true, filepath.Join(t.TempDir(), "spent")
		c.Groups[0].Checks, c.Groups[0].Spread = 10, schedule.Even
		c.Groups[0].Limits = shannon.Limits{PerSession: paid*2*perRelay + 1}
		c.Groups[0].Chain.Catalogue = catalogue(t)
	})
	node.Claim(1_000_001) // a chain of some length
	store, err := local.OpenSamples(t.TempDir(), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	stored := make(chan *types.QoSRound, 100)
	f, err := fisherman.New(fisherman.Config{BlockInterval: 300 * time.Millisecond, Hooks: fisherman.Hooks{Round: func(o fisherman.Observed) { stored <- o.Round }}}, n, n.Dial, store)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	running.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	blocks := time.NewTicker(300 * time.Millisecond)
	defer blocks.Stop()
	timeout := time.After(time.Minute)
	var rounds []*types.QoSRound
	for len(rounds) < 10 {
		select {
		case <-blocks.C:
			if node.Height() < 1_000_011 {
				node.Advance(1)
			}
		case round := <-stored:
			rounds = append(rounds, round)
		case <-timeout:
			t.Fatalf("only %d rounds", len(rounds))
		}
	}
	state := n.States()[0]
	cancel()
	running.Wait()
	counted := make(map[types.Cause]int)
	sent := 0
	for _, round := range rounds {
		counted[round.Why()]++
		for _, sample := range round.GetSamples() {
			if sample.GetSentUnixNano() > 0 {
				sent++
			}
			if sample.GetServicer() == keyless || round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE && sample.GetOutcome() != types.Outcome_OUTCOME_OK {
				t.Errorf("%v", sample)
			}
		}
	}
	if counted[types.Cause_CAUSE_BUDGET] == 0 || counted[types.Cause_CAUSE_UNSPECIFIED] == 0 || sent == 0 || sent > 2*paid {
		t.Errorf("causes %v, %d requests sent", counted, sent)
	}
	mu.Lock()
	defer mu.Unlock()
	total := 0
	for _, n := range served {
		total += n
	}
	if total != sent || served[keyless] != 0 || state.Spent.Session != uint64(sent*perRelay) {
		t.Errorf("%d were served, %d sent, %d uPOKT spent", total, sent, state.Spent.Session)
	}
}

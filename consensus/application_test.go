package consensus

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

// driver drives an application as CometBFT does, and records what it publishes and how it fails.
type driver struct {
	*application
	t      *testing.T
	heads  []types.Head
	failed []error
}

func drive(t *testing.T, state State) *driver {
	d := &driver{t: t}
	d.application = &application{
		state:   state,
		publish: func(head types.Head) { d.heads = append(d.heads, head) },
		fail:    func(err error) { d.failed = append(d.failed, err) },
	}
	return d
}

func initRequest(t *testing.T) *abci.RequestInitChain {
	appState, err := testGenesis(t, "chain", 2_000_000_000_000, 1_000_000_000_000).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return &abci.RequestInitChain{ChainId: "chain", InitialHeight: 1, AppStateBytes: appState}
}

func (d *driver) initChain() *abci.ResponseInitChain {
	d.t.Helper()
	response, err := d.InitChain(d.t.Context(), initRequest(d.t))
	if err != nil {
		d.t.Fatal(err)
	}
	return response
}

// hashAt returns the block hash of a height in these tests.
func hashAt(height int64) []byte { return bytes.Repeat([]byte{byte(height)}, 32) }

func timeAt(height int64) time.Time { return time.Unix(height, 0).UTC() }

func (d *driver) finalize(height int64) []byte {
	d.t.Helper()
	response, err := d.FinalizeBlock(d.t.Context(), &abci.RequestFinalizeBlock{
		Height: height, Hash: hashAt(height), Time: timeAt(height),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return response.AppHash
}

func (d *driver) commit() {
	d.t.Helper()
	if _, err := d.Commit(d.t.Context(), &abci.RequestCommit{}); err != nil {
		d.t.Fatal(err)
	}
}

// run starts the chain and commits blocks up to a height; it returns the app hash of every height, starting with
// genesis.
func (d *driver) run(height int64) [][]byte {
	d.t.Helper()
	hashes := [][]byte{d.initChain().AppHash}
	for h := int64(1); h <= height; h++ {
		hashes = append(hashes, d.finalize(h))
		d.commit()
	}
	return hashes
}

func (d *driver) info() *abci.ResponseInfo {
	d.t.Helper()
	info, err := d.Info(d.t.Context(), &abci.RequestInfo{})
	if err != nil {
		d.t.Fatal(err)
	}
	return info
}

func TestApplicationCommitsAndPublishes(t *testing.T) {
	d := drive(t, newMemoryState())
	if info := d.info(); info.LastBlockHeight != 0 || info.AppVersion != appVersion {
		t.Errorf("before the chain: %v", info)
	}
	hashes := d.run(3)
	info := d.info()
	if info.LastBlockHeight != 3 || !bytes.Equal(info.LastBlockAppHash, hashes[3]) {
		t.Errorf("info is %v, want height 3 and hash %X", info, hashes[3])
	}
	for i := 1; i < len(hashes); i++ {
		if bytes.Equal(hashes[i-1], hashes[i]) {
			t.Errorf("block %d left the state as it was", i)
		}
	}
	if len(d.heads) != 3 {
		t.Fatalf("%d heads published, want 3", len(d.heads))
	}
	for i, head := range d.heads {
		height := int64(i + 1)
		if head.Height != height || !bytes.Equal(head.BlockHash, hashAt(height)) || !head.Time.Equal(timeAt(height)) {
			t.Errorf("head %d is %+v", i, head)
		}
	}
}

func TestApplicationInitChainDerivesValidators(t *testing.T) {
	response := drive(t, newMemoryState()).initChain()
	power := map[string]int64{}
	for _, update := range response.Validators {
		power[string(update.PubKey.GetEd25519())] = update.Power
	}
	if len(power) != 2 || power[string(key(1).PublicKey())] != 2_000_000 || power[string(key(2).PublicKey())] != 1_000_000 {
		t.Errorf("validators are %v", response.Validators)
	}
}

// TestApplicationIsDeterministic: the same genesis and blocks give the same hashes, whatever happened in between.
func TestApplicationIsDeterministic(t *testing.T) {
	want := drive(t, newMemoryState()).run(3)
	leaveRubbish := func(state *memoryState) {
		if err := state.Set([]byte("rubbish"), []byte("of an unfinished block")); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]func(d *driver, state *memoryState){
		"undisturbed":                     func(*driver, *memoryState) {},
		"ended after InitChain":           func(d *driver, _ *memoryState) { d.initChain() },
		"ended in the middle of genesis":  func(_ *driver, state *memoryState) { leaveRubbish(state) },
		"ended before the first commit":   func(d *driver, _ *memoryState) { d.initChain(); d.finalize(1) },
		"ended amid the first block":      func(d *driver, state *memoryState) { d.initChain(); leaveRubbish(state) },
		"ended twice before first commit": func(d *driver, _ *memoryState) { d.initChain(); d.initChain(); d.finalize(1) },
	}
	for name, disturb := range tests {
		t.Run(name, func(t *testing.T) {
			state := newMemoryState()
			disturb(drive(t, state), state)
			for i, hash := range drive(t, state).run(3) {
				if !bytes.Equal(hash, want[i]) {
					t.Errorf("hash of height %d is %X, want %X", i, hash, want[i])
				}
			}
		})
	}
}

// TestApplicationReplaysUnfinishedBlock ends the process between FinalizeBlock and Commit of a later block.
func TestApplicationReplaysUnfinishedBlock(t *testing.T) {
	want := drive(t, newMemoryState()).run(3)
	state := newMemoryState()
	d := drive(t, state)
	d.run(2)
	d.finalize(3)
	if err := state.Set([]byte("rubbish"), nil); err != nil {
		t.Fatal(err)
	}
	restarted := drive(t, state)
	if got := restarted.info().LastBlockHeight; got != 2 {
		t.Fatalf("restarted at height %d, want 2", got)
	}
	for range 2 {
		if got := restarted.finalize(3); !bytes.Equal(got, want[3]) {
			t.Errorf("replayed block 3 gives hash %X, want %X", got, want[3])
		}
	}
	restarted.commit()
	if len(restarted.heads) != 1 || restarted.heads[0].Height != 3 {
		t.Errorf("heads are %v, want height 3 alone", restarted.heads)
	}
}

// tx seals a transaction of a key.
func tx(t *testing.T, number byte, sequence uint64, change func(*types.Transaction)) []byte {
	t.Helper()
	body := &types.Transaction{ChainId: "chain", Sequence: sequence, FeeUpokt: 10_000}
	change(body)
	raw, err := transaction.Seal(key(number), body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func send(body *types.Transaction) {
	body.Message = &types.Transaction_Send{Send: &types.Send{Recipient: key(3).Address(), AmountUpokt: 7}}
}

func stakeValidator(body *types.Transaction) {
	body.Message = &types.Transaction_Stake{Stake: &types.Stake{Type: types.ActorType_ACTOR_TYPE_VALIDATOR, StakeUpokt: stake}}
}

func raiseValidator(body *types.Transaction) {
	body.Message = &types.Transaction_EditStake{EditStake: &types.EditStake{
		Type: types.ActorType_ACTOR_TYPE_VALIDATOR, StakeUpokt: 2*stake + 1}}
}

func pauseValidator(body *types.Transaction) {
	body.Message = &types.Transaction_Pause{Pause: &types.Pause{Type: types.ActorType_ACTOR_TYPE_VALIDATOR}}
}

func unstakeValidator(body *types.Transaction) {
	body.Message = &types.Transaction_Unstake{Unstake: &types.Unstake{Type: types.ActorType_ACTOR_TYPE_VALIDATOR}}
}

// block finalizes a block of transactions.
func (d *driver) block(height int64, txs ...[]byte) *abci.ResponseFinalizeBlock {
	d.t.Helper()
	response, err := d.FinalizeBlock(d.t.Context(), &abci.RequestFinalizeBlock{
		Height: height, Hash: hashAt(height), Time: timeAt(height), Txs: txs,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return response
}

func TestApplicationRefusesGarbage(t *testing.T) {
	d := drive(t, newMemoryState())
	d.initChain()
	txs := [][]byte{{}, []byte("send me money"), bytes.Repeat([]byte{0xff}, 1<<20)}
	for _, tx := range txs {
		response, err := d.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: tx})
		if err != nil || response.Code == abci.CodeTypeOK || response.Log == "" || response.Codespace != codespace {
			t.Errorf("CheckTx gives %v, %v", response, err)
		}
		inserted, err := d.InsertTx(t.Context(), &abci.RequestInsertTx{Tx: tx})
		if err != nil || inserted.Code == abci.CodeTypeOK {
			t.Errorf("InsertTx gives %v, %v", inserted, err)
		}
	}
	with := d.block(1, txs...)
	if len(with.TxResults) != len(txs) {
		t.Fatalf("%d results", len(with.TxResults))
	}
	for i, result := range with.TxResults {
		if result.Code == abci.CodeTypeOK || result.Log == "" {
			t.Errorf("transaction %d in a block gives %v", i, result)
		}
	}
	if without := d.finalize(1); !bytes.Equal(with.AppHash, without) {
		t.Error("refused transactions changed the state")
	}
}

func TestApplicationRunsTransactions(t *testing.T) {
	d := drive(t, newMemoryState())
	d.run(1)
	first, second := tx(t, 1, 0, send), tx(t, 1, 1, send)
	for _, raw := range [][]byte{first, second} {
		if response, err := d.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: raw}); err != nil || response.Code != abci.CodeTypeOK {
			t.Errorf("CheckTx gives %v, %v", response, err)
		}
	}
	empty := d.finalize(2)
	response := d.block(2, first, second, first)
	for i, want := range []types.TransactionCode{0, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE} {
		if got := response.TxResults[i]; got.Code != uint32(want) || (got.Log == "") != (want == 0) {
			t.Errorf("transaction %d gives %v, want %s", i, got, want.Label())
		}
	}
	if again := d.block(2, first, second, first); bytes.Equal(again.AppHash, empty) || !bytes.Equal(again.AppHash, response.AppHash) {
		t.Error("the same block gives another hash")
	}
	d.commit()
	if account, err := utility.Account(d.state, key(3).Address()); err != nil || account.BalanceUpokt != 100_000*pokt+14 {
		t.Errorf("received %v, %v", account, err)
	}
	replay, err := d.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: first, Type: abci.CheckTxType_Recheck})
	if err != nil || replay.Code != uint32(types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE) {
		t.Errorf("a replay gives %v, %v", replay, err)
	}
}

// check returns the code of a transaction's check.
func (d *driver) check(raw []byte, kind abci.CheckTxType) types.TransactionCode {
	d.t.Helper()
	response, err := d.CheckTx(d.t.Context(), &abci.RequestCheckTx{Tx: raw, Type: kind})
	if err != nil {
		d.t.Fatal(err)
	}
	return types.TransactionCode(response.Code)
}

// A signer cannot fill the mempool with transactions of which only one will ever pay, nor with more than a few.
func TestApplicationBoundsPending(t *testing.T) {
	d := drive(t, newMemoryState())
	d.run(1)
	var txs [][]byte
	for i := range uint64(utility.MostPending) {
		txs = append(txs, tx(t, 1, i, send))
		if code := d.check(txs[i], abci.CheckTxType_New); code != 0 {
			t.Fatalf("transaction %d is refused with %s", i, code.Label())
		}
	}
	dearer := tx(t, 1, 0, func(body *types.Transaction) { send(body); body.FeeUpokt++ })
	more := tx(t, 1, utility.MostPending, send)
	for name, raw := range map[string][]byte{"another with sequence 0": dearer, "one more": more} {
		if code := d.check(raw, abci.CheckTxType_New); code != types.TransactionCode_TRANSACTION_CODE_TOO_MANY_PENDING {
			t.Errorf("%s gives %s", name, code.Label())
		}
	}
	if code := d.check(tx(t, 2, 0, send), abci.CheckTxType_New); code != 0 {
		t.Errorf("another signer's gives %s", code.Label())
	}
	d.block(2, txs[0])
	d.commit()
	for i, raw := range txs {
		want := types.TransactionCode(0)
		if i == 0 {
			want = types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE
		}
		if code := d.check(raw, abci.CheckTxType_Recheck); code != want {
			t.Errorf("after a block transaction %d gives %s", i, code.Label())
		}
	}
	if code := d.check(more, abci.CheckTxType_New); code != 0 {
		t.Errorf("after a block one more gives %s", code.Label())
	}
}

// After the end the state may be closed: a late check of a transaction must not touch it.
func TestApplicationEnds(t *testing.T) {
	d := drive(t, newMemoryState())
	d.run(1)
	d.end()
	d.state = nil
	response, err := d.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: tx(t, 1, 0, send), Type: abci.CheckTxType_Recheck})
	if err != nil || response.Code != codeEnded {
		t.Errorf("a late check gives %v, %v", response, err)
	}
}

func TestApplicationProposals(t *testing.T) {
	d := drive(t, newMemoryState())
	d.run(1)
	garbage, first, second := []byte("tx"), tx(t, 1, 0, send), tx(t, 1, 1, send)
	// CometBFT may pass none of them: what it passes are those that came first.
	for _, raw := range [][]byte{garbage, second, first} {
		d.check(raw, abci.CheckTxType_New)
	}
	prepared, err := d.PrepareProposal(t.Context(), &abci.RequestPrepareProposal{Height: 2, MaxTxBytes: 1 << 20})
	if err != nil || !slices.EqualFunc(prepared.GetTxs(), [][]byte{first, second}, bytes.Equal) {
		t.Errorf("proposes %v, %v", prepared, err)
	}
	for _, test := range []struct {
		txs  [][]byte
		want abci.ResponseProcessProposal_ProposalStatus
	}{
		{nil, abci.ResponseProcessProposal_ACCEPT},
		{prepared.Txs, abci.ResponseProcessProposal_ACCEPT},
		{[][]byte{first, garbage}, abci.ResponseProcessProposal_REJECT},
	} {
		processed, err := d.ProcessProposal(t.Context(), &abci.RequestProcessProposal{Txs: test.txs})
		if err != nil || processed.Status != test.want {
			t.Errorf("a proposal of %d transactions gives %v, %v", len(test.txs), processed, err)
		}
	}
}

// Stakes, edits, pauses and unstakes change the voting power; changes that cancel out within a block do not.
func TestApplicationUpdatesValidators(t *testing.T) {
	d := drive(t, newMemoryState())
	d.run(1)
	blocks := []struct {
		name  string
		txs   [][]byte
		power map[byte]int64
	}{
		{"nothing", nil, map[byte]int64{}},
		{"stake", [][]byte{tx(t, 4, 0, stakeValidator)}, map[byte]int64{4: 20_000}},
		{"edit", [][]byte{tx(t, 4, 1, raiseValidator), tx(t, 5, 0, stakeValidator)}, map[byte]int64{4: 40_000, 5: 20_000}},
		{"pause", [][]byte{tx(t, 4, 2, pauseValidator)}, map[byte]int64{4: 0}},
		{"end of a paused one", [][]byte{tx(t, 4, 3, unstakeValidator)}, map[byte]int64{}},
		{"back and forth", [][]byte{tx(t, 6, 0, stakeValidator), tx(t, 6, 1, unstakeValidator),
			tx(t, 5, 1, unstakeValidator), tx(t, 5, 2, stakeValidator)}, map[byte]int64{}},
		{"all but one", [][]byte{tx(t, 1, 0, unstakeValidator), tx(t, 2, 0, unstakeValidator), tx(t, 5, 3, pauseValidator)},
			map[byte]int64{1: 0, 2: 0}},
	}
	for i, block := range blocks {
		height := int64(i + 2)
		response := d.block(height, block.txs...)
		got := map[byte]int64{}
		for _, update := range response.ValidatorUpdates {
			for number := range byte(10) {
				if bytes.Equal(update.PubKey.GetEd25519(), key(number).PublicKey()) {
					got[number] = update.Power
				}
			}
		}
		if len(got) != len(response.ValidatorUpdates) || !maps.Equal(got, block.power) {
			t.Errorf("%s: %v, want %v; results %v", block.name, got, block.power, response.TxResults)
		}
		d.commit()
	}
}

func TestApplicationDeclines(t *testing.T) {
	d := drive(t, newMemoryState())
	query, err := d.Query(t.Context(), &abci.RequestQuery{Path: "/store"})
	if err != nil || query.IsOK() || query.Log == "" {
		t.Errorf("query gives %v, %v", query, err)
	}
	offered, err := d.OfferSnapshot(t.Context(), &abci.RequestOfferSnapshot{})
	if err != nil || offered.Result != abci.ResponseOfferSnapshot_ABORT {
		t.Errorf("an offered snapshot gives %v, %v", offered, err)
	}
	applied, err := d.ApplySnapshotChunk(t.Context(), &abci.RequestApplySnapshotChunk{})
	if err != nil || applied.Result != abci.ResponseApplySnapshotChunk_ABORT {
		t.Errorf("a snapshot chunk gives %v, %v", applied, err)
	}
}

func TestApplicationErrors(t *testing.T) {
	diskFull := errors.New("disk full")
	initialised := func(d *driver) { d.initChain() }
	tests := map[string]struct {
		before func(*driver)
		call   func(*driver) error
		want   string
	}{
		"app state is no genesis": {nil, initWith(func(r *abci.RequestInitChain) { r.AppStateBytes = []byte("{") }),
			`start chain "chain" from its genesis: parse app state`},
		"app state of another chain": {nil, initWith(func(r *abci.RequestInitChain) { r.ChainId = "other" }),
			`the app state is of chain "chain"`},
		"later first height": {nil, initWith(func(r *abci.RequestInitChain) { r.InitialHeight = 7 }),
			"its first height is 7 and must be 1"},
		"genesis again after block 1": {func(d *driver) { d.run(1) }, initWith(func(*abci.RequestInitChain) {}),
			"the state is at height 1 already"},
		"block without genesis": {nil, finalizeAt(1), "run block 1: the state is empty and no genesis was given"},
		"block left out":        {initialised, finalizeAt(2), "run block 2: the state is at height 0"},
		"block twice":           {func(d *driver) { d.run(2) }, finalizeAt(2), "run block 2: the state is at height 2"},
		"commit without block":  {initialised, commitNow, "commit block: no block is finalized"},
		"commit twice":          {func(d *driver) { d.run(1) }, commitNow, "commit block: no block is finalized"},
		"commit fails": {func(d *driver) {
			d.initChain()
			d.finalize(1)
			d.state.(*memoryState).onCommit = func(int64, func()) error { return diskFull }
		}, commitNow, "commit block: commit state of height 1: disk full"},
		"state differs from what was agreed": {func(d *driver) {
			d.initChain()
			d.finalize(1)
			if err := d.state.Set([]byte("stray"), nil); err != nil {
				d.t.Fatal(err)
			}
		}, commitNow, "was agreed on"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := drive(t, newMemoryState())
			if test.before != nil {
				test.before(d)
			}
			published := len(d.heads)
			err := test.call(d)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want one with %q", err, test.want)
			}
			if len(d.failed) != 1 || !errors.Is(d.failed[0], err) {
				t.Errorf("the engine was told %v", d.failed)
			}
			if len(d.heads) != published {
				t.Error("a head was published")
			}
		})
	}
}

func initWith(change func(*abci.RequestInitChain)) func(*driver) error {
	return func(d *driver) error {
		request := initRequest(d.t)
		change(request)
		_, err := d.InitChain(d.t.Context(), request)
		return err
	}
}

func finalizeAt(height int64) func(*driver) error {
	return func(d *driver) error {
		_, err := d.FinalizeBlock(d.t.Context(), &abci.RequestFinalizeBlock{Height: height, Hash: hashAt(height)})
		return err
	}
}

func commitNow(d *driver) error {
	_, err := d.Commit(d.t.Context(), &abci.RequestCommit{})
	return err
}

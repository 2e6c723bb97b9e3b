package utility_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

const (
	application = types.ActorType_ACTOR_TYPE_APPLICATION
	servicer    = types.ActorType_ACTOR_TYPE_SERVICER
	fisherman   = types.ActorType_ACTOR_TYPE_FISHERMAN
	validator   = types.ActorType_ACTOR_TYPE_VALIDATOR

	fee     = 10_000
	minimum = 15_000_000_000
	balance = 100_000_000_000
)

// body wraps a message in a transaction of the test's chain. The test sets the sequence.
func body(message proto.Message) *types.Transaction {
	tx := &types.Transaction{ChainId: "test-1", FeeUpokt: fee}
	switch m := message.(type) {
	case *types.Send:
		tx.Message = &types.Transaction_Send{Send: m}
	case *types.Stake:
		tx.Message = &types.Transaction_Stake{Stake: m}
	case *types.EditStake:
		tx.Message = &types.Transaction_EditStake{EditStake: m}
	case *types.Unstake:
		tx.Message = &types.Transaction_Unstake{Unstake: m}
	case *types.Pause:
		tx.Message = &types.Transaction_Pause{Pause: m}
	case *types.Unpause:
		tx.Message = &types.Transaction_Unpause{Unpause: m}
	case *types.ChangeParameter:
		tx.Message = &types.Transaction_ChangeParameter{ChangeParameter: m}
	}
	return tx
}

func number(parameter string, value uint64) *types.ChangeParameter {
	return &types.ChangeParameter{Parameter: parameter, Value: &types.ChangeParameter_Number{Number: value}}
}

// stake returns a valid stake of a key that is not staked yet.
func stake(role types.ActorType) *types.Stake {
	message := &types.Stake{Type: role, StakeUpokt: minimum}
	if role != validator {
		message.Chains, message.GeoZone = []string{"0001"}, "eu"
	}
	if role == servicer {
		message.ServiceUrl = "http://new.example"
	}
	return message
}

func account(t testing.TB, r utility.Reader, address string) *types.Account {
	t.Helper()
	account, err := utility.Account(r, address)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// sign seals a transaction of a key with its next sequence.
func (c *chain) sign(t testing.TB, signer byte, message proto.Message) []byte {
	t.Helper()
	tx := body(message)
	tx.Sequence = account(t, c.working, key(signer).Address()).Sequence
	raw, err := transaction.Seal(key(signer), tx)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// deliver runs a transaction in the block that is being made.
func (c *chain) deliver(t testing.TB, raw []byte) utility.Result {
	t.Helper()
	result, err := utility.Deliver(c.working, c.Latest()+1, raw)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// do signs and runs a message that has to succeed.
func (c *chain) do(t testing.TB, signer byte, message proto.Message) {
	t.Helper()
	if result := c.deliver(t, c.sign(t, signer, message)); result.Code != 0 {
		t.Fatalf("%T of key %d: %s: %s", message, signer, result.Code.Label(), result.Reason)
	}
}

func (c *chain) actor(t testing.TB, role types.ActorType, signer byte) *types.Actor {
	t.Helper()
	actors, err := utility.Actors(c.working, role)
	if err != nil {
		t.Fatal(err)
	}
	for _, actor := range actors {
		if actor.Address == key(signer).Address() {
			return actor
		}
	}
	return nil
}

func (c *chain) supply(t testing.TB) utility.Supply {
	t.Helper()
	supply, err := utility.ReadSupply(c.working)
	if err != nil {
		t.Fatal(err)
	}
	return supply
}

func TestSend(t *testing.T) {
	c := newChain(t, network(), 1)
	stranger := key(77).Address()
	c.do(t, 0, &types.Send{Recipient: stranger, AmountUpokt: 5})
	c.do(t, 0, &types.Send{Recipient: stranger, AmountUpokt: balance - 5 - 2*fee})
	from, to := account(t, c.working, key(0).Address()), account(t, c.working, stranger)
	if from.BalanceUpokt != 0 || from.Sequence != 2 || to.BalanceUpokt != balance-2*fee || to.Sequence != 0 {
		t.Errorf("from %v, to %v", from, to)
	}
	if fees, err := utility.Fees(c.working); err != nil || fees != 2*fee {
		t.Errorf("collected %d, %v", fees, err)
	}
	c.do(t, 1, &types.Send{Recipient: key(1).Address(), AmountUpokt: balance - fee})
	if own := account(t, c.working, key(1).Address()); own.BalanceUpokt != balance-fee || own.Sequence != 1 {
		t.Errorf("sent to itself: %v", own)
	}
}

// A transaction of the wrong chain, sequence or fee is not charged.
func TestUncharged(t *testing.T) {
	send := &types.Send{Recipient: key(1).Address(), AmountUpokt: 1}
	tests := map[string]struct {
		spoil func(tx *types.Transaction)
		from  byte
		want  types.TransactionCode
		text  string
	}{
		"chain":     {func(tx *types.Transaction) { tx.ChainId = "test-2" }, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_CHAIN, `this is "test-1"`},
		"no chain":  {func(tx *types.Transaction) { tx.ChainId = "" }, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_CHAIN, "test-1"},
		"replay":    {func(tx *types.Transaction) { tx.Sequence = 0 }, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE, "is 1"},
		"ahead":     {func(tx *types.Transaction) { tx.Sequence = 2 }, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE, "is 1"},
		"far ahead": {func(tx *types.Transaction) { tx.Sequence = math.MaxUint64 }, 0, types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE, "is 1"},
		"fee":       {func(tx *types.Transaction) { tx.FeeUpokt = fee - 1 }, 0, types.TransactionCode_TRANSACTION_CODE_FEE_TOO_LOW, "the least is 10000"},
		"stranger":  {func(tx *types.Transaction) { tx.Sequence = 0 }, 50, types.TransactionCode_TRANSACTION_CODE_FEE_NOT_COVERED, "has 0"},
		"dear":      {func(tx *types.Transaction) { tx.FeeUpokt = math.MaxUint64 }, 0, types.TransactionCode_TRANSACTION_CODE_FEE_NOT_COVERED, "has 99"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newChain(t, network(), 1)
			c.do(t, 0, send)
			tx := body(send)
			tx.Sequence = 1
			test.spoil(tx)
			raw, err := transaction.Seal(key(test.from), tx)
			if err != nil {
				t.Fatal(err)
			}
			before := c.working.snapshot()
			if got := c.deliver(t, raw); got.Code != test.want || !strings.Contains(got.Reason, test.text) {
				t.Errorf("%s: %s, want %s", got.Code.Label(), got.Reason, test.want.Label())
			}
			if !maps.EqualFunc(before.entries, c.working.entries, slices.Equal) {
				t.Error("the state changed")
			}
		})
	}
	c := newChain(t, network(), 1)
	if got := c.deliver(t, []byte("send me money")); got.Code != types.TransactionCode_TRANSACTION_CODE_MALFORMED {
		t.Errorf("garbage: %v", got)
	}
}

// A transaction that a rule refuses pays its fee and increases the sequence, and changes nothing else.
func TestRules(t *testing.T) {
	edited := func(change func(*types.Stake)) *types.Stake {
		message := stake(servicer)
		change(message)
		return message
	}
	edit := func(change func(*types.EditStake)) *types.EditStake {
		message := &types.EditStake{Type: servicer, Chains: []string{"0001"}, GeoZone: "eu",
			ServiceUrl: "http://servicer-1.example", StakeUpokt: 20_000_000_001}
		change(message)
		return message
	}
	many := make([]string, 16)
	for i := range many {
		many[i] = string([]byte{'0', '0', '0', "0123456789ABCDEF"[i]})
	}
	tests := map[string]struct {
		signer  byte
		message proto.Message
		want    types.TransactionCode
		text    string
	}{
		"send too much":   {0, &types.Send{Recipient: key(1).Address(), AmountUpokt: balance - fee + 1}, types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS, "after the fee"},
		"send nothing":    {0, &types.Send{Recipient: key(1).Address()}, types.TransactionCode_TRANSACTION_CODE_INVALID_SEND, "amount is 0"},
		"send nowhere":    {0, &types.Send{Recipient: "me", AmountUpokt: 1}, types.TransactionCode_TRANSACTION_CODE_INVALID_SEND, `"me"`},
		"no role":         {8, stake(0), types.TransactionCode_TRANSACTION_CODE_UNKNOWN_ROLE, "UNSPECIFIED"},
		"role 257":        {8, &types.Pause{Type: 257}, types.TransactionCode_TRANSACTION_CODE_UNKNOWN_ROLE, "257"},
		"twice":           {1, stake(servicer), types.TransactionCode_TRANSACTION_CODE_ALREADY_STAKED, "edited"},
		"not admitted":    {8, stake(fisherman), types.TransactionCode_TRANSACTION_CODE_NOT_ADMITTED, "access list"},
		"little":          {8, edited(func(s *types.Stake) { s.StakeUpokt = minimum - 1 }), types.TransactionCode_TRANSACTION_CODE_STAKE_TOO_LOW, "15000000000"},
		"unaffordable":    {8, edited(func(s *types.Stake) { s.StakeUpokt = balance }), types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS, "has 99999990000"},
		"chains":          {8, edited(func(s *types.Stake) { s.Chains = many }), types.TransactionCode_TRANSACTION_CODE_TOO_MANY_CHAINS, "the most are 15"},
		"no chains":       {8, edited(func(s *types.Stake) { s.Chains = nil }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "servicer.chains"},
		"zone":            {8, edited(func(s *types.Stake) { s.GeoZone = "" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "geo_zone"},
		"no URL":          {8, edited(func(s *types.Stake) { s.ServiceUrl = "" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "service_url"},
		"spelling of URL": {8, edited(func(s *types.Stake) { s.ServiceUrl += ":080" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "one spelling"},
		"operator":        {8, edited(func(s *types.Stake) { s.Operator = "Acme" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "operator"},
		"long operator":   {8, edited(func(s *types.Stake) { s.Operator = strings.Repeat("o", 65) }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "operator"},
		"no servicer's":   {8, edited(func(s *types.Stake) { s.Type, s.Operator = application, "acme" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "operator"},
		"edit operator":   {1, edit(func(e *types.EditStake) { e.Operator = "a\u202e" }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "operator"},
		"validator zone":  {8, edited(func(s *types.Stake) { s.Type = validator }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "validator"},
		"edit of none":    {0, edit(func(*types.EditStake) {}), types.TransactionCode_TRANSACTION_CODE_NOT_STAKED, "servicer"},
		"lowered":         {1, edit(func(e *types.EditStake) { e.StakeUpokt-- }), types.TransactionCode_TRANSACTION_CODE_STAKE_LOWERED, "20000000001"},
		"edit too dear":   {1, edit(func(e *types.EditStake) { e.StakeUpokt = math.MaxUint64 }), types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS, "after the fee"},
		"edit chains":     {1, edit(func(e *types.EditStake) { e.Chains = []string{"2", "1"} }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "chains[0]"},
		"unstake of none": {8, &types.Unstake{Type: application}, types.TransactionCode_TRANSACTION_CODE_NOT_STAKED, "application"},
		"edit URL":        {1, edit(func(e *types.EditStake) { e.ServiceUrl += "." }), types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "one spelling"},
		"last validator":  {7, &types.Unstake{Type: validator}, types.TransactionCode_TRANSACTION_CODE_LAST_VALIDATOR, "only active"},
		"pause the last":  {7, &types.Pause{Type: validator}, types.TransactionCode_TRANSACTION_CODE_LAST_VALIDATOR, "only active"},
		"paused twice":    {4, &types.Pause{Type: servicer}, types.TransactionCode_TRANSACTION_CODE_PAUSED, "since height 2"},
		"unpause early":   {4, &types.Unpause{Type: servicer}, types.TransactionCode_TRANSACTION_CODE_PAUSE_TOO_SHORT, "at height 12"},
		"not paused":      {1, &types.Unpause{Type: servicer}, types.TransactionCode_TRANSACTION_CODE_NOT_PAUSED, "not paused"},
		"parameter":       {8, number("qos.checks", 1), types.TransactionCode_TRANSACTION_CODE_UNKNOWN_PARAMETER, "qos.checks"},
		"not owner":       {0, number("qos.checks_per_session", 1), types.TransactionCode_TRANSACTION_CODE_NOT_OWNER, key(8).Address()},
		"range":           {8, number("qos.checks_per_session", 0), types.TransactionCode_TRANSACTION_CODE_INVALID_PARAMETER, "1 to 10000"},
		"fixed":           {8, number("session.blocks_per_session", 5), types.TransactionCode_TRANSACTION_CODE_INVALID_PARAMETER, "fixed"},
	}
	seen := map[types.TransactionCode]bool{types.TransactionCode_TRANSACTION_CODE_TOO_MUCH_POWER: true}
	for name, test := range tests {
		seen[test.want] = true
		t.Run(name, func(t *testing.T) {
			c := newChain(t, network(), 1)
			c.do(t, 4, &types.Pause{Type: servicer})
			signer := key(test.signer).Address()
			raw, want := c.sign(t, test.signer, test.message), account(t, c.working, signer)
			if checked, err := new(utility.Pool).Check(c.working, 2, raw, false); err != nil || checked.Code != test.want {
				t.Errorf("Check says %v, %v", checked, err)
			}
			fees, err := utility.Fees(c.working)
			if err != nil {
				t.Fatal(err)
			}
			before := c.working.snapshot()
			if got := c.deliver(t, raw); got.Code != test.want || !strings.Contains(got.Reason, test.text) {
				t.Errorf("%s: %s, want %s with %q", got.Code.Label(), got.Reason, test.want.Label(), test.text)
			}
			want.BalanceUpokt -= fee
			want.Sequence++
			if got := account(t, c.working, signer); !proto.Equal(got, want) {
				t.Errorf("account %v, want %v", got, want)
			}
			if got, _ := utility.Fees(c.working); got != fees+fee {
				t.Errorf("collected %d, want %d", got, fees+fee)
			}
			for _, state := range []*memory{before, c.working} {
				delete(state.entries, "fees")
				maps.DeleteFunc(state.entries, func(k string, _ []byte) bool { return strings.HasPrefix(k, "account/") })
			}
			if !maps.EqualFunc(before.entries, c.working.entries, slices.Equal) {
				t.Error("more of the state changed")
			}
		})
	}
	for code := range types.TransactionCode_name {
		if code >= 100 && !seen[types.TransactionCode(code)] {
			t.Errorf("no test of %s", types.TransactionCode(code).Label())
		}
	}
}

func TestValidatorsTogetherStayCountable(t *testing.T) {
	g := network()
	g.Actors[7].StakeUpokt = genesis.MaximumVotingPower - minimum
	c := newChain(t, g, 1)
	got := c.deliver(t, c.sign(t, 8, &types.Stake{Type: validator, StakeUpokt: minimum + 1}))
	if got.Code != types.TransactionCode_TRANSACTION_CODE_TOO_MUCH_POWER {
		t.Errorf("one too much: %v", got)
	}
	c.do(t, 8, &types.Stake{Type: validator, StakeUpokt: minimum})
	got = c.deliver(t, c.sign(t, 8, &types.EditStake{Type: validator, StakeUpokt: minimum + 1}))
	if got.Code != types.TransactionCode_TRANSACTION_CODE_TOO_MUCH_POWER {
		t.Errorf("raised by one too much: %v", got)
	}
}

// The life of an actor of each type: stake, edit, pause, unpause, unstake, funds back.
func TestLifeOfAnActor(t *testing.T) {
	for _, role := range []types.ActorType{application, servicer, fisherman, validator} {
		t.Run(role.Label(), func(t *testing.T) {
			const actor = 9
			g := network()
			g.Params.Stake.MinimumPauseBlocks = 3
			for _, unbonding := range []*int64{&g.Params.Stake.ApplicationUnbondingBlocks, &g.Params.Stake.ServicerUnbondingBlocks,
				&g.Params.Stake.FishermanUnbondingBlocks, &g.Params.Stake.ValidatorUnbondingBlocks} {
				*unbonding = 5
			}
			c := newChain(t, g, 1)
			c.do(t, actor, stake(role))
			message := stake(role)
			want := &types.Actor{Type: role, Address: key(actor).Address(), PublicKey: key(actor).PublicKeyHex(),
				Chains: message.Chains, GeoZone: message.GeoZone, ServiceUrl: message.ServiceUrl, StakeUpokt: minimum}
			if role != validator {
				want.SinceHeights = []int64{2}
			}
			if got := c.actor(t, role, actor); !proto.Equal(got, want) {
				t.Fatalf("staked %v, want %v", got, want)
			}
			edit := &types.EditStake{Type: role, Chains: want.Chains, GeoZone: want.GeoZone, StakeUpokt: minimum + 7,
				ServiceUrl: "https://moved.example"}
			c.do(t, actor, edit)
			if got := c.actor(t, role, actor); got.StakeUpokt != minimum+7 || got.ServiceUrl != edit.ServiceUrl {
				t.Errorf("edited: %v", got)
			}
			c.do(t, actor, &types.Pause{Type: role})
			if got := c.actor(t, role, actor); got.PausedHeight != 2 {
				t.Errorf("paused: %v", got)
			}
			c.commit(t)
			c.commit(t)
			if got := c.deliver(t, c.sign(t, actor, &types.Unpause{Type: role})); got.Code != types.TransactionCode_TRANSACTION_CODE_PAUSE_TOO_SHORT {
				t.Errorf("unpaused after two blocks: %v", got)
			}
			c.commit(t)
			c.do(t, actor, &types.Unpause{Type: role})
			c.do(t, actor, &types.Unstake{Type: role})
			if got := c.actor(t, role, actor); got != nil {
				t.Errorf("unstaked: %v", got)
			}
			const charged = 6 * fee
			for height := int64(5); height <= 10; height++ {
				c.commit(t)
				own, back := account(t, c.working, key(actor).Address()), uint64(balance-charged-minimum-7)
				waiting, err := utility.Unbondings(c.working, key(actor).Address())
				if height == 10 {
					back = balance - charged
				} else if len(waiting) != 1 || waiting[0].UnlockHeight != 10 || waiting[0].AmountUpokt != minimum+7 {
					t.Errorf("height %d: unbonding %v", height, waiting)
				}
				if err != nil || own.BalanceUpokt != back || height == 10 && len(waiting) > 0 {
					t.Errorf("height %d: balance %d, want %d; unbonding %v, %v", height, own.BalanceUpokt, back, waiting, err)
				}
			}
		})
	}
}

func TestStakesOfOneBlockUnbondTogether(t *testing.T) {
	c := newChain(t, network(), 1)
	for range 2 {
		c.do(t, 8, stake(servicer))
		c.do(t, 8, &types.Unstake{Type: servicer})
	}
	waiting, err := utility.Unbondings(c.working, key(8).Address())
	if err != nil || len(waiting) != 1 || waiting[0].AmountUpokt != 2*minimum {
		t.Errorf("%v, %v", waiting, err)
	}
}

// Changed parameters take effect together with the next session.
func TestParametersChangeWithTheSession(t *testing.T) {
	c := newChain(t, network(), 11)
	c.do(t, 8, number("qos.checks_per_session", 30))
	c.do(t, 8, number("session.servicers_per_session", 2))
	module := utility.NewModule(c)
	for height := int64(12); height <= 21; height++ {
		c.commit(t)
		params, err := module.Params(t.Context(), height)
		if err != nil {
			t.Fatal(err)
		}
		session, err := module.Session(t.Context(), height+1, key(0).Address(), "0001")
		if err != nil {
			t.Fatal(err)
		}
		checks, servicers := uint32(10), 4
		if height >= 19 {
			checks, servicers = 30, 2
		}
		if params.Qos.ChecksPerSession != checks || len(session.Servicers) != servicers {
			t.Errorf("height %d: %d checks, %d servicers in the next block, want %d, %d", height,
				params.Qos.ChecksPerSession, len(session.Servicers), checks, servicers)
		}
	}
	if _, left := c.working.entries["next-params"]; left {
		t.Error("parameters are still waiting")
	}
}

func TestRaisedMinimumUnstakes(t *testing.T) {
	c := newChain(t, network(), 1)
	const raised = 20_000_000_003
	c.do(t, 8, number("stake.servicer_minimum_upokt", raised))
	for c.Latest() < 8 {
		c.commit(t)
	}
	before := c.supply(t)
	c.commit(t)
	for i := byte(1); i <= 4; i++ {
		if staked := c.actor(t, servicer, i) != nil; staked != (i >= 3) {
			t.Errorf("servicer %d is staked: %v", i, staked)
		}
	}
	waiting, err := utility.Unbondings(c.working, key(1).Address())
	if err != nil || len(waiting) != 1 || waiting[0].UnlockHeight != 9+30_240 || waiting[0].AmountUpokt != 20_000_000_001 {
		t.Errorf("unbonding %v, %v", waiting, err)
	}
	if after := c.supply(t); after.Total() != before.Total() || after.Unbonding != 40_000_000_003 {
		t.Errorf("supply %+v, before %+v", after, before)
	}
}

// A minimum that no active validator reaches is not adopted; all other changes are.
func TestAValidatorIsKept(t *testing.T) {
	c := newChain(t, network(), 1)
	c.do(t, 8, stake(validator))
	c.do(t, 8, number("stake.validator_minimum_upokt", 30_000_000_000))
	c.do(t, 8, number("qos.checks_per_session", 30))
	for c.Latest() < 10 {
		c.commit(t)
	}
	params, err := utility.Params(c.working)
	if err != nil || params.Stake.ValidatorMinimumUpokt != minimum || params.Qos.ChecksPerSession != 30 {
		t.Errorf("%v, %v", params, err)
	}
	// One validator reaches it now; the other is unstaked.
	c.do(t, 8, number("stake.validator_minimum_upokt", 20_000_000_000))
	for c.Latest() < 20 {
		c.commit(t)
	}
	active, err := utility.ActiveValidators(c.working)
	if err != nil || len(active) != 1 || active[0].Address != key(7).Address() {
		t.Errorf("active validators %v, %v", active, err)
	}
}

// A member that pauses or unstakes is replaced by the next in rank in the following block; all others stay.
func TestSessionSubstitution(t *testing.T) {
	for name, leave := range map[string]proto.Message{"pause": &types.Pause{Type: servicer}, "unstake": &types.Unstake{Type: servicer}} {
		t.Run(name, func(t *testing.T) {
			g := network()
			g.Params.Session.ServicersPerSession = 3
			c := newChain(t, g, 12)
			module := utility.NewModule(c)
			members := func(height int64) []string {
				session, err := module.Session(t.Context(), height, key(0).Address(), "0001")
				if err != nil {
					t.Fatal(err)
				}
				var list []string
				for _, member := range session.Servicers {
					list = append(list, member.Address)
				}
				return list
			}
			before := members(13)
			for i := byte(1); i <= 4; i++ {
				if key(i).Address() == before[0] {
					c.do(t, i, leave)
				}
			}
			c.commit(t) // Block 13 has the transaction.
			if got := members(13); !slices.Equal(got, before) {
				t.Errorf("the block of the transaction has %v, want %v", got, before)
			}
			after := members(14)
			if len(after) != 3 || !slices.Equal(after[:2], before[1:]) || slices.Contains(before, after[2]) {
				t.Errorf("the following block has %v after %v", after, before)
			}
		})
	}
}

// Transactions of one account may wait for each other; further ones and past ones are refused.
func TestCheckAdmitsPending(t *testing.T) {
	c := newChain(t, network(), 1)
	c.do(t, 0, &types.Send{Recipient: key(1).Address(), AmountUpokt: 1})
	for sequence, want := range map[uint64]types.TransactionCode{
		0: types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE, 1: types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS,
		2: 0, 64: 0, 65: types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE,
	} {
		tx := body(&types.Send{Recipient: key(1).Address(), AmountUpokt: 2 * balance})
		tx.Sequence = sequence
		raw, err := transaction.Seal(key(0), tx)
		if err != nil {
			t.Fatal(err)
		}
		before := c.working.snapshot()
		if got, err := new(utility.Pool).Check(c.working, 2, raw, false); err != nil || got.Code != want {
			t.Errorf("sequence %d: %v, %v, want %s", sequence, got, err, want.Label())
		}
		if !maps.EqualFunc(before.entries, c.working.entries, slices.Equal) {
			t.Error("a check changed the state")
		}
	}
}

func TestTransactionsReportABrokenState(t *testing.T) {
	raw := newChain(t, network(), 1).sign(t, 0, &types.Send{Recipient: key(1).Address(), AmountUpokt: 1})
	for name, store := range map[string]utility.Store{"broken": broken{}, "corrupt": corrupt{}, "empty": newMemory()} {
		if got, err := utility.Deliver(store, 2, raw); err == nil && got.Code == 0 {
			t.Errorf("delivered to a %s state", name)
		}
	}
	if _, err := utility.Deliver(broken{}, 2, raw); err == nil {
		t.Error("a broken store gives no error")
	}
	if _, err := new(utility.Pool).Check(broken{}, 2, raw, false); err == nil {
		t.Error("a broken store gives no error to a check")
	}
	if _, err := utility.ReadSupply(corrupt{}); err == nil {
		t.Error("a corrupt state has a supply")
	}
}

// A servicer declares its operator when it stakes, and another or none with an edit, which costs it no seat.
func TestOperator(t *testing.T) {
	const actor = 9
	c := newChain(t, network(), 1)
	placed := stake(servicer)
	placed.Operator = "acme"
	c.do(t, actor, placed)
	since := c.actor(t, servicer, actor).GetSinceHeights()
	c.commit(t)
	for _, operator := range []string{"acme", "acme.example-2", ""} {
		if operator != "acme" {
			c.do(t, actor, &types.EditStake{Type: servicer, Chains: placed.Chains, GeoZone: placed.GeoZone, ServiceUrl: placed.ServiceUrl,
				StakeUpokt: placed.StakeUpokt, Operator: operator})
		}
		if got := c.actor(t, servicer, actor); got.GetOperator() != operator || !slices.Equal(got.GetSinceHeights(), since) {
			t.Errorf("%q: %v, since %v before", operator, got, since)
		}
	}
}

package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// fakeBlocks is a chain whose block 7 has the transactions of fakeTransactions, carried out all but the second.
type fakeBlocks struct{ height int64 }

func (b fakeBlocks) Block(height int64) (Block, error) {
	block := Block{Height: height, Hash: bytes.Repeat([]byte{byte(height)}, 32), Time: time.Unix(1_700_000_000+height, 123),
		Proposer: knownServicer, AppHash: bytes.Repeat([]byte{0xee}, 32)}
	if height == 7 {
		block.Transactions = len(fakeTransactions())
	}
	return block, nil
}

func (b fakeBlocks) Transaction(_ context.Context, hash []byte, height, _ int64) (Transaction, error) {
	for index, raw := range fakeTransactions() {
		if sum := sha256.Sum256(raw); !bytes.Equal(sum[:], hash) || height != 0 && height != 7 {
			continue
		}
		found := Transaction{Raw: raw, Height: 7, Index: index}
		if index == 1 {
			found.Code, found.Log = types.TransactionCode_TRANSACTION_CODE_NOT_OWNER, "NOT_OWNER: not yours"
		}
		return found, nil
	}
	return Transaction{}, fmt.Errorf("%w: nowhere", ErrUnknownTransaction)
}

func (b fakeBlocks) Ready() error {
	if b.height == 0 {
		return fmt.Errorf("%w: there is no block yet", ErrNotReady)
	}
	return nil
}

func fakeParams(_ context.Context, height int64) (json.RawMessage, error) {
	if height > 23 {
		return nil, modules.ErrHeightUnavailable
	}
	return protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(genesis.DefaultParams())
}

// fakeTransactions have one of every kind, and of every form of value.
func fakeTransactions() [][]byte {
	chains, role := []string{"0001", "0021"}, types.ActorType_ACTOR_TYPE_SERVICER
	change := func(value *types.ChangeParameter) *types.Transaction {
		value.Parameter = "qos.timeout"
		return &types.Transaction{Message: &types.Transaction_ChangeParameter{ChangeParameter: value}}
	}
	var sealed [][]byte
	for sequence, body := range []*types.Transaction{
		{Message: &types.Transaction_Send{Send: &types.Send{Recipient: knownServicer, AmountUpokt: 18446744073709551615}}},
		change(&types.ChangeParameter{Value: &types.ChangeParameter_Duration{Duration: durationpb.New(1500 * time.Millisecond)}}),
		change(&types.ChangeParameter{Value: &types.ChangeParameter_Number{Number: 18446744073709551615}}),
		change(&types.ChangeParameter{Value: &types.ChangeParameter_Text{Text: "<a>"}}),
		change(&types.ChangeParameter{Value: &types.ChangeParameter_List{List: &types.TextList{Items: []string{"a", "b"}}}}),
		change(&types.ChangeParameter{Value: &types.ChangeParameter_List{List: &types.TextList{}}}),
		{Message: &types.Transaction_Stake{Stake: &types.Stake{Type: role, Chains: chains, GeoZone: "eu", ServiceUrl: "http://a", StakeUpokt: 5}}},
		{Message: &types.Transaction_EditStake{EditStake: &types.EditStake{Type: role, GeoZone: "eu", ServiceUrl: "http://a", Operator: "acme", StakeUpokt: 6}}},
		{Message: &types.Transaction_Unstake{Unstake: &types.Unstake{Type: role}}},
		{Message: &types.Transaction_Pause{Pause: &types.Pause{Type: role}}},
		{Message: &types.Transaction_Unpause{Unpause: &types.Unpause{Type: role}}},
	} {
		body.ChainId, body.Sequence, body.FeeUpokt = "test-chain", uint64(sequence), 100
		raw, err := transaction.Seal(crypto.KeyFromSeed([32]byte{1}), body)
		if err != nil {
			panic(err)
		}
		sealed = append(sealed, raw)
	}
	return sealed
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func TestMessagesOfTransactions(t *testing.T) {
	readers, _, _ := readersAt(23)
	server := New(Config{}, readers)
	for index, want := range []string{
		`"message":{"send":{"recipient":"00000000000000000000000000000000000000bb","amount_upokt":"18446744073709551615"}}}`,
		`"code":116,"result":"NOT_OWNER","log":"NOT_OWNER: not yours"`,
		`"message":{"change_parameter":{"parameter":"qos.timeout","value":"18446744073709551615"}}}`,
		`"message":{"change_parameter":{"parameter":"qos.timeout","value":"\u003ca\u003e"}}}`,
		`"message":{"change_parameter":{"parameter":"qos.timeout","value":["a","b"]}}}`,
		`"message":{"change_parameter":{"parameter":"qos.timeout","value":[]}}}`,
		`"message":{"stake":{"type":"servicer","chains":["0001","0021"],"geo_zone":"eu","service_url":"http://a","stake_upokt":"5"}}}`,
		`"message":{"edit_stake":{"type":"servicer","chains":[],"geo_zone":"eu","service_url":"http://a","operator":"acme","stake_upokt":"6"}}}`,
		`"message":{"unstake":{"type":"servicer"}}}`,
		`"message":{"pause":{"type":"servicer"}}}`,
		`"message":{"unpause":{"type":"servicer"}}}`,
	} {
		answer := ask(server, "GET", "/v1/transaction?hash="+hashOf(fakeTransactions()[index]))
		conforms(t, "/v1/transaction", answer)
		if answer.Code != 200 || !bytes.Contains(answer.Body.Bytes(), []byte(want)) {
			t.Errorf("transaction %d: %d: %s", index, answer.Code, answer.Body)
		}
	}
	answer := ask(server, "GET", "/v1/transaction?hash="+hashOf(fakeTransactions()[1]))
	if want := `"value":"1.5s"`; !bytes.Contains(answer.Body.Bytes(), []byte(want)) {
		t.Errorf("duration: %s", answer.Body)
	}
}

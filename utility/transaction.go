package utility

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// Result is the result of a transaction.
type Result struct {
	// Code is TRANSACTION_CODE_UNSPECIFIED if the transaction was executed.
	Code types.TransactionCode
	// Reason is one line for people; empty if the transaction was executed.
	Reason string
	// Signer is the signer's address; empty if the transaction was refused.
	Signer string
}

// firstCharged is the lowest code of a transaction that is refused but charged.
const firstCharged = types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS

// charged reports whether the transaction paid its fee.
func (r Result) charged() bool { return r.Code == 0 || r.Code >= firstCharged }

// signing is a transaction with the data that its rules need.
type signing struct {
	*transaction.Signed
	r      Reader
	height int64
	params *genesis.Params
	// account of the signer, as it is after the fee. Rules take amounts from it.
	account *types.Account
}

// effect is the change that a transaction makes besides its signer's account, once every rule has admitted it. Rules
// have read-only access to the state, so that a refused transaction cannot change it.
type effect func(store Store) error

// Deliver runs a transaction of the block at height. A transaction that may not be charged changes nothing; otherwise
// the fee is collected and the sequence increased, even if a rule refuses the message. It returns an error only if the
// store failed; the block then fails as well.
func Deliver(store Store, height int64, raw []byte) (Result, error) {
	signed, err := transaction.Open(raw)
	if err != nil {
		return refused(err)
	}
	return run(store, height, signed)
}

// run is Deliver for a transaction that is open.
func run(store Store, height int64, signed *transaction.Signed) (Result, error) {
	s, err := admit(store, height, signed, 0)
	if err != nil {
		return refused(err)
	}
	charged := proto.Clone(s.account).(*types.Account)
	effect, refusal := s.judge()
	if refusal == nil {
		return s.carryOut(store, effect)
	}
	result, err := refused(refusal)
	if err != nil {
		return Result{}, err
	}
	if err := collect(store, signed.Transaction.GetFeeUpokt()); err != nil {
		return Result{}, err
	}
	return result, setAccount(store, charged)
}

// attempt runs a transaction only if no rule refuses it; a refused one changes nothing and is not charged.
func attempt(store Store, height int64, signed *transaction.Signed) (Result, error) {
	s, err := admit(store, height, signed, 0)
	if err != nil {
		return refused(err)
	}
	effect, err := s.judge()
	if err != nil {
		return refused(err)
	}
	return s.carryOut(store, effect)
}

// carryOut collects the fee, stores the signer's account, and makes the change of the message.
func (s *signing) carryOut(store Store, effect effect) (Result, error) {
	if err := collect(store, s.Transaction.GetFeeUpokt()); err != nil {
		return Result{}, err
	}
	if err := setAccount(store, s.account); err != nil {
		return Result{}, err
	}
	return Result{Signer: s.Signer}, effect(store)
}

// refused turns a refusal into a result, and returns every other error.
func refused(err error) (Result, error) {
	if refusal, ok := errors.AsType[*transaction.Refusal](err); ok {
		return Result{Code: refusal.Code, Reason: refusal.Reason}, nil
	}
	return Result{}, err
}

// admit decides whether a transaction may be charged, and takes the fee. Its sequence may be ahead of the account's by
// the number of transactions that may be pending.
func admit(r Reader, height int64, signed *transaction.Signed, pending uint64) (*signing, error) {
	tx := signed.Transaction
	chain, err := ChainID(r)
	if err != nil {
		return nil, err
	}
	params, err := Params(r)
	if err != nil {
		return nil, err
	}
	account, err := Account(r, signed.Signer)
	if err != nil {
		return nil, err
	}
	next, minimum := account.GetSequence(), params.GetFee().GetMinimumUpokt()
	switch {
	case tx.GetChainId() != chain:
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_WRONG_CHAIN,
			"signed for chain %.60q; this is %q", tx.GetChainId(), chain)
	case tx.GetSequence() < next || tx.GetSequence()-next > pending:
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE,
			"sequence %d; the next one of %s is %d", tx.GetSequence(), signed.Signer, next)
	case tx.GetFeeUpokt() < minimum:
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_FEE_TOO_LOW,
			"a fee of %d uPOKT; the least is %d", tx.GetFeeUpokt(), minimum)
	case account.GetBalanceUpokt() < tx.GetFeeUpokt():
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_FEE_NOT_COVERED,
			"a fee of %d uPOKT; %s has %d", tx.GetFeeUpokt(), signed.Signer, account.GetBalanceUpokt())
	}
	account.BalanceUpokt -= tx.GetFeeUpokt()
	account.Sequence++
	return &signing{Signed: signed, r: r, height: height, params: params, account: account}, nil
}

// judge applies the rules of the message.
func (s *signing) judge() (effect, error) {
	switch message := s.Transaction.GetMessage().(type) {
	case *types.Transaction_Send:
		return s.send(message.Send)
	case *types.Transaction_Stake:
		return s.stake(message.Stake)
	case *types.Transaction_EditStake:
		return s.editStake(message.EditStake)
	case *types.Transaction_Unstake:
		return s.unstake(message.Unstake.GetType())
	case *types.Transaction_Pause:
		return s.pause(message.Pause.GetType())
	case *types.Transaction_Unpause:
		return s.unpause(message.Unpause.GetType())
	case *types.Transaction_ChangeParameter:
		return s.changeParameter(message.ChangeParameter)
	default:
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_MALFORMED, "the body has no message")
	}
}

// take takes an amount from the signer's account.
func (s *signing) take(amount uint64) error {
	if s.account.GetBalanceUpokt() < amount {
		return transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_INSUFFICIENT_FUNDS,
			"%d uPOKT; after the fee %s has %d", amount, s.Signer, s.account.GetBalanceUpokt())
	}
	s.account.BalanceUpokt -= amount
	return nil
}

// send moves an amount to another account; it moves nothing if that is the signer's own.
func (s *signing) send(message *types.Send) (effect, error) {
	recipient, amount := message.GetRecipient(), message.GetAmountUpokt()
	if err := types.ValidateAddress(recipient); err != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_INVALID_SEND,
			"recipient %.60q is not 40 lower-case hex digits", recipient)
	}
	if amount == 0 {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_INVALID_SEND, "the amount is 0")
	}
	if err := s.take(amount); err != nil {
		return nil, err
	}
	return func(store Store) error { return credit(store, recipient, amount) }, nil
}

// changeParameter changes the parameters of the next session.
func (s *signing) changeParameter(message *types.ChangeParameter) (effect, error) {
	owner, err := s.params.Owner(message.GetParameter())
	if err != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_UNKNOWN_PARAMETER, "%s", err)
	}
	if owner != s.Signer {
		whose := "nobody"
		if owner != "" {
			whose = owner
		}
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_NOT_OWNER,
			"%s may be changed by %s only", message.GetParameter(), whose)
	}
	next, err := NextParams(s.r)
	if err != nil {
		return nil, err
	}
	changed, err := next.With(message)
	if err != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_INVALID_PARAMETER, "%s", err)
	}
	return func(store Store) error { return setMessage(store, []byte(nextParamsKey), changed) }, nil
}

package utility

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// transactionOverhead is the most bytes that a transaction adds to a block besides its own: a tag and a length.
const transactionOverhead = 8

// payer is an account after the transactions that are proposed so far.
type payer struct {
	account *types.Account
	// waiting are transactions with a later sequence, by sequence.
	waiting map[uint64]proposed
}

type proposed struct {
	raw []byte
	fee uint64
}

// Propose picks the transactions of the next block from the waiting ones, and sorts those of one account by sequence.
// It leaves out transactions that a block could not charge, and those that exceed maximumBytes.
func Propose(r Reader, waiting [][]byte, maximumBytes int64) ([][]byte, error) {
	var block [][]byte
	var size int64
	payers := make(map[string]*payer)
	for _, raw := range waiting {
		signed, err := transaction.Open(raw)
		if err != nil {
			continue
		}
		if _, err := admit(r, 0, signed, MostPending-1); err != nil {
			if _, refused := errors.AsType[*transaction.Refusal](err); refused {
				continue
			}
			return nil, err
		}
		from := payers[signed.Signer]
		if from == nil {
			account, err := Account(r, signed.Signer)
			if err != nil {
				return nil, err
			}
			from = &payer{account: account, waiting: make(map[uint64]proposed)}
			payers[signed.Signer] = from
		}
		sequence := signed.Transaction.GetSequence()
		if _, taken := from.waiting[sequence]; !taken {
			from.waiting[sequence] = proposed{raw, signed.Transaction.GetFeeUpokt()}
		}
		for next, ok := from.next(); ok && size+int64(len(next))+transactionOverhead <= maximumBytes; next, ok = from.next() {
			size += int64(len(next)) + transactionOverhead
			block = append(block, next)
			from.pay()
		}
	}
	return block, nil
}

// next returns the transaction that the account can be charged for next; false when none waits or it cannot pay.
func (p *payer) next() ([]byte, bool) {
	next, ok := p.waiting[p.account.GetSequence()]
	return next.raw, ok && next.fee <= p.account.GetBalanceUpokt()
}

func (p *payer) pay() {
	p.account.BalanceUpokt -= p.waiting[p.account.GetSequence()].fee
	p.account.Sequence++
}

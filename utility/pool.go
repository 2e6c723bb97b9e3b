package utility

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

const (
	// MostPending is the maximum number of transactions of one account that can run one after the other in a block.
	MostPending = 64
	// MostGapped and mostGappedBytes bound the transactions of one account that wait for a missing one.
	MostGapped      = 8
	mostGappedBytes = transaction.MaxBytes
	// GapBlocks is the number of blocks for which a transaction waits for a missing one.
	GapBlocks = 5
	// PatienceBlocks is the number of blocks for which a transaction waits to be in one of them.
	PatienceBlocks = 100
	// MostPooled is more than the number of transactions that a pool ever holds.
	MostPooled = 1 << 14

	// padding is the maximum number of bytes by which a transaction may exceed its content: envelope and signature, and
	// the freedom that the encoding leaves.
	padding = 160
	// transactionOverhead is the most bytes that a transaction adds to a block besides its own: a tag and a length.
	transactionOverhead = 8
	// mostExpired bounds each of the two generations of expired transactions.
	mostExpired = 1 << 12
	// expiredBlocks is the number of blocks of a generation.
	expiredBlocks = 64
)

// firstRoom is for the first transactions of accounts. Each doubling of the fee above the minimum, up to mostDoublings,
// opens more of it, so that who offers more gets in when many offer the minimum.
func firstRoom(doublings int) room { return room{4096 + doublings<<8, 1<<20 + doublings<<16} }

func laterRoom() room { return room{2048, 1 << 20} }

func gappedRoom() room { return room{512, 1 << 18} }

const mostDoublings = 16

// ErrPoolFull is returned when the pool has no room for another transaction of its kind.
var ErrPoolFull = errors.New("too many transactions wait for a block")

// Pool is what a node proposes: the transactions that wait for a block, each of which has run on the committed state,
// after those of its account that are before it. The zero value is empty. It is not safe for concurrent use.
//
// A transaction is the first of its account, a later one, or one with a gap in front of it. Each kind has its own room:
// nothing that cannot run yet takes the place of what can, and no account's second transaction that of another's first.
type Pool struct {
	accounts map[string]*queue
	waiting  map[digest]*pending
	// ready are the transactions that can run, in order of arrival.
	ready []*pending
	// before are those of the height before, known until the next.
	before map[digest]*pending
	// expired are two generations of transactions whose gap was not filled. They are not admitted again with a gap: other
	// nodes may still pass them on.
	expired              [2]map[digest]struct{}
	first, later, gapped room
}

type digest = [sha256.Size]byte

// room counts transactions and their bytes.
type room struct{ transactions, bytes int }

func (r room) plus(other room, times int) room {
	return room{r.transactions + times*other.transactions, r.bytes + times*other.bytes}
}

// fits reports whether what is added to used stays within the room.
func (r room) fits(used, added room) bool {
	return used.transactions+added.transactions <= r.transactions && used.bytes+added.bytes <= r.bytes
}

// pending is a transaction that waits.
type pending struct {
	*transaction.Signed
	id  digest
	raw []byte
	// since is the height of the first block that could have included it, gapSince that of the first for which it had a
	// gap; 0 while it has none.
	since, gapSince int64
	// depth is the number of transactions of its account that have to run before it.
	depth int
}

func (p *pending) sequence() uint64 { return p.Transaction.GetSequence() }

func (p *pending) size() room { return room{1, len(p.raw)} }

// queue is what waits of one account.
type queue struct {
	// state is the committed state after the account's ready transactions. Nothing else that waits is in it: what others
	// might send does not count.
	state *overlay
	ready int
	// gapped are those with a gap in front, by sequence.
	gapped []*pending
}

// Check decides whether a transaction is admitted, and admits it. The result is the one that it would have in the block
// at height, on the state r and after those of its signer that wait; a transaction with a gap in front of it is judged
// when the gap is filled. One that is checked again was admitted before, and is not refused for want of room. Errors:
// ErrPoolFull, and those of the state.
func (p *Pool) Check(r Reader, height int64, raw []byte, again bool) (Result, error) {
	id := sha256.Sum256(raw)
	if present := p.waiting[id]; present != nil {
		return Result{Signer: present.Signer}, nil
	}
	candidate, err := p.open(id, height, raw, again)
	if err != nil {
		return refused(err)
	}
	q := p.accounts[candidate.Signer]
	if q == nil {
		q = &queue{state: newOverlay(r)}
	}
	account, err := Account(q.state, candidate.Signer)
	if err != nil {
		return Result{}, err
	}
	if candidate.sequence() > account.GetSequence() {
		return p.hold(q, height, candidate, again)
	}
	result, err := p.admit(q, height, candidate, again)
	if err != nil || result.Code != 0 {
		return result, err
	}
	return result, p.fill(q, height)
}

// open reads a transaction, or finds it among those that waited for the last block.
func (p *Pool) open(id digest, height int64, raw []byte, again bool) (*pending, error) {
	candidate := &pending{id: id, raw: raw, since: height}
	if before := p.before[id]; before != nil {
		candidate.Signed, candidate.raw = before.Signed, before.raw
		if again {
			candidate.since, candidate.gapSince = before.since, before.gapSince
		}
		return candidate, nil
	}
	signed, err := transaction.Open(raw)
	if err != nil {
		return nil, err
	}
	if content := proto.Size(signed.Transaction); len(raw) > content+padding {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_MALFORMED,
			"%d bytes for a content of %d", len(raw), content)
	}
	candidate.Signed = signed
	return candidate, nil
}

// admit adds a transaction that can run.
func (p *Pool) admit(q *queue, height int64, candidate *pending, again bool) (Result, error) {
	switch {
	case q.ready >= MostPending:
		return refused(transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_MANY_PENDING,
			"%d transactions of %s wait for a block already", q.ready, candidate.Signer))
	case height-candidate.since >= PatienceBlocks:
		return refused(transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_MANY_PENDING,
			"none of %d blocks included it", PatienceBlocks))
	}
	used, allowed := &p.later, laterRoom()
	if q.ready == 0 {
		doublings, err := doublings(q.state, candidate.Transaction.GetFeeUpokt())
		if err != nil {
			return Result{}, err
		}
		used, allowed = &p.first, firstRoom(doublings)
	}
	if !again && !allowed.fits(*used, candidate.size()) {
		return Result{}, ErrPoolFull
	}
	result, err := attempt(q.state, height, candidate.Signed)
	if err != nil || result.Code != 0 {
		return result, err
	}
	candidate.depth, candidate.gapSince = q.ready, 0
	q.ready++
	*used = used.plus(candidate.size(), 1)
	p.ready = append(p.ready, candidate)
	p.keep(q, candidate)
	return result, nil
}

// doublings returns how often the minimum fee was doubled, at least, to make a fee.
func doublings(r Reader, fee uint64) (int, error) {
	params, err := Params(r)
	if err != nil {
		return 0, err
	}
	times := bits.Len64(fee/max(params.GetFee().GetMinimumUpokt(), 1)) - 1
	return min(max(times, 0), mostDoublings), nil
}

// hold adds a transaction with a gap in front of it.
func (p *Pool) hold(q *queue, height int64, candidate *pending, again bool) (Result, error) {
	if _, err := admit(q.state, height, candidate.Signed, uint64(max(MostPending-1-q.ready, 0))); err != nil {
		return refused(err)
	}
	at, taken := slices.BinarySearchFunc(q.gapped, candidate.sequence(), func(held *pending, sequence uint64) int {
		return cmp.Compare(held.sequence(), sequence)
	})
	candidate.gapSince = cmp.Or(candidate.gapSince, height)
	bytes := len(candidate.raw)
	for _, held := range q.gapped {
		bytes += len(held.raw)
	}
	switch {
	case height-candidate.gapSince >= GapBlocks:
		p.expire(candidate.id)
		fallthrough
	case p.isExpired(candidate.id):
		return refused(transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE,
			"the transactions before sequence %d have not come within %d blocks", candidate.sequence(), GapBlocks))
	case taken, len(q.gapped) >= MostGapped, bytes > mostGappedBytes:
		return refused(transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_MANY_PENDING,
			"%d transactions of %s wait for one before sequence %d", len(q.gapped), candidate.Signer, candidate.sequence()))
	case !again && !gappedRoom().fits(p.gapped, candidate.size()):
		return Result{}, ErrPoolFull
	}
	q.gapped = slices.Insert(q.gapped, at, candidate)
	p.gapped = p.gapped.plus(candidate.size(), 1)
	p.keep(q, candidate)
	return Result{Signer: candidate.Signer}, nil
}

// fill admits the held transactions whose gap is filled. One that cannot run, or finds no room, stays held until it is
// checked again.
func (p *Pool) fill(q *queue, height int64) error {
	for len(q.gapped) > 0 {
		next := q.gapped[0]
		result, err := p.admit(q, height, next, false)
		if errors.Is(err, ErrPoolFull) || err == nil && result.Code != 0 {
			return nil
		}
		if err != nil {
			return err
		}
		q.gapped = q.gapped[1:]
		p.gapped = p.gapped.plus(next.size(), -1)
	}
	return nil
}

// keep makes a transaction known.
func (p *Pool) keep(q *queue, candidate *pending) {
	if p.accounts == nil {
		p.accounts, p.waiting = make(map[string]*queue), make(map[digest]*pending)
	}
	p.accounts[candidate.Signer] = q
	p.waiting[candidate.id] = candidate
}

// Commit begins the next height. Each transaction that still waits has to be checked again, in any order; the others
// are forgotten.
func (p *Pool) Commit(height int64) {
	expired := p.expired
	if height%expiredBlocks == 0 {
		expired = [2]map[digest]struct{}{nil, expired[0]}
	}
	*p = Pool{before: p.waiting, expired: expired}
}

func (p *Pool) expire(id digest) {
	if len(p.expired[0]) >= mostExpired {
		p.expired = [2]map[digest]struct{}{nil, p.expired[0]}
	}
	if p.expired[0] == nil {
		p.expired[0] = make(map[digest]struct{})
	}
	p.expired[0][id] = struct{}{}
}

func (p *Pool) isExpired(id digest) bool {
	_, newer := p.expired[0][id]
	_, older := p.expired[1][id]
	return newer || older
}

// Propose returns the transactions of the block at height, of at most maximumBytes: those that it can charge on the
// state r, in an order in which it can. The first ones of all accounts come before the second ones, and of equals those
// with higher fees, then those that came earlier.
func (p *Pool) Propose(r Reader, height, maximumBytes int64) ([][]byte, error) {
	ordered := slices.Clone(p.ready)
	slices.SortStableFunc(ordered, func(a, b *pending) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth),
			cmp.Compare(b.Transaction.GetFeeUpokt(), a.Transaction.GetFeeUpokt()))
	})
	var block [][]byte
	state := newOverlay(r)
	for _, next := range ordered {
		size := int64(len(next.raw)) + transactionOverhead
		if size > maximumBytes {
			continue
		}
		result, err := run(state, height, next.Signed)
		if err != nil {
			return nil, err
		}
		if result.charged() {
			block = append(block, next.raw)
			maximumBytes -= size
		}
	}
	return block, nil
}

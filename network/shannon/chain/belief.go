package chain

import (
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// slack is how many blocks an endpoint may be ahead of all others and still be believed: news travels.
	slack = 2
	// leap is how many blocks a lone endpoint may be ahead of the last head, beside one for each leastInterval since then.
	leap          = 20
	leastInterval = 500 * time.Millisecond
	// leapPatience is how long a lone endpoint has to keep to a head that is further ahead, over leapClaims claims.
	leapPatience = 30 * time.Second
	leapClaims   = 3
	// startPatience is how long the first head waits for a second endpoint to say its own.
	startPatience = 5 * time.Second
	// stuckAfter is how long an endpoint's height may stand still until it does not hold up the others any more.
	stuckAfter = 3 * time.Minute
	// hashLength bounds a block's hash, in bytes.
	hashLength = 32
)

// claim is the newest head that an endpoint says there is.
type claim struct {
	height     int64
	time       time.Time
	hash       []byte
	catchingUp bool
}

// witness is what is known of an endpoint.
type witness struct {
	claim
	chain string
	// live: it has answered lately. rose is when its height rose last.
	live bool
	rose time.Time
	// leapt is since when it has claimed, times in a row, a head that is too far ahead; zero when it does not.
	leapt time.Time
	times int
}

// belief decides which heads are published. A head is believed if it is above the last one, and
//   - another live endpoint is not more than slack behind it, or
//   - there is no other live endpoint, or all of them have stood still for stuckAfter, no two at the same height, and it is
//     no more ahead of the last head than blocks can have been made since. A lone endpoint that keeps to a head further ahead is believed in the end,
//     since it may be the last head that was wrong.
//
// The first head decides which chain it is: the one of most endpoints that have answered, of several the first configured.
type belief struct {
	publish func(types.Head)

	mu        sync.Mutex
	chain     string // "" until it is known
	witnesses []witness
	began     time.Time
	last      int64
	lastAt    time.Time
}

func newBelief(endpoints int, chain string, publish func(types.Head)) *belief {
	return &belief{publish: publish, chain: chain, witnesses: make([]witness, endpoints)}
}

// take notes what an endpoint says. doubtful: it says that there is a head that is not believed, so that others should be
// asked. The error says that it is of another chain.
func (b *belief) take(from int, chain string, said claim, now time.Time) (doubtful bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.began.IsZero() {
		b.began = now
	}
	w := &b.witnesses[from]
	if said.height != w.height || w.chain != chain {
		if said.height > w.height || w.chain != chain {
			w.rose = now
		}
		w.claim = said
	}
	w.chain, w.live, w.catchingUp = chain, true, said.catchingUp
	b.decideChain(now)
	if b.chain != "" && chain != b.chain {
		return false, fmt.Errorf("%w: %q, not %q", ErrOtherChain, chain, b.chain)
	}
	b.countLeap(w, now)
	for _, candidate := range b.candidates() {
		if b.believed(candidate, now) {
			b.last, b.lastAt = b.witnesses[candidate].height, now
			b.publish(b.witnesses[candidate].head())
			return candidate != from && said.height > b.last, nil
		}
		doubtful = doubtful || candidate == from
	}
	return doubtful, nil
}

// lost notes that an endpoint does not answer.
func (b *belief) lost(from int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.witnesses[from].live = false
}

// decideChain decides which chain it is, when all have answered, or had the time to.
func (b *belief) decideChain(now time.Time) {
	if b.chain != "" || !b.heardAll() && now.Sub(b.began) < startPatience {
		return
	}
	votes, most := make(map[string]int), ""
	for _, w := range b.witnesses {
		if w.live {
			votes[w.chain]++
		}
	}
	for _, w := range b.witnesses { // in order: of several the first
		if w.live && votes[w.chain] > votes[most] {
			most = w.chain
		}
	}
	b.chain = most
}

func (b *belief) heardAll() bool {
	return !slices.ContainsFunc(b.witnesses, func(w witness) bool { return !w.live })
}

// counts reports whether an endpoint is heard: it is live, synced, and of the chain.
func (b *belief) counts(w *witness) bool {
	return w.live && !w.catchingUp && b.chain != "" && w.chain == b.chain
}

// candidates are the endpoints that claim a head above the last one, highest first.
func (b *belief) candidates() (above []int) {
	for i := range b.witnesses {
		if w := &b.witnesses[i]; b.counts(w) && w.height > b.last {
			above = append(above, i)
		}
	}
	slices.SortStableFunc(above, func(i, j int) int { return int(min(max(b.witnesses[j].height-b.witnesses[i].height, -1), 1)) })
	return above
}

// believed reports whether an endpoint's claim is believed.
func (b *belief) believed(claimant int, now time.Time) bool {
	w := &b.witnesses[claimant]
	alone, stuck := true, []int64(nil)
	for i := range b.witnesses {
		other := &b.witnesses[i]
		if i == claimant || !b.counts(other) {
			continue
		}
		if other.height >= w.height-slack {
			return true
		}
		if now.Sub(other.rose) < stuckAfter || slices.ContainsFunc(stuck, func(height int64) bool { return max(height, other.height)-min(height, other.height) <= slack }) {
			alone = false
		}
		stuck = append(stuck, other.height)
	}
	if !alone {
		return false
	}
	if b.last == 0 {
		return b.heardAll() || now.Sub(b.began) >= startPatience
	}
	return b.reachable(w.height, now) || w.times >= leapClaims && now.Sub(w.leapt) >= leapPatience
}

// reachable reports whether blocks up to a height can have been made since the last head.
func (b *belief) reachable(height int64, now time.Time) bool {
	return height-b.last <= leap+int64(now.Sub(b.lastAt)/leastInterval)
}

// countLeap notes whether an endpoint keeps to a head that is too far ahead.
func (b *belief) countLeap(w *witness, now time.Time) {
	if b.last == 0 || b.reachable(w.height, now) {
		w.leapt, w.times = time.Time{}, 0
		return
	}
	if w.times++; w.times == 1 {
		w.leapt = now
	}
}

func (c *claim) head() types.Head {
	return types.Head{Height: c.height, BlockHash: c.hash, Time: c.time}
}

// hexDecode reads a block's hash.
func hexDecode(read []byte) ([]byte, error) {
	if len(read) > 2*hashLength {
		return nil, fmt.Errorf("%d digits", len(read))
	}
	return hex.DecodeString(string(read))
}

package wire

import (
	"errors"
	"sync"
)

// ErrNoRoom is returned for an answer that was cut off because too many bytes of answers were in memory. That is this
// program's fault, not the far side's.
var ErrNoRoom = errors.New("too many bytes of answers are in memory")

// roomShare is what part of the room that is left one holder may have. So those that hold most are the first to be cut off,
// the room is never used up, and however many answers a holder gives at once, others find room for theirs.
const roomShare = 8

// Room bounds the bytes of answers in memory, over all connections that read into it. What is taken is not waited for: there
// is room, or the answer is cut off.
type Room struct {
	most int

	mu    sync.Mutex
	taken int
	// held bytes by holder.
	held map[string]int
}

// NewRoom returns a room for so many bytes.
func NewRoom(most int) *Room { return &Room{most: most, held: make(map[string]int)} }

// take takes room for a holder; false when there is none. Leave has to follow.
func (r *Room) take(holder string, bytes int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[holder]+bytes > (r.most-r.taken)/roomShare {
		return false
	}
	r.taken += bytes
	r.held[holder] += bytes
	return true
}

// Leave gives back what answers of a holder have taken (Answer.Held).
func (r *Room) Leave(holder string, bytes int) {
	if bytes == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= bytes
	if r.held[holder] -= bytes; r.held[holder] == 0 {
		delete(r.held, holder)
	}
}

// Taken returns how many bytes are taken.
func (r *Room) Taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken
}

const (
	// freeBody is how much of a body, and freeHeader how much of a header, takes no room: the usual answer is not counted.
	freeBody   = 4 << 10
	freeHeader = 4 << 10
	// headerCost is how many bytes one of a header takes in memory at most: an empty line of it has an entry in a map.
	headerCost = 32
)

// portion is the part of a room that one answer has taken. Without a room it has no bounds.
type portion struct {
	room   *Room
	holder string
	taken  int
}

// take takes more; false when there is no room.
func (p *portion) take(bytes int) bool {
	if p.room == nil || bytes <= 0 {
		return true
	}
	if !p.room.take(p.holder, bytes) {
		return false
	}
	p.taken += bytes
	return true
}

// leave gives back all that was taken.
func (p *portion) leave() {
	if p.room != nil {
		p.room.Leave(p.holder, p.taken)
	}
	p.taken = 0
}

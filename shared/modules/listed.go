package modules

import (
	"slices"
	"unique"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ListedSession is what a list of stored sessions says of one.
type ListedSession struct {
	// Session without its servicers and the rules that it is judged by, but for what says when and of whom it is. It must not be
	// changed: lists share it.
	Session *types.QoSSession
	// Members are the addresses of its servicers.
	Members []unique.Handle[string]
	// Stamp of what is stored of it.
	Stamp Stamp
	// Disputed are the indices of the rounds in which somebody contradicted a majority, ascending; while samples are held in memory
	// there may be others among them. It is nil, and Searched false, while these are not known.
	Disputed []uint32
	Searched bool
}

// HasMember reports whether a servicer is a member.
func (l *ListedSession) HasMember(servicer unique.Handle[string]) bool {
	return slices.Contains(l.Members, servicer)
}

// Stamp tells what is stored of a session from what was stored of it before: equal stamps are of equal content, in one
// process and across restarts.
type Stamp struct {
	// Session is a checksum of the session; Rounds is how many rounds it has, Sum the sum of their checksums, mixed.
	Session uint32
	Rounds  int
	Sum     uint64
	// Held is when the samples began to be held in memory, in nanoseconds since the Unix epoch, and one more while what is on
	// the disk cannot be read; 0 while they are durable.
	Held int64
}

// Mark is a round's part in a stamp: a checksum of the round as it is stored.
type Mark uint32

// AddedRounds are the rounds of a session that a reader does not know.
type AddedRounds struct {
	// Session is the whole session, and Stamp what is stored of it.
	Session *types.QoSSession
	Stamp   Stamp
	// Rounds that were not known, without the envelopes that they are proven by, ordered by index, and their marks.
	Rounds []*types.QoSRound
	Marks  []Mark
	// Again: what was known is not what is stored, or cannot be compared with it. Rounds are all of the session's.
	Again bool
}

package samples

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// mostParts bounds what is kept for windows of closed sessions, in bytes: with 24 servicers and 10 checks one takes some
	// 2 KiB, so that it is all that a store keeps unless sessions are large. mostTexts bounds their reports, some 4 KiB each. What is
	// not kept of older sessions is made of their rounds each time.
	mostParts = 20 << 20
	mostTexts = 12 << 20
	// mostPlain bounds the reports of closed sessions that are kept as plain text, too; of others it is unpacked.
	mostPlain = 16 << 20
)

// digests sums sessions up, and keeps what was made as long as what is stored of a session is the same: of open ones while they
// are stored, of closed ones within bounds.
type digests struct {
	store Store

	mu sync.Mutex
	// open are the sessions that are being summed up, by id.
	open map[string]*openDigest
	// parts are those of closed sessions, closed their reports, plain the texts of the newest of these.
	parts  *newest[keptPart]
	closed *newest[*digest]
	plain  *newest[plainText]
	// listed is what is kept of, as it was listed last.
	listed listed
}

// listed tells a list of sessions from one in which some came or went. One may go from the middle while another one comes there: then
// that is found out with the next.
type listed struct {
	count       int
	first, last string
}

// keptPart is what windows take of a closed session.
type keptPart struct {
	stamp modules.Stamp
	part  *qos.WindowPart
}

// digest is a session summed up. Nobody changes it once it is made.
type digest struct {
	stamp modules.Stamp
	// id of a closed session, and when it was taken up.
	id     string
	joined int64
	// report and part, which is nil of a session that is not closed, are those of one that was just summed up. Of a closed one
	// the text is kept.
	report *api.SessionReport
	part   *qos.WindowPart

	encode sync.Once
	text   *sessionText
	err    error
}

// plainText is the plain text of a closed session.
type plainText struct {
	of   *sessionText
	text []byte
}

// openDigest sums a session up as its rounds come.
type openDigest struct {
	// wanted: it was asked for since sessions came or went. It requires the lock of digests, what follows requires mu.
	wanted bool

	mu      sync.Mutex
	running *qos.Running
	known   map[uint32]modules.Mark
	// newest is the digest that was made last; nil for none.
	newest *digest
}

func newDigests(store Store) *digests {
	return &digests{store: store, open: make(map[string]*openDigest),
		parts: newNewest[keptPart](mostParts), closed: newNewest[*digest](mostTexts), plain: newNewest[plainText](mostPlain)}
}

// retain lets go of what is of sessions that are not stored, and of running sums of closed ones that nobody has asked for since
// sessions came or went before.
func (d *digests) retain(list []modules.ListedSession) {
	now := listed{count: len(list)}
	if len(list) > 0 {
		now.first, now.last = list[0].Session.GetHeader().GetId(), list[len(list)-1].Session.GetHeader().GetId()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now == d.listed {
		return
	}
	d.listed = now
	stored, closed := make(map[string]bool, len(list)), make(map[string]bool)
	for i := range list {
		id := list[i].Session.GetHeader().GetId()
		stored[id] = true
		if d.open[id] != nil {
			closed[id] = list[i].Session.GetClosed()
		}
	}
	d.parts.retain(stored)
	d.closed.retain(stored)
	d.plain.retain(stored)
	for id, open := range d.open {
		if !stored[id] || closed[id] && !open.wanted {
			delete(d.open, id)
		}
		open.wanted = false
	}
}

// of returns the digest of a session, of what is stored of it by now.
func (d *digests) of(ctx context.Context, listed *modules.ListedSession) (*digest, error) {
	d.mu.Lock()
	kept, is := d.closed.get(listed.Session.GetHeader().GetId())
	d.mu.Unlock()
	if is && kept.stamp == listed.Stamp {
		return kept, nil
	}
	made, err := d.sumUp(ctx, listed)
	if err != nil || made.part == nil {
		return made, err
	}
	kept, plain, err := d.keep(listed, made)
	if err == nil {
		d.keepPlain(kept, plain)
	}
	return kept, err
}

// keepPlain keeps the plain text of a digest that is kept, if there is room.
func (d *digests) keepPlain(kept *digest, plain []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plain.admits(kept.id, kept.joined) {
		d.plain.put(kept.id, kept.joined, plainText{kept.text, plain}, len(plain))
	}
}

// ready sums a closed session up if what is kept of it is not of what is stored, and there is room for it. It reports whether
// it did.
func (d *digests) ready(ctx context.Context, listed *modules.ListedSession) (summed bool, err error) {
	id, joined := listed.Session.GetHeader().GetId(), listed.Session.GetJoinedUnixNano()
	d.mu.Lock()
	part, hasPart := d.parts.get(id)
	report, hasReport := d.closed.get(id)
	reported := hasReport && report.stamp == listed.Stamp || !d.closed.admits(id, joined)
	is := reported && (hasPart && part.stamp == listed.Stamp || !d.parts.admits(id, joined))
	d.mu.Unlock()
	if is {
		return false, nil
	}
	made, err := d.sumUp(ctx, listed)
	if err == nil && made.part != nil && !reported {
		_, _, err = d.keep(listed, made)
	}
	return true, err
}

// partOf returns what windows take of a session; nil of one that is not closed.
func (d *digests) partOf(ctx context.Context, listed *modules.ListedSession) (*qos.WindowPart, error) {
	id := listed.Session.GetHeader().GetId()
	d.mu.Lock()
	kept, is := d.parts.get(id)
	reported := d.closed.admits(id, listed.Session.GetJoinedUnixNano())
	d.mu.Unlock()
	if is && kept.stamp == listed.Stamp {
		return kept.part, nil
	}
	made, err := d.sumUp(ctx, listed)
	if err != nil || made.part == nil {
		return nil, err
	}
	if reported { // its rounds are not read again for the report
		_, _, err = d.keep(listed, made)
	}
	return made.part, err
}

// sumUp returns the digest of a session with its report and, if it is closed, its part, which is kept.
func (d *digests) sumUp(ctx context.Context, listed *modules.ListedSession) (*digest, error) {
	id := listed.Session.GetHeader().GetId()
	d.mu.Lock()
	open := d.open[id]
	if open == nil {
		open = new(openDigest)
		d.open[id] = open
	}
	open.wanted = true
	d.mu.Unlock()
	open.mu.Lock()
	defer open.mu.Unlock()
	if open.newest != nil && open.newest.stamp == listed.Stamp {
		return open.newest, nil
	}
	made, closed, err := open.update(ctx, d.store, id)
	if err != nil || !closed {
		return made, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts.put(id, listed.Session.GetJoinedUnixNano(), keptPart{made.stamp, made.part}, made.part.Bytes())
	if d.open[id] == open {
		delete(d.open, id)
	}
	return made, nil
}

// keep keeps the report of a closed session as text, and returns it with the plain text.
func (d *digests) keep(listed *modules.ListedSession, made *digest) (kept *digest, plain []byte, err error) {
	text, err := d.encoded(made)
	if err != nil {
		return nil, nil, err
	}
	text, plain = text.closed()
	kept = &digest{stamp: made.stamp, id: listed.Session.GetHeader().GetId(), joined: listed.Session.GetJoinedUnixNano(), text: text}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed.put(kept.id, kept.joined, kept, text.bytes())
	return kept, plain, nil
}

// update adds the rounds that are new, or all of them if what is known is not what is stored. It requires mu.
func (o *openDigest) update(ctx context.Context, store Store, id string) (made *digest, closed bool, err error) {
	added, err := store.Added(ctx, id, len(o.known), func(index uint32) (mark modules.Mark, is bool) {
		mark, is = o.known[index]
		return mark, is
	})
	if err != nil {
		return nil, false, err
	}
	if !o.add(&added) {
		// A round came after one that was asked later.
		o.known = nil
		none := func(uint32) (modules.Mark, bool) { return 0, false }
		if added, err = store.Added(ctx, id, 0, none); err != nil {
			return nil, false, err
		}
		if !o.add(&added) {
			o.known = nil
			return nil, false, fmt.Errorf("rounds of session %s are not in order", id)
		}
	}
	if !added.Session.GetClosed() { // windows have complete sessions only
		o.newest = &digest{stamp: added.Stamp, report: new(o.running.Report(added.Session))}
		return o.newest, false, nil
	}
	summed := o.running.Digest(added.Session)
	o.newest = &digest{stamp: added.Stamp, part: summed.Part, report: &summed.Report}
	return o.newest, true, nil
}

// add adds rounds, and reports whether they follow those that are known.
func (o *openDigest) add(added *modules.AddedRounds) bool {
	if added.Again || o.known == nil {
		if !added.Again {
			return false
		}
		o.running, o.known = qos.NewRunning(added.Session), make(map[uint32]modules.Mark, len(added.Rounds))
	}
	if !o.running.Fits(added.Session) {
		return false
	}
	for i, round := range added.Rounds {
		if !o.running.Add(round) {
			return false
		}
		o.known[round.GetIndex()] = added.Marks[i]
	}
	return true
}

// encoded returns the report of a digest as text.
func (d *digests) encoded(made *digest) (*sessionText, error) {
	if made.report != nil {
		made.encode.Do(func() { made.text, made.err = textOf(*made.report) })
	}
	return made.text, made.err
}

// plainOf returns the plain text of a digest whose text is encoded, and keeps it if there is room; nil if there is none, so that it
// is unpacked where it is needed.
func (d *digests) plainOf(made *digest) ([]byte, error) {
	if made.text.plain != nil {
		return made.text.plain, nil
	}
	d.mu.Lock()
	kept, is := d.plain.get(made.id)
	room := d.plain.admits(made.id, made.joined)
	d.mu.Unlock()
	switch {
	case is && kept.of == made.text:
		return kept.text, nil
	case !room:
		return nil, nil
	}
	plain, err := made.text.piece.Text()
	if err == nil {
		d.keepPlain(made, plain)
	}
	return plain, err
}

// unpacked returns the plain text of a digest whose text is encoded.
func (d *digests) unpacked(made *digest) ([]byte, error) {
	if plain, err := d.plainOf(made); plain != nil || err != nil {
		return plain, err
	}
	return made.text.piece.Text()
}

// reportOf returns the report of a digest.
func (d *digests) reportOf(id string, made *digest) (report api.SessionReport, err error) {
	if made.report != nil {
		return *made.report, nil
	}
	plain, err := d.unpacked(made)
	if err == nil {
		err = json.Unmarshal(plain, &report)
	}
	if err != nil {
		return api.SessionReport{}, fmt.Errorf("report of session %s: %w", id, err)
	}
	for i := range report.Servicers {
		report.Servicers[i].OutcomeCounts = nil // presentation adds them
	}
	return report, nil
}

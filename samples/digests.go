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
	// mostDigests bounds the digests of closed sessions that are kept, in bytes; with 24 servicers and 10 checks one takes some
	// 10 KiB. Those of older sessions are made of their rounds each time.
	mostDigests = 32 << 20
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
	// closed are digests of closed sessions, plain the texts of the newest.
	closed *newest[*digest]
	plain  *newest[plainText]
}

// digest is a session summed up. Nobody changes it once it is made.
type digest struct {
	stamp modules.Stamp
	// part is what windows take of a closed session.
	part *qos.WindowPart
	// report is that of a session that is not closed; the text of a closed one is made.
	report *api.SessionReport

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
	mu      sync.Mutex
	running *qos.Running
	known   map[uint32]modules.Mark
	// newest is the digest that was made last; nil for none.
	newest *digest
}

func newDigests(store Store) *digests {
	return &digests{store: store, open: make(map[string]*openDigest), closed: newNewest[*digest](mostDigests), plain: newNewest[plainText](mostPlain)}
}

// retain lets go of what is of sessions that are not stored.
func (d *digests) retain(list []modules.ListedSession) {
	stored := make(map[string]bool, len(list))
	for i := range list {
		stored[list[i].Session.GetHeader().GetId()] = true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed.retain(stored)
	d.plain.retain(stored)
	for id := range d.open {
		if !stored[id] {
			delete(d.open, id)
		}
	}
}

// of returns the digest of a session, of what is stored of it by now.
func (d *digests) of(ctx context.Context, listed *modules.ListedSession) (*digest, error) {
	id := listed.Session.GetHeader().GetId()
	d.mu.Lock()
	if kept, is := d.closed.get(id); is && kept.stamp == listed.Stamp {
		d.mu.Unlock()
		return kept, nil
	}
	open := d.open[id]
	if open == nil {
		open = new(openDigest)
		d.open[id] = open
	}
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
	text, err := textOf(*made.report)
	if err != nil {
		return nil, err
	}
	text, plain := text.closed()
	kept := &digest{stamp: made.stamp, part: made.part, text: text}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed.put(id, listed.Session.GetJoinedUnixNano(), kept, text.bytes()+kept.part.Bytes())
	d.plain.put(id, listed.Session.GetJoinedUnixNano(), plainText{text, plain}, len(plain))
	if d.open[id] == open {
		delete(d.open, id)
	}
	return kept, nil
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

// textOf returns the plain text of a session, if it is kept or need not be unpacked; nil otherwise.
func (d *digests) plainOf(id string, text *sessionText) []byte {
	if text.plain != nil {
		return text.plain
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if kept, is := d.plain.get(id); is && kept.of == text {
		return kept.text
	}
	return nil
}

// unpacked returns the plain text of a session.
func (d *digests) unpacked(id string, text *sessionText) ([]byte, error) {
	if plain := d.plainOf(id, text); plain != nil {
		return plain, nil
	}
	return text.piece.Text()
}

// reportOf returns the report of a digest.
func (d *digests) reportOf(id string, made *digest) (report api.SessionReport, err error) {
	if made.report != nil {
		return *made.report, nil
	}
	plain, err := d.unpacked(id, made.text)
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

package fisherman

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// recallLimit is how long the loop waits for what an earlier run stored before it takes sessions up without it. What is
// asked again then is stored only once: the first round of an index wins.
const recallLimit = 2 * time.Second

var errRecallSlow = fmt.Errorf("not read within %v; sessions are taken up without it", recallLimit)

// recalled is what an earlier run stored.
type recalled struct {
	sessions []*types.QoSSession
	// rounds of the sessions that are not closed, by session id.
	rounds map[string][]*types.QoSRound
	err    error
}

// recall reads what an earlier run stored. A session whose rounds cannot be read is sampled anew.
func (f *Fisherman) recall(ctx context.Context) (found recalled) {
	found.rounds = make(map[string][]*types.QoSRound)
	if found.sessions, found.err = f.store.Sessions(ctx); found.err != nil {
		return found
	}
	for _, session := range found.sessions {
		id := session.GetHeader().GetId()
		if session.GetClosed() {
			continue
		}
		rounds, err := f.store.Rounds(ctx, id)
		if err != nil && !errors.Is(err, modules.ErrUnknownSession) {
			found.err = fmt.Errorf("read rounds of session %s: %w", id, err)
			continue
		}
		found.rounds[id] = rounds
	}
	return found
}

// session returns what is stored of a session of an earlier run; nil when it is not known, or its rounds are not.
func (r *recalled) session(id string) (*types.QoSSession, []*types.QoSRound) {
	rounds, known := r.rounds[id]
	if !known {
		return nil, nil
	}
	for _, session := range r.sessions {
		if session.GetHeader().GetId() == id {
			return session, rounds
		}
	}
	return nil, nil
}

// current are the fisherman's sessions at a head.
type current struct {
	head types.Head
	// at is when the head came.
	at       time.Time
	sessions []*types.Session
	// policies of the sessions that were not known, by id; errs of those that have none.
	policies map[string]Policy
	errs     map[string]error
	err      error
}

// readCurrent reads the sessions at a head, and the policies of those that are not known.
func (f *Fisherman) readCurrent(ctx context.Context, head types.Head, at time.Time, known map[string]bool) (found current) {
	found = current{head: head, at: at, policies: make(map[string]Policy), errs: make(map[string]error)}
	found.sessions, found.err = f.network.Sessions(ctx, head.Height)
	for _, session := range found.sessions {
		id := session.GetHeader().GetId()
		if known[id] {
			continue
		}
		policy, err := f.network.Policy(ctx, session)
		if err != nil {
			found.errs[id] = fmt.Errorf("read policy of session %s: %w", id, err)
			continue
		}
		found.policies[id] = policy
	}
	return found
}

// onRecalled takes note of what an earlier run stored, or that it cannot be waited for any longer.
func (l *loop) onRecalled(found recalled) {
	if l.recalled != nil {
		return
	}
	if found.err != nil {
		l.fault("recall sessions", found.err)
	}
	l.recalled = &found
	l.read()
}

// read has the sessions of the newest head read, unless that is under way or has been done.
func (l *loop) read() {
	if l.recalled == nil || l.reading || l.unread == nil {
		return
	}
	head, at := l.unread.head, l.unread.at
	l.reading, l.unread = true, nil
	known := make(map[string]bool, len(l.followed))
	for id := range l.followed {
		known[id] = true
	}
	l.workers.Go(func() { l.currents <- l.readCurrent(l.ctx, head, at, known) })
}

// onCurrent takes up sessions that have begun, and learns of changed members.
func (l *loop) onCurrent(found current) {
	l.reading = false
	defer l.read()
	if !l.tidied {
		l.tidied = true
		l.closeLeftOpen(found.head.Height)
	}
	if found.err != nil {
		l.fault("read own sessions", found.err)
		return
	}
	for _, w := range l.followed {
		w.left = found.head.Height < w.span.End
	}
	var begun []*followed
	for _, session := range found.sessions {
		if w := l.follow(session, found); w != nil {
			begun = append(begun, w)
		}
	}
	l.takeUp(begun)
}

// follow updates the members of a session that is followed already, and returns one that is followed from now on.
func (l *loop) follow(session *types.Session, found current) (begun *followed) {
	id := session.GetHeader().GetId()
	known, ok := l.followed[id]
	if !ok {
		if err := found.errs[id]; err != nil {
			l.fault("take up session", err)
			return nil
		}
		policy, read := found.policies[id]
		if !read {
			return nil // it was closed while the head was read
		}
		var err error
		if known, err = l.plan(session, policy); err != nil {
			l.fault("take up session", err)
			return nil
		}
		if name := session.GetHeader().GetRelayChain(); known.chain.Probe == nil && session.GetRelayHead() > 0 {
			l.relayHeads.learn(name, session.GetRelayHead(), found.at)
		}
		known.begin(found.head, found.at)
		if stored, rounds := l.recalled.session(id); stored != nil {
			known.resume(stored, rounds)
		}
		l.followed[id] = known
		begun = known
		l.firstEnd = min(l.firstEnd, known.span.End)
		l.config.Logger.Info("session taken up", "session", id, "height", found.head.Height,
			"relay_chain", session.GetHeader().GetRelayChain(), "servicers", len(session.GetServicers()))
	}
	known.left = false
	if known.adopt(session) || !ok {
		l.writer.putSession(known.stored)
	}
	return begun
}

// plan plans a session. The relay chain that its policy brings along is known from then on.
func (f *Fisherman) plan(session *types.Session, policy Policy) (*followed, error) {
	name := session.GetHeader().GetRelayChain()
	if policy.Chain != nil {
		if err := f.chains.set(name, *policy.Chain); err != nil {
			return nil, err
		}
	}
	return newFollowed(f.config.Secret, session, policy, f.chains.of(name))
}

// closeLeftOpen closes the sessions that an earlier run was stopped in and that are over by now. What they lack was never
// asked.
func (l *loop) closeLeftOpen(height int64) {
	for _, session := range l.recalled.sessions {
		end := schedule.NewSpan(session.GetHeader().GetStartHeight(), session.GetBlocks()).End
		if session.GetClosed() || height < end {
			continue
		}
		session.Closed = true
		l.writer.putSession(session)
	}
}

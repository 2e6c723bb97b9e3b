package local

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// view reads what was stored before the disk failed. It is opened on first use.
type view struct {
	once  sync.Once
	open  func() *Store
	store *Store
}

func (s *Samples) newView() *view {
	return &view{open: func() *Store {
		options := s.options
		options.readOnly = true
		store, err := open(s.dir, options, s.files)
		if err != nil && !errors.Is(err, errNothingStored) {
			s.options.Logger.Warn("what was stored before the disk failed cannot be read for now", "error", err)
		}
		return store
	}}
}

// get returns the store to read from; nil when nothing can be read.
func (v *view) get() *Store {
	v.once.Do(func() { v.store = v.open() })
	return v.store
}

// set gives the view its store.
func (v *view) set(store *Store) { v.once.Do(func() { v.store = store }) }

// close closes the view. It is not opened again.
func (v *view) close() {
	v.once.Do(func() {})
	if v.store != nil {
		_ = v.store.Close()
	}
}

// mergeSessions returns the sessions of two stores, oldest first. Of one that both have, it returns the newer store's.
func mergeSessions(older, newer []*types.QoSSession) []*types.QoSSession {
	known := make(map[string]bool)
	for _, session := range newer {
		known[session.GetHeader().GetId()] = true
	}
	merged := append([]*types.QoSSession{}, newer...)
	for _, session := range older {
		if !known[session.GetHeader().GetId()] {
			merged = append(merged, session)
		}
	}
	slices.SortFunc(merged, func(a, b *types.QoSSession) int { return bytes.Compare(keyOf(a), keyOf(b)) })
	return merged
}

// keyOf returns the key of a stored session.
func keyOf(session *types.QoSSession) []byte {
	id, _ := sampledID(session.GetHeader().GetId())
	return sessionKey(id, session.GetHeader().GetStartHeight(), session.GetJoinedUnixNano())
}

// mergeRounds returns a session's rounds in two stores, ordered by index. Of one that both have, it returns the older
// store's.
func mergeRounds(older, newer []*types.QoSRound) []*types.QoSRound {
	merged := append(append([]*types.QoSRound{}, older...), newer...)
	slices.SortStableFunc(merged, func(a, b *types.QoSRound) int { return int(a.GetIndex()) - int(b.GetIndex()) })
	return slices.CompactFunc(merged, func(a, b *types.QoSRound) bool { return a.GetIndex() == b.GetIndex() })
}

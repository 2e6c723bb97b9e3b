package local

import (
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// sessionsByID is a set of sessions, safe for concurrent use. The zero value is empty.
type sessionsByID struct {
	mu   sync.Mutex
	byID map[string]*types.QoSSession
}

func (s *sessionsByID) put(id string, session *types.QoSSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*types.QoSSession)
	}
	s.byID[id] = session
}

func (s *sessionsByID) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

func (s *sessionsByID) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byID)
}

func (s *sessionsByID) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

func (s *sessionsByID) all() []*types.QoSSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sessions []*types.QoSSession
	for _, session := range s.byID {
		sessions = append(sessions, session)
	}
	return sessions
}

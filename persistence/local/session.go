package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// PutSession stores a session, or replaces the one of the same id; its rounds stay. It removes the oldest other sessions
// where the caps ask for it. Errors: ErrFull, ErrClosed, a malformed id.
func (s *Store) PutSession(ctx context.Context, session *types.QoSSession) error {
	header := session.GetHeader()
	id, err := parseSessionID(header.GetId())
	if err != nil {
		return fmt.Errorf("store session: id: %w", err)
	}
	key := sessionKey(id, header.GetStartHeight(), session.GetJoinedUnixNano())
	record, err := encodeRecord(key, session)
	if err != nil {
		return fmt.Errorf("store session %s: %w", id, err)
	}
	err = s.change(ctx, func() error { return s.putSession(id, key, record) })
	if err != nil {
		return fmt.Errorf("store session %s: %w", id, err)
	}
	return nil
}

func (s *Store) putSession(id sessionID, key, record []byte) error {
	added, growth := 1, recordSize(key, record)
	old := s.catalogue.byID[id]
	if old != nil {
		added, growth = 0, growth-old.size
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	if old != nil {
		if err := batch.Delete(old.key, nil); err != nil {
			return err
		}
	}
	if err := batch.Set(key, record, nil); err != nil {
		return err
	}
	if err := s.commitWithin(batch, id, added, growth); err != nil {
		return err
	}
	s.catalogue.putSession(id, key, recordSize(key, record))
	return nil
}

// Sessions are the stored sessions, oldest first: by start height, then by the time they were taken up, then by id.
// Errors: ErrCorrupt, ErrClosed.
func (s *Store) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	var sessions []*types.QoSSession
	err := s.read(ctx, func() error {
		sessions = []*types.QoSSession{}
		lower, upper := sessionBounds()
		return scan(ctx, s.db.DB, lower, upper, func(key, record []byte) error {
			session, err := decodeSession(key, record)
			sessions = append(sessions, session)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return sessions, nil
}

// Session is the stored session of an id. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (s *Store) Session(ctx context.Context, id string) (session *types.QoSSession, err error) {
	parsed, err := parseSessionID(id)
	if err != nil {
		return nil, fmt.Errorf("read session: %w: %w", modules.ErrUnknownSession, err)
	}
	err = s.read(ctx, func() error {
		e := s.catalogue.byID[parsed]
		if e == nil {
			return modules.ErrUnknownSession
		}
		record, closer, err := s.db.Get(e.key)
		if err != nil {
			return err
		}
		session, err = decodeSession(e.key, record)
		return errors.Join(err, closer.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("read session %s: %w", id, err)
	}
	return session, nil
}

package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Sessions returns the stored sessions, oldest first: by start height, then by the time they were taken up, then by key.
// Errors: ErrCorrupt, ErrClosed.
func (s *Store) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	var sessions []*types.QoSSession
	err := s.read(ctx, func() error {
		sessions = []*types.QoSSession{}
		lower, upper := sessionBounds()
		return scan(ctx, s.db.durable, lower, upper, func(key, record []byte) error {
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

// Session returns the stored session of an id. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (s *Store) Session(ctx context.Context, id string) (session *types.QoSSession, err error) {
	parsed, err := sampledID(id)
	if err != nil {
		return nil, fmt.Errorf("read session: %w: %w", modules.ErrUnknownSession, err)
	}
	err = s.read(ctx, func() error {
		e := s.catalogue.byID[parsed]
		if e == nil {
			return modules.ErrUnknownSession
		}
		session, err = s.readSession(e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read session %s: %w", id, err)
	}
	return session, nil
}

// readSession reads the record of a session.
func (s *Store) readSession(e *entry) (*types.QoSSession, error) {
	record, closer, err := s.db.durable.Get(e.key)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(e.key, record)
	return session, errors.Join(err, closer.Close())
}

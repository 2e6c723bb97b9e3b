package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"syscall"
)

// openDisk opens the durable store. A damaged one is set aside, and a new one with what can be read is opened in its place.
func (s *Samples) openDisk(ctx context.Context) (*Store, error) {
	disk, err := open(s.dir, s.options, s.files)
	// A disk that takes data and does not return what it took is treated like one with damaged files.
	unreadable := errors.Is(err, syscall.EIO) && probe(s.files, s.dir) == nil
	if err == nil || !damaged(err) && !unreadable {
		return disk, err
	}
	aside, moveErr := s.moveAside()
	if moveErr != nil {
		return nil, fmt.Errorf("set the damaged store aside: %w (%w)", moveErr, err)
	}
	s.setAside = aside
	disk, openErr := open(s.dir, s.options, s.files)
	if openErr != nil {
		return nil, fmt.Errorf("%w (the damaged store was set aside as %s: %w)", openErr, aside, err)
	}
	salvaged := s.salvage(ctx, aside, disk)
	s.options.Logger.Error("the sample store was damaged and is set aside; what could be read is copied to a new one",
		"set_aside", aside, "sessions_taken_over", salvaged, "damage", err)
	return disk, nil
}

// damaged reports whether a store cannot be opened because of its files, as opposed to what the system refuses.
func damaged(err error) bool {
	if errors.Is(err, ErrForeign) || errors.Is(err, ErrInUse) {
		return false
	}
	if errors.Is(err, ErrCorrupt) || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	_, system := errors.AsType[syscall.Errno](err)
	return !system
}

// moveAside renames the store's directory and returns the new name.
func (s *Samples) moveAside() (aside string, err error) {
	lock, err := lockDirectory(s.dir, s.files, false)
	if err != nil {
		return "", err
	}
	aside = s.dir + ".damaged-" + s.now().UTC().Format("20060102T150405Z")
	if _, err = s.files.Stat(aside); err == nil {
		err = fmt.Errorf("%s exists already", aside)
	} else {
		err = s.files.Rename(s.dir, aside)
	}
	return aside, errors.Join(err, lock.Close())
}

// salvage copies the sessions of a damaged store that can be read with all their rounds. It returns how many these are.
func (s *Samples) salvage(ctx context.Context, aside string, to *Store) (salvaged int) {
	options := s.options
	options.readOnly, options.Logger = true, slog.New(slog.DiscardHandler)
	from, err := openDatabase(aside, s.files, options, failureHooks{stopped: func(error) {}, background: func(error) {}})
	if err != nil {
		return 0
	}
	defer func() { _ = from.Close() }()
	uncounted := salvageHistory(ctx, from, to)
	lower, upper := sessionBounds()
	// An unreadable table ends the scan; the sessions after it are not found.
	_ = scan(ctx, from.durable, lower, upper, func(key, record []byte) error {
		session, err := decodeSession(key, record)
		if err != nil {
			return nil
		}
		id, _ := idInSessionKey(key)
		rounds, err := readRounds(ctx, from.durable, id)
		if err == nil && to.take(ctx, session, rounds, uncounted) == nil {
			salvaged++
		}
		return nil
	})
	return salvaged
}

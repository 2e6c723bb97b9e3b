package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// events streams events until the client goes, is too slow, or the server ends. An error means that nothing was sent.
func (s *Server) events(ctx context.Context, w http.ResponseWriter, r *http.Request, _ query) error {
	after, err := lastEventID(r.Header)
	if err != nil {
		return err
	}
	if s.readers.Events == nil {
		return ErrNoFisherman
	}
	listening, cancel := context.WithCancel(ctx)
	stream := newEventStream(w, s.limits.write)
	leave, err := s.streams.enter(listening, r, func() { cancel(); stream.hurry() })
	if err != nil {
		cancel()
		return err
	}
	defer leave()
	defer cancel()
	defer stream.finish()
	missed, coming, err := s.listen(listening, after)
	if err != nil {
		return fmt.Errorf("listen to events: %w", err)
	}
	written, err := s.unwritten.put(sizeOf(missed))
	if err != nil {
		return err
	}
	defer written()
	setHeaders(w.Header(), "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	err = stream.replay(missed)
	if missed = nil; err == nil {
		written()
		err = stream.run(listening, coming, s.limits.keepAlive)
	}
	if err != nil {
		s.logger.Debug("rpc listener went away", "path", r.URL.Path, "error", err)
	}
	return nil
}

// listen begins to listen. What was missed is read in turn with other reads; the turn is not waited for longer than an answer
// may take.
func (s *Server) listen(ctx context.Context, after int64) (missed []samples.Event, coming <-chan samples.Event, err error) {
	if after == 0 {
		return s.readers.Events.Listen(ctx, 0)
	}
	patience, cancel := context.WithTimeout(ctx, s.limits.answer)
	defer cancel()
	err = takeTurn(patience, s.reading, func() (err error) {
		missed, coming, err = s.readers.Events.Listen(ctx, after)
		return err
	})
	return missed, coming, err
}

// sizeOf returns how many bytes events have.
func sizeOf(events []samples.Event) (bytes int) {
	for _, event := range events {
		bytes += len(event.Data)
	}
	return bytes
}

// lastEventID is the id of the last event that a client heard; 0 when it heard none.
func lastEventID(header http.Header) (int64, error) {
	given := header.Get("Last-Event-ID")
	if given == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(given, 10, 64)
	if err != nil || id < 1 {
		return 0, &refusal{http.StatusBadRequest, api.ErrorCodeBadRequest, "Last-Event-ID is not the id of an event"}
	}
	return id, nil
}

// eventStream writes server-sent events (HTML Living Standard, section 9.2).
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController

	mu sync.Mutex
	// patience is how long one write may take; until is when all writes have to be done, if it is set.
	patience time.Duration
	until    time.Time
	finished bool
}

// lastPatience is how long a stream that has to end may go on writing.
const lastPatience = 250 * time.Millisecond

func newEventStream(w http.ResponseWriter, patience time.Duration) *eventStream {
	return &eventStream{w: w, control: http.NewResponseController(w), patience: patience}
}

// replay writes what was missed, all of it within the time that one write may take. The comment at its start tells the client
// that it is listening.
func (e *eventStream) replay(missed []samples.Event) error {
	e.setUntil(time.Now().Add(e.patience))
	defer e.setUntil(time.Time{})
	if err := e.write(": listening\n\n"); err != nil {
		return err
	}
	for _, event := range missed {
		if err := e.event(event); err != nil {
			return err
		}
	}
	return nil
}

// run writes what comes until nothing does any more.
func (e *eventStream) run(ctx context.Context, coming <-chan samples.Event, keepAlive time.Duration) error {
	ticks := time.NewTicker(keepAlive)
	defer ticks.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-coming:
			if !open {
				return errors.New("it is too slow")
			}
			err = e.event(event)
		case <-ticks.C:
			err = e.write(": alive\n\n")
		}
		if err != nil {
			return err
		}
	}
}

func (e *eventStream) event(event samples.Event) error {
	id := ""
	if event.ID != 0 {
		id = "id: " + strconv.FormatInt(event.ID, 10) + "\n"
	}
	return e.write(id + "event: " + string(event.Kind) + "\ndata: " + string(event.Data) + "\n\n")
}

// hurry leaves the write that is under way little time, until the stream is finished. Another goroutine may call it.
func (e *eventStream) hurry() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.finished {
		return // its connection may serve another request
	}
	e.patience = min(e.patience, lastPatience)
	_ = e.extend()
}

// finish ends the effect of hurry.
func (e *eventStream) finish() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finished = true
}

// setUntil sets when all writes have to be done.
func (e *eventStream) setUntil(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = until
}

// extend gives what is written from now on its time; it requires mu. A writer without deadlines, as tests have, goes
// without.
func (e *eventStream) extend() error {
	deadline := time.Now().Add(e.patience)
	if !e.until.IsZero() && e.until.Before(deadline) {
		deadline = e.until
	}
	if err := e.control.SetWriteDeadline(deadline); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// write sends at once.
func (e *eventStream) write(text string) error {
	e.mu.Lock()
	err := e.extend()
	e.mu.Unlock()
	if err != nil {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}

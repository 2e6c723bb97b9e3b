package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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
	defer cancel()
	missed, coming, err := s.readers.Events.Listen(listening, after)
	if err != nil {
		return fmt.Errorf("listen to events: %w", err)
	}
	setHeaders(w.Header(), "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := newEventStream(w, s.limits.write).run(ctx, missed, coming, s.limits.keepAlive); err != nil {
		s.logger.Debug("rpc listener went away", "path", r.URL.Path, "error", err)
	}
	return nil
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
	// patience is how long one write may take.
	patience time.Duration
}

func newEventStream(w http.ResponseWriter, patience time.Duration) *eventStream {
	return &eventStream{w: w, control: http.NewResponseController(w), patience: patience}
}

// run writes until there is nothing to write any more. The comment at its start tells the client that it is listening.
func (e *eventStream) run(ctx context.Context, missed []samples.Event, coming <-chan samples.Event, keepAlive time.Duration) error {
	ticks := time.NewTicker(keepAlive)
	defer ticks.Stop()
	if err := e.write(": listening\n\n"); err != nil {
		return err
	}
	for _, event := range missed {
		if err := e.event(event); err != nil {
			return err
		}
	}
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

// write sends at once. A writer without deadlines, as tests have, goes without.
func (e *eventStream) write(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(e.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}

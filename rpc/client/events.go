package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

const (
	// maximumLine bounds a line of an event stream, and so an event.
	maximumLine = 4 << 20
	// streamSilence is how long a stream may say nothing; a node gives a sign of life every 15 seconds.
	streamSilence = 45 * time.Second
)

// ErrStreamEnded is returned when the node ended the stream: it stops, or this listener was too slow. Another call with the
// last event's id goes on from there.
var ErrStreamEnded = errors.New("the event stream ended")

// Event is something that the node's fisherman stored. A round, or a session, may be told of more than once.
type Event struct {
	// ID of the newest event so far: what another call of Events goes on after. Empty before the first.
	ID string
	// Round is set when a round was stored.
	Round *api.Round
	// Session is set when a session was taken up, has a further servicer, or is complete.
	Session *api.SessionNotice
	// Gap: more was missed than is told again; Rounds has it.
	Gap bool
}

// Events tells of what the fisherman stores from now on; after the id of an event, also of what it stored since. It calls
// listening, which may be nil, when it has begun, and each for every event, in turn. It returns when the
// context ends, when each fails, with that error, or when the stream ends (ErrStreamEnded, ErrUnreachable).
func (c *Client) Events(ctx context.Context, after string, listening func(), each func(Event) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(streamSilence, func() { cancel(fmt.Errorf("%w: it says nothing any more", ErrUnreachable)) })
	defer silence.Stop()
	target := *c.base
	target.Path += "/v1/qos/events"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Accept", "text/event-stream")
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	// The client's own timeout would end the stream.
	response, err := (&http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}).Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode != http.StatusOK || err != nil || media != "text/event-stream" {
		return c.refusedStream(ctx, response)
	}
	if listening != nil {
		listening()
	}
	return c.listen(ctx, response.Body, after, func(event Event) error {
		silence.Stop()
		defer silence.Reset(streamSilence)
		if event.Round == nil && event.Session == nil && !event.Gap {
			return nil
		}
		return each(event)
	})
}

// refusedStream reads why there is no stream.
func (c *Client) refusedStream(ctx context.Context, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return c.notANode("HTTP status 200 without an event stream")
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maximumLine))
	if err != nil {
		return c.unreachable(ctx, err)
	}
	return c.decode(response.StatusCode, response.Header, content, nil)
}

// listen reads server-sent events (HTML Living Standard, section 9.2), as far as a node sends them: one line of data for
// each. Every line, also one that is no event, calls each, without anything set if need be.
func (c *Client) listen(ctx context.Context, stream io.Reader, after string, each func(Event) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maximumLine)
	event, kind, data := Event{ID: after}, "", ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "id":
			event.ID = value
		case name == "event":
			kind = value
		case name == "data":
			data = value
		case name == "" && lines.Text() == "" && kind != "":
			if err := event.read(api.EventKind(kind), data); err != nil {
				return c.notANode("its event is of another form: %v", err)
			}
			kind, data = "", ""
		}
		if err := each(event); err != nil {
			return err
		}
		event = Event{ID: event.ID}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return c.notANode("its event is longer than %d bytes", maximumLine)
	case err != nil:
		return c.unreachable(ctx, err)
	}
	return fmt.Errorf("%w at %s", ErrStreamEnded, c.base)
}

// read takes what an event says. One of a kind that is not known says nothing.
func (e *Event) read(kind api.EventKind, data string) error {
	switch kind {
	case api.EventKindRound:
		e.Round = new(api.Round)
		return json.Unmarshal([]byte(data), e.Round)
	case api.EventKindSession:
		e.Session = new(api.SessionNotice)
		return json.Unmarshal([]byte(data), e.Session)
	case api.EventKindGap:
		e.Gap = true
	}
	return nil
}

package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func TestReadsRounds(t *testing.T) {
	opened, seen := node(t, 200, "application/json", golden(t, "rounds_page"))
	page, err := opened.Rounds(t.Context(), client.RoundFilter{SessionID: "ab", Servicer: servicer, From: 1, Limit: 1})
	if err != nil || page.Stored != 3 || page.Next == nil || *page.Next != 3 || len(page.Rounds) != 1 ||
		*seen != (asked{"/v1/qos/rounds", "from=1&limit=1&servicer=" + servicer + "&session=ab"}) {
		t.Fatalf("%+v, %v, asked %+v", page, err, *seen)
	}
	round := page.Rounds[0]
	if round.Index != 1 || round.Status != "DONE" || round.Planned.UnixNano() != 1_700_000_000_000_000_123 || *round.SkewMicros != 104 ||
		*round.Samples[0].RoundTripTime != 12.345 || *round.Samples[0].Timing != "KERNEL" {
		t.Errorf("round %+v", round)
	}
	opened, seen = node(t, 200, "application/json", golden(t, "rounds"))
	page, err = opened.Rounds(t.Context(), client.RoundFilter{SessionID: "ab"})
	if err != nil || page.Next != nil || seen.query != "session=ab" {
		t.Errorf("%+v, %v, asked %+v", page, err, *seen)
	}
}

const stream = ": listening\n\nevent: session\ndata: {\"id\":\"ab\",\"closed\":true}\n\nevent: gap\ndata: {}\n\n" +
	"id: 41\nevent: later\ndata: {}\n\n: alive\n\nid: 42\nevent: round\ndata: {\"session\":\"ab\",\"index\":3}\n\n"

func TestReadsEvents(t *testing.T) {
	opened, seen := node(t, 200, "text/event-stream", stream)
	var events []client.Event
	listening := 0
	err := opened.Events(t.Context(), "7", func() { listening++ }, func(event client.Event) error {
		events = append(events, event)
		return nil
	})
	want := []client.Event{{ID: "7", Session: &api.SessionNotice{ID: "ab", Closed: true}}, {ID: "7", Gap: true},
		{ID: "42", Round: &api.Round{Session: "ab", Index: 3}}}
	if !errors.Is(err, client.ErrStreamEnded) || listening != 1 || !reflect.DeepEqual(events, want) || *seen != (asked{"/v1/qos/events", ""}) {
		t.Errorf("%+v, %v, %d, asked %+v", events, err, listening, *seen)
	}
}

func TestEventsGoOnAfterTheLast(t *testing.T) {
	var headers []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers = append(headers, r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, stream)
	}))
	defer server.Close()
	opened, stop := open(t, server.URL), errors.New("enough")
	last := ""
	for range 2 {
		err := opened.Events(t.Context(), last, nil, func(event client.Event) error {
			if last = event.ID; event.Round != nil {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
	}
	if !slices.Equal(headers, []string{"", "42"}) {
		t.Errorf("headers %q", headers)
	}
}

func TestStreamsThatAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		status      int
		media, body string
		want        error
	}{
		"web page": {200, "text/html", "<html>", client.ErrNotANode},
		"no JSON":  {200, "text/event-stream", "event: round\ndata: x\n\n", client.ErrNotANode},
		"endless":  {200, "text/event-stream", "data: " + strings.Repeat("x", 5<<20), client.ErrNotANode},
		"nothing":  {200, "text/event-stream", "", client.ErrStreamEnded},
	} {
		opened, _ := node(t, test.status, test.media, test.body)
		if err := opened.Events(t.Context(), "", nil, func(client.Event) error { return nil }); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	opened, _ := node(t, 503, "application/json", `{"error":{"code":"too_many_listeners","message":"later"}}`)
	err := opened.Events(t.Context(), "", nil, nil)
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Code != "too_many_listeners" {
		t.Error(fmt.Errorf("refused with %w", err))
	}
}

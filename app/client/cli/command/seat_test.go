package command

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func TestSeats(t *testing.T) {
	actor := func(address string, paused int64, since ...int64) api.Actor {
		return api.Actor{Type: "servicer", Address: address, PausedHeight: paused, SinceHeights: since, Chains: []string{"0001", "0021"}[:len(since)]}
	}
	actors := api.Actors{Height: 17, Actors: []api.Actor{actor("old", 0, 0, 3), actor("new", 0, 9, 12), actor("paused", 14, 12)}}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/params" {
			_ = json.NewEncoder(w).Encode(api.ParamsAt{Height: 17, Params: json.RawMessage(`{"session":{"blocks_per_session":"10"}}`)})
			return
		}
		_ = json.NewEncoder(w).Encode(actors)
	}))
	defer node.Close()
	asked, err := client.New(node.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	for address, want := range map[string]string{
		"old":    "from block 0 on (0001), from block 20 on (0021)",
		"new":    "from block 20 on (0001), from block 30 on (0021)",
		"paused": "",
		"none":   "",
	} {
		seats, err := Seats(context.Background(), asked, "servicer", address)
		if got := SeatsText(seats); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
	lines, err := NewSeats(context.Background(), asked, actors)
	want := []string{"servicer old may be in sessions from block 20 on (0021)",
		"servicer new may be in sessions from block 20 on (0001), from block 30 on (0021)"}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q, %v; want %q", lines, err, want)
	}
	if got := SeatsText([]Seat{{"0001", 30}, {"0021", 30}}); got != "from block 30 on (0001, 0021)" {
		t.Error(got)
	}
}

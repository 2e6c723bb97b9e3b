package localnet

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// TestFeed: the fisherman of a chain publishes what it stores, signed by its own key, to the server in its process.
func TestFeed(t *testing.T) {
	o := quick()
	o.Feed = &configs.Feed{Embedded: true, Listen: anyPort, Place: "here"}
	l, stop := started(t, o)
	defer stop()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	deadline, tick := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing is published")
		}
		response, err := client.Get(l.RPCURL() + "/v1/status")
		if err != nil {
			continue // not there yet
		}
		var status api.Status
		err = json.NewDecoder(response.Body).Decode(&status)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if status.Feed == nil {
			t.Fatalf("no feed in %+v", status)
		}
		if status.Feed.State == api.FeedStatePublishing && status.Feed.Published >= 5 {
			if status.Feed.Listen == nil || status.Feed.Place != "here" || len(status.Feed.PublicKey) != 64 || status.Feed.Gaps+status.Feed.Foreign > 0 {
				t.Errorf("%+v", *status.Feed)
			}
			return
		}
	}
}

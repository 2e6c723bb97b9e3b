package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestStoreWarning(t *testing.T) {
	for name, test := range map[string]struct {
		store *api.Store
		want  string
	}{
		"no store":  {},
		"all well":  {store: &api.Store{Durable: true}},
		"in memory": {store: &api.Store{Since: clienttest.Ptr(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Reason: clienttest.Ptr("no space left on device")}, want: "warning: samples since 2026-03-01T12:00:00Z are held in memory only and would be lost in a crash: no space left on device\n"},
		"set aside": {store: &api.Store{Durable: true, SetAside: clienttest.Ptr("/home/samples.damaged-1")}, want: "warning: the sample store was damaged; what could not be read of it is in /home/samples.damaged-1\n"},
		"in part":   {store: &api.Store{Durable: true, UnreadableSessions: 2}, want: "warning: the sample store is damaged; 2 sessions cannot be read and are missing below\n"},
	} {
		if got := StoreWarning(test.store); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := StoreWarning(&api.Store{Reason: clienttest.Ptr(clienttest.Hostile)}); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("a reason is not cleaned: %q", got)
	}
}

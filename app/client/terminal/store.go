package terminal

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// StoreWarning is one line on what a reader of a report should know of the store that it is made from; empty when all is
// well.
func StoreWarning(store *client.Store) string {
	warning := ""
	switch {
	case store == nil:
		return ""
	case !store.Durable:
		warning = fmt.Sprintf("samples since %s are held in memory only and would be lost in a crash: %s", Clean(store.Since), Clean(store.Reason))
	case store.SetAside != "":
		warning = "the sample store was damaged; what could not be read of it is in " + Clean(store.SetAside)
	case store.UnreadableSessions > 0:
		warning = "the sample store is damaged"
	}
	if store.UnreadableSessions > 0 {
		warning += fmt.Sprintf("; %d sessions cannot be read and are missing below", store.UnreadableSessions)
	}
	if warning == "" {
		return ""
	}
	return "warning: " + warning + "\n"
}

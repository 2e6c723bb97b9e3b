package shannon

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// surroundings are what the commands have beside their flags; tests have others.
type surroundings struct {
	io  command.Streams
	now func() time.Time
	// find returns the address of the signer's key, which it does not open; open returns the key.
	find func(io command.Streams, a *access) (address string, err error)
	open func(ctx context.Context, io command.Streams, a *access) (*protocol.PrivateKey, error)
}

// New makes the command 'pocket shannon'.
func New(io command.Streams) *cobra.Command {
	return newCommand(surroundings{io: io, now: time.Now, find: findSigner, open: openSigner})
}

func newCommand(s surroundings) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "shannon",
		Short: "Look at an application's session of the live Pocket network, ask a supplier, find what is wrong",
		Long: `Reads the live Pocket network, Shannon, as a fisherman of it does: an application's sessions, their suppliers, and what
relays cost. Which full nodes are asked, and for which application, comes from flags or from a group of the configuration
of 'pocket fisherman start'. Only 'relay' spends money: the price of one relay.`,
	}, newSession(s), newRelay(s), newDoctor(s))
}

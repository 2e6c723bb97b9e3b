package node

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// catchingUpEvery is the pause between two lines on how far a node is.
const catchingUpEvery = 5 * time.Second

// tellCatchingUp writes how far a node is that is not level with its chain yet, and at last that it is level, until then
// or until the context ends. A node that is level soon is not told of.
func tellCatchingUp(ctx context.Context, out io.Writer, latest func() (types.Head, bool)) {
	ticks := time.NewTicker(catchingUpEvery)
	defer ticks.Stop()
	var before types.Head
	for told := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		head, begun := latest()
		switch {
		case begun && !head.CatchingUp:
			if told {
				_, _ = fmt.Fprintf(out, "level with the chain at height %d\n", head.Height)
			}
			return
		case begun:
			rate := float64(head.Height-before.Height) / catchingUpEvery.Seconds()
			line := fmt.Sprintf("catching up: height %d, a block of %s", head.Height, head.Time.UTC().Format(time.RFC3339))
			if told {
				line += fmt.Sprintf(", %.0f blocks a second", rate)
			}
			_, _ = fmt.Fprintln(out, line)
			before, told = head, true
		}
	}
}

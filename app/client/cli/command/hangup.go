package command

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// hangup is what SIGHUP does to a command: it ends it, unless the command has said that it reads something again.
type hangup struct {
	signals chan os.Signal
	taken   chan struct{}
	once    sync.Once
}

type hangupKey struct{}

// withHangup returns a context that ends at a SIGHUP, unless Hangups was called with it. Call stop at the end.
func withHangup(ctx context.Context) (_ context.Context, stop func()) {
	h := &hangup{signals: make(chan os.Signal, 1), taken: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, hangupKey{}, h))
	signal.Notify(h.signals, syscall.SIGHUP)
	go func() {
		select {
		case <-h.taken:
		case <-ctx.Done():
		case hungUp := <-h.signals:
			select {
			case <-h.taken: // at the same moment: it is not ours
				select {
				case h.signals <- hungUp:
				default: // there is one already
				}
			default:
				signal.Stop(h.signals) // a second one ends the process at once
				cancel()
			}
		}
	}()
	return ctx, func() {
		cancel()
		signal.Stop(h.signals)
	}
}

// Hangups returns the signals SIGHUP of a command's context, which no longer end it.
func Hangups(ctx context.Context) <-chan os.Signal {
	h, is := ctx.Value(hangupKey{}).(*hangup)
	if !is {
		return nil
	}
	h.once.Do(func() { close(h.taken) })
	return h.signals
}

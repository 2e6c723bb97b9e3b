package alerts

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

const (
	// firstPause and longestPause bound the pause before a message is sent again; it doubles each time.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// giveUpAfter is for how long a message is sent again.
	giveUpAfter = time.Hour
	// endingGrace is how long an attempt may still take when the program ends: what was taken must not be sent again.
	endingGrace = 2 * time.Second
)

// sender sends the messages of a queue to a receiver, one at a time.
type sender struct {
	receiver delivery.Receiver
	timeout  time.Duration
	queue    *queue
	// changed is told of each message that is done.
	changed func()
	logger  *slog.Logger
}

// run sends until the context ends.
func (s *sender) run(ctx context.Context) {
	for ctx.Err() == nil {
		message, is := s.queue.first()
		if !is {
			select {
			case <-ctx.Done():
			case <-s.queue.ready:
			}
			continue
		}
		s.deliver(ctx, message)
	}
}

// deliver sends a message until it is taken or given up, or the context ends.
func (s *sender) deliver(ctx context.Context, message machine.Message) {
	began, pause := time.Now(), firstPause
	for {
		err := s.attempt(ctx, message)
		if err == nil {
			s.queue.done(message.ID, true)
			s.changed()
			return
		}
		if ctx.Err() != nil {
			return
		}
		wrong, _ := errors.AsType[*delivery.Error](err)
		if wrong != nil && wrong.Permanent || time.Since(began) >= giveUpAfter {
			s.logger.Error("an alert was not taken, and is given up", "rule", message.Rule, "status", string(message.Status), "error", err)
			s.queue.done(message.ID, false)
			s.changed()
			return
		}
		s.logger.Warn("an alert was not taken, and is sent again", "rule", message.Rule, "status", string(message.Status), "error", err)
		wait := pause
		if wrong != nil {
			wait = max(wait, wrong.After)
		}
		pause = min(2*pause, longestPause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if !s.queue.has(message.ID) {
			return // it gave way to newer ones
		}
	}
}

// attempt sends a message once.
func (s *sender) attempt(ctx context.Context, message machine.Message) error {
	trying, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(endingGrace):
			cancel()
		}
	})()
	return s.receiver.Send(trying, message)
}

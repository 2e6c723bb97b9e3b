package alerts

import (
	"context"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// Tested is what became of a test message.
type Tested struct {
	Receiver string
	Kind     delivery.Kind
	// Err is why the message was not taken; nil if it was.
	Err error
}

// Test sends one message to each receiver, at the same time, and returns what became of it, in the order of the receivers.
func Test(ctx context.Context, alerts groups.Alerts, options delivery.Options) []Tested {
	tested := make([]Tested, len(alerts.Receivers))
	var sending sync.WaitGroup
	for i, each := range alerts.Receivers {
		sending.Go(func() {
			tested[i] = Tested{Receiver: each.Name}
			receiver, err := each.Delivery(options)
			if err != nil {
				tested[i].Err = err
				return
			}
			tested[i].Kind = receiver.Kind()
			trying, cancel := context.WithTimeout(ctx, each.Timeout)
			defer cancel()
			tested[i].Err = receiver.Send(trying, machine.TestMessage(time.Now(), linkOf(alerts)))
		})
	}
	sending.Wait()
	return tested
}

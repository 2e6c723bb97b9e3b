package collector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

const (
	// batchMessages and batchBytes bound what is taken at once.
	batchMessages = 256
	batchBytes    = 8 << 20
	// underWay is how many messages the server delivers before the first of them is acknowledged. It is less than order.Reach,
	// so that what is lost on the way is taken late.
	underWay = 2 * batchMessages
	// gathering is how long a batch waits for one more message.
	gathering = 2 * time.Millisecond
	// againAfter is when a message that came too early is delivered again.
	againAfter = time.Second
)

// ownerKey is the consumer's metadata that has the identity of its collector's data directory.
const ownerKey = "pocket-fisherman-collector"

// consumer returns the durable consumer, made or brought up to date if need be.
func (c *Collector) consumer(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.deadline)
	defer cancel()
	wanted := jetstream.ConsumerConfig{
		Durable:        c.config.Durable,
		Description:    "pocket collector",
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        c.config.patience,
		MaxDeliver:     -1,
		MaxAckPending:  underWay,
		FilterSubjects: c.config.Partition.subjects(),
		Metadata:       map[string]string{ownerKey: c.config.Identity},
	}
	found, err := js.Consumer(ctx, c.config.Stream, c.config.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		made, err := js.CreateConsumer(ctx, c.config.Stream, wanted)
		if errors.Is(err, jetstream.ErrConsumerExists) {
			return nil, foreignConsumer(c.config.Durable)
		}
		return made, err
	case err != nil:
		return nil, err
	}
	config := found.CachedInfo().Config
	if config.Metadata[ownerKey] != c.config.Identity {
		return nil, foreignConsumer(c.config.Durable)
	}
	if sameConsumer(config, wanted) {
		return found, nil
	}
	return js.UpdateConsumer(ctx, c.config.Stream, wanted)
}

func sameConsumer(a, b jetstream.ConsumerConfig) bool {
	return a.AckPolicy == b.AckPolicy && a.AckWait == b.AckWait && a.MaxAckPending == b.MaxAckPending && slices.Equal(filtersOf(a), filtersOf(b))
}

func filtersOf(config jetstream.ConsumerConfig) []string {
	if config.FilterSubject != "" {
		return []string{config.FilterSubject}
	}
	return slices.Sorted(slices.Values(config.FilterSubjects))
}

// pull takes batches until the context ends, or one cannot be taken.
func (c *Collector) pull(ctx context.Context, consumer jetstream.Consumer) error {
	// A message that is larger than what is asked for would never be delivered.
	largest := int(c.config.Connection.MaxPayload()) + protocol.MaxDelivery
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(batchMessages, max(batchBytes, largest)))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		batch, err := gather(ctx, messages)
		if ctx.Err() != nil {
			return c.takeRest(ctx, messages, batch)
		}
		if err != nil {
			return err
		}
		if err := c.take(ctx, batch); err != nil {
			return err
		}
	}
}

// takeRest takes what was delivered already, so that nothing is under way when the collector is started again.
func (c *Collector) takeRest(ctx context.Context, messages jetstream.MessagesContext, rest []jetstream.Msg) error {
	messages.Drain()
	for len(rest) < 2*batchMessages {
		next, err := messages.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			break
		}
		rest = append(rest, next)
	}
	if len(rest) == 0 {
		return ctx.Err()
	}
	return errors.Join(ctx.Err(), c.take(ctx, rest))
}

// gather waits for a message, and returns it with those that are there as well.
func gather(ctx context.Context, messages jetstream.MessagesContext) ([]jetstream.Msg, error) {
	first, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, err
	}
	batch, size := []jetstream.Msg{first}, len(first.Data())
	for len(batch) < batchMessages && size < batchBytes {
		next, err := messages.Next(jetstream.NextMaxWait(gathering))
		if err != nil {
			break // what it is shows when the next batch is gathered
		}
		batch, size = append(batch, next), size+len(next.Data())
	}
	return batch, nil
}

// take takes a batch and acknowledges it. After an error the server delivers it again when it is out of patience.
func (c *Collector) take(ctx context.Context, batch []jetstream.Msg) error {
	messages := make([]Message, len(batch))
	for i, each := range batch {
		about, err := each.Metadata()
		if err != nil {
			return err
		}
		messages[i] = Message{Subject: each.Subject(), Data: each.Data(), Stored: about.Timestamp, Delivered: about.NumDelivered}
	}
	// What was begun is ended, also when the collector is stopped meanwhile.
	outcomes, err := c.config.Intake.Take(context.WithoutCancel(ctx), messages)
	if err != nil {
		return unstorable{err}
	}
	lag := max(time.Since(messages[len(messages)-1].Stored), 0)
	c.note(func(s *Status) { s.Lag = &lag })
	for i, each := range batch {
		if outcomes[i] == Again {
			err = each.NakWithDelay(againAfter)
		} else {
			err = each.Ack()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

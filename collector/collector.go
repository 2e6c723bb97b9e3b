package collector

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/shared/pause"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Config lists what a collector is made of.
type Config struct {
	Connection *broker.Connection
	// Stream is the feed's.
	Stream string
	// Partition is what of the stream is read.
	Partition Partition
	// Durable is the consumer's name; empty for the partition's.
	Durable string
	// Identity is that of the data directory; see Identity.
	Identity string
	Intake   *Intake
	// Verdicts are written to a bucket; nil for none.
	Verdicts *Verdicts
	// Logger takes the log; nil discards it.
	Logger *slog.Logger

	// patience is how long the server waits for an acknowledgement, pause how long an attempt waits for the next one, and
	// deadline how long the server may take to answer; 0 stands for the defaults.
	patience, pause, deadline time.Duration
}

const (
	// defaultPatience is how long the server waits for an acknowledgement before it delivers a message again.
	defaultPatience = 10 * time.Second
	// defaultPause is how long an attempt that failed is from the next one.
	defaultPause = 2 * time.Second
	// defaultDeadline bounds a request to the server.
	defaultDeadline = 5 * time.Second
	// lookInterval is how often the server is asked how much is left.
	lookInterval = 5 * time.Second
	// longestProblem bounds what is said of a problem, in bytes.
	longestProblem = 400
)

// Collector reads the stream.
type Collector struct {
	config Config

	mu       sync.Mutex
	status   Status
	reported bool
}

// Status is how the collector gets on.
type Status struct {
	// Stream and Durable name what is read; Subjects are the filters.
	Stream, Durable string
	Subjects        []string
	// Problem is why nothing is read, Why says it for people.
	Problem Problem
	Why     string
	// Pending is how many messages of the stream have not been delivered, Unacknowledged how many were and are under way; nil
	// while that is not known.
	Pending        *uint64
	Unacknowledged *int
	// Lag is how long the message that was taken last had been in the stream then; nil before the first.
	Lag *time.Duration
	// Unattributed counts messages that are of no vantage point, by rejection.
	Unattributed [rejections]uint64
}

// New makes a collector. Nothing runs until Run.
func New(config Config) *Collector {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Durable == "" {
		config.Durable = config.Partition.Durable()
	}
	config.patience = cmp.Or(config.patience, defaultPatience)
	config.pause = cmp.Or(config.pause, defaultPause)
	config.deadline = cmp.Or(config.deadline, defaultDeadline)
	return &Collector{config: config, status: Status{Stream: config.Stream, Durable: config.Durable, Subjects: config.Partition.subjects(),
		Problem: Unreachable, Why: "not connected yet"}}
}

// Status returns how the collector gets on.
func (c *Collector) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := c.status
	status.Unattributed = c.config.Intake.Unattributed()
	return status
}

func (c *Collector) note(change func(*Status)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.status)
}

// report notes why nothing is read; nil for that it is. A problem is logged when it is another one than before.
func (c *Collector) report(err error) {
	problem, why := problemOf(err), ""
	if err != nil {
		why = text.Line(err.Error(), longestProblem)
	}
	changed := false
	c.note(func(s *Status) {
		changed = s.Problem != problem || !c.reported
		c.reported = true
		s.Problem, s.Why = problem, why
		if problem == Unreachable || problem == Refused || problem == NoStream {
			s.Pending, s.Unacknowledged = nil, nil
		}
	})
	switch {
	case changed && err != nil:
		c.config.Logger.Error("the feed is not read; what is published waits in its stream", "problem", problem.Label(), "why", why)
	case changed:
		c.config.Logger.Info("the feed is read", "stream", c.config.Stream, "consumer", c.config.Durable)
	}
}

// Run reads until the context ends. Whatever fails is tried again.
func (c *Collector) Run(ctx context.Context) {
	var parts sync.WaitGroup
	if c.config.Verdicts != nil {
		parts.Go(func() { c.config.Verdicts.Run(ctx, c.config.Connection) })
	}
	for ctx.Err() == nil {
		if changed, lost := c.unconnected(); lost != nil {
			c.report(lost)
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		_ = c.config.Connection.Forbidden() // what was before is over
		err := c.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		c.report(c.explained(err))
		_ = pause.For(ctx, c.config.pause)
	}
	parts.Wait()
}

// unconnected returns why there is no connection, nil while there is one, with a channel that is closed when that changes.
func (c *Collector) unconnected() (changed <-chan struct{}, lost error) {
	problem, reason, changed := c.config.Connection.State()
	switch problem {
	case broker.ProblemNone:
		return changed, nil
	case broker.ProblemRefused, broker.ProblemTLS:
		return changed, &unconnected{Refused, reason}
	}
	return changed, &unconnected{Unreachable, reason}
}

// explained returns the error of an attempt, with what made it fail: the server does not answer what it forbids.
func (c *Collector) explained(err error) error {
	if _, lost := c.unconnected(); lost != nil {
		return lost
	}
	if c.config.Connection.Forbidden() {
		return &unconnected{Refused, "the server does not permit what a collector does; docs/collector.md lists the permissions"}
	}
	return err
}

// follow reads by a consumer until the context ends, or something fails.
func (c *Collector) follow(ctx context.Context) error {
	consumer, err := c.consumer(ctx, c.config.Connection.JetStream())
	if err != nil {
		return err
	}
	info := consumer.CachedInfo()
	c.note(func(s *Status) { s.Pending, s.Unacknowledged = &info.NumPending, &info.NumAckPending })
	if info.NumAckPending > 0 {
		// What was under way when we were stopped is older than what comes next, and is delivered again when the server is out
		// of patience: wait for that, so that all is taken in its order.
		_ = pause.For(ctx, c.config.patience+c.config.patience/10)
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	var lost error
	parts.Go(func() {
		lost = c.look(looking, consumer)
		stop()
	})
	err = c.pull(looking, consumer)
	stop()
	parts.Wait()
	_ = c.config.Connection.JetStream().Conn().FlushTimeout(c.config.deadline) // what is not acknowledged is delivered again
	return cmp.Or(lost, err)
}

// look asks how much is left, again and again, and watches the connection. It returns the error that says that the consumer is
// gone.
func (c *Collector) look(ctx context.Context, consumer jetstream.Consumer) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		changed, lost := c.unconnected()
		if lost != nil || c.Status().Problem != Unstorable { // which is over when something was stored
			c.report(lost)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			continue
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, c.config.deadline)
		info, err := consumer.Info(asking)
		cancel()
		switch {
		case err == nil:
			c.note(func(s *Status) { s.Pending, s.Unacknowledged = &info.NumPending, &info.NumAckPending })
		case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
			return err
		}
	}
}

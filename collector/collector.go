package collector

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Dial connects to the NATS server. The connection is closed by the collector.
type Dial func(ctx context.Context) (*nats.Conn, error)

// Config lists what a collector is made of.
type Config struct {
	Dial Dial
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

	// patience is how long the server waits for an acknowledgement, and pause how long an attempt waits for the next one;
	// 0 stands for the defaults.
	patience, pause time.Duration
}

const (
	// defaultPatience is how long the server waits for an acknowledgement before it delivers a message again.
	defaultPatience = 10 * time.Second
	// defaultPause is how long an attempt that failed is from the next one.
	defaultPause = 2 * time.Second
	// apiTimeout bounds a request to the server.
	apiTimeout = 5 * time.Second
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
	if config.patience == 0 {
		config.patience = defaultPatience
	}
	if config.pause == 0 {
		config.pause = defaultPause
	}
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
	for ctx.Err() == nil {
		err := c.connected(ctx)
		if ctx.Err() != nil {
			return
		}
		c.report(err)
		wait(ctx, c.config.pause)
	}
}

// connected reads over one connection, until it is over.
func (c *Collector) connected(ctx context.Context) error {
	dialling, cancel := context.WithTimeout(ctx, 2*apiTimeout)
	defer cancel()
	conn, err := c.config.Dial(dialling)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	running, end := context.WithCancelCause(ctx)
	conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			end(err) // the server does not answer what it forbids
		}
	})
	var parts sync.WaitGroup
	if c.config.Verdicts != nil {
		parts.Go(func() { c.config.Verdicts.run(running, js) })
	}
	err = c.follow(running, conn, js)
	end(err)
	parts.Wait()
	_ = conn.FlushTimeout(apiTimeout) // acknowledgements; what is not acknowledged is delivered again
	return context.Cause(running)
}

// follow reads by a consumer until the context ends, or something fails.
func (c *Collector) follow(ctx context.Context, conn *nats.Conn, js jetstream.JetStream) error {
	consumer, err := c.consumer(ctx, js)
	if err != nil {
		return err
	}
	info := consumer.CachedInfo()
	c.note(func(s *Status) { s.Pending, s.Unacknowledged = &info.NumPending, &info.NumAckPending })
	if info.NumAckPending > 0 {
		// What was under way when we were stopped is older than what comes next, and is delivered again when the server is out
		// of patience: wait for that, so that all is taken in its order.
		wait(ctx, c.config.patience+c.config.patience/10)
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	var lost error
	parts.Go(func() {
		lost = c.look(looking, consumer)
		stop()
	})
	err = c.pull(looking, conn, consumer)
	stop()
	parts.Wait()
	return cmp.Or(lost, err)
}

// look asks how much is left, again and again. It returns the error that says that the consumer is gone.
func (c *Collector) look(ctx context.Context, consumer jetstream.Consumer) error {
	for wait(ctx, lookInterval); ctx.Err() == nil; wait(ctx, lookInterval) {
		asking, cancel := context.WithTimeout(ctx, apiTimeout)
		info, err := consumer.Info(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			c.note(func(s *Status) { s.Pending, s.Unacknowledged = &info.NumPending, &info.NumAckPending })
			c.report(nil)
		case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
			return err
		default:
			c.report(err)
		}
	}
	return nil
}

// wait returns after a time, or when the context ends.
func wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

// Outbox is what waits to be published. Samples of package persistence/local is one.
type Outbox interface {
	// TakeFlight returns what is to be published next; nil when nothing is. It returns a flight until it has landed.
	TakeFlight(ctx context.Context, order outbox.Order) (*outbox.Flight, error)
	// LandFlight notes that all of a flight is acknowledged. Errors: outbox.ErrStale.
	LandFlight(ctx context.Context, instance [outbox.InstanceSize]byte, number uint64, positions map[string]outbox.Position) error
	// Appended returns a channel that has a token when there may be something new to publish.
	Appended() <-chan struct{}
	// OutboxStats returns what waits.
	OutboxStats(ctx context.Context) (outbox.Stats, error)
}

// Config lists what a publisher is made of.
type Config struct {
	Outbox Outbox
	// Key signs; its public key is what collectors trust.
	Key crypto.PrivateKey
	// Network returns the name of the network that a relay chain is of.
	Network func(relayChain string) string
	// Place is the name of this vantage point.
	Place string
	// Broker says where NATS is. With Embedded it names no server.
	Broker broker.Options
	// Embedded is the server that runs within the process; nil for none.
	Embedded *broker.EmbeddedOptions
	// Stream that is published to. Its subjects and its largest message are the feed's.
	Stream broker.Stream
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

const (
	// window is how many statements are published and not acknowledged at once; windowBytes bounds their contents.
	window      = 64
	windowBytes = 4 << 20
	// gather is how long what is stored is gathered, so that the outbox is written a few times a second at most.
	gather = 500 * time.Millisecond
	// recheck is how long a store that fails is left alone.
	recheck = 5 * time.Second
)

// Publisher publishes an outbox. Close it when Run has returned.
type Publisher struct {
	config     Config
	embedded   *broker.Embedded
	connection *broker.Connection
	status     status
	// ensured is set once the stream is known to be as it has to be.
	ensured bool
}

// New starts the embedded server, if there is to be one, and begins to connect. Errors are those of the configuration: a server
// that cannot be reached is none.
func New(config Config) (_ *Publisher, err error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	if err := protocol.ValidatePlace(config.Place); err != nil {
		return nil, fmt.Errorf("feed.place: %w", err)
	}
	config.Stream.Name = cmp.Or(config.Stream.Name, broker.DefaultStream)
	config.Stream.Subjects, config.Stream.MaxMessage = protocol.AllSubjects, protocol.MaxDelivery
	p := &Publisher{config: config}
	p.status.to(StateStarting, "")
	if config.Embedded != nil {
		embedded := *config.Embedded
		embedded.Logger = cmp.Or(embedded.Logger, config.Logger)
		if p.embedded, err = broker.StartEmbedded(embedded); err != nil {
			return nil, err
		}
		config.Logger.Info("embedded NATS server listens", "address", p.embedded.Address())
		p.config.Broker.Embedded = p.embedded
	}
	p.config.Broker.Name, p.config.Broker.Logger = cmp.Or(config.Broker.Name, "pocket fisherman "+config.Place), config.Logger
	if p.connection, err = broker.Connect(p.config.Broker); err != nil {
		p.Close()
		return nil, fmt.Errorf("feed: %w", err)
	}
	return p, nil
}

// Close ends the connection and the embedded server. Call it once Run has returned, and before the outbox is closed or after.
func (p *Publisher) Close() {
	if p.connection != nil {
		p.connection.Close()
	}
	if p.embedded != nil {
		p.embedded.Close()
	}
}

// Run publishes until the context ends.
func (p *Publisher) Run(ctx context.Context) {
	p.config.Logger.Info("publishing samples", "place", p.config.Place, "fisherman", p.config.Key.Address(), "public_key", p.config.Key.PublicKeyHex())
	for ctx.Err() == nil {
		// Before there is something to publish, so that what is wrong is known.
		if p.ready(ctx) != nil {
			return
		}
		flight, err := p.config.Outbox.TakeFlight(ctx, outbox.Order{Items: window, Bytes: windowBytes, Place: p.config.Place})
		switch {
		case err != nil:
			p.storeFailed(ctx, err)
		case flight == nil:
			p.status.to(StatePublishing, "")
			p.idle(ctx)
		default:
			p.carry(ctx, flight)
			if len(flight.Items) < window {
				_ = pause.For(ctx, gather)
			}
		}
	}
}

// idle waits until there may be something to publish, or the connection is lost.
func (p *Publisher) idle(ctx context.Context) {
	_, _, changed := p.connection.State()
	select {
	case <-p.config.Outbox.Appended():
		_ = pause.For(ctx, gather)
	case <-changed:
	case <-ctx.Done():
	}
}

// storeFailed waits until a store that failed may work again.
func (p *Publisher) storeFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	p.status.to(StateStore, "the local store fails")
	p.config.Logger.Warn("feed: the local store fails; it is tried again", "error", err)
	_ = pause.For(ctx, recheck)
}

// carry publishes a flight and has the store forget it.
func (p *Publisher) carry(ctx context.Context, flight *outbox.Flight) {
	statements := p.seal(flight)
	if !p.publish(ctx, flight, statements) {
		return
	}
	positions := positionsAfter(flight, statements)
	for ctx.Err() == nil {
		err := p.config.Outbox.LandFlight(ctx, flight.Instance, flight.Number, positions)
		if err == nil || errors.Is(err, outbox.ErrStale) {
			return
		}
		p.storeFailed(ctx, err)
	}
}

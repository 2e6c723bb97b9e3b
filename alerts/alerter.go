package alerts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

const (
	// Interval is how often the verdicts are looked at. It is longer where that takes more than a fiftieth of the time, and at most
	// LongestInterval, which is shorter than what the machine counts of it.
	Interval        = 5 * time.Second
	LongestInterval = 50 * time.Second
	lookShare       = 50
	// sourceTimeout bounds how long that may take.
	sourceTimeout = 30 * time.Second
	// quietAfterError is for how long the same trouble is not logged again.
	quietAfterError = time.Minute
)

// Source returns the verdicts as they are now.
type Source func(ctx context.Context) (machine.Snapshot, error)

// Config lists what an Alerter is made of.
type Config struct {
	// Alerts are the rules and receivers, valid. Without receivers nothing is sent.
	Alerts groups.Alerts
	// Source of the verdicts.
	Source Source
	// Directory of the file that restarts go by; it exists.
	Directory string
	// Delivery are options of the receivers.
	Delivery delivery.Options
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

// Alerter sends messages about verdicts. Its methods may be called by many goroutines at once.
type Alerter struct {
	source   Source
	path     string
	delivery delivery.Options
	logger   *slog.Logger
	replaced chan groups.Alerts
	// delivered is signalled when a queue has changed, which has to be stored.
	delivered chan struct{}

	mu sync.Mutex
	// queues are those of the receivers, by name.
	queues map[string]*queue
	firing map[string]int

	// What follows belongs to Run.
	alerts  groups.Alerts
	machine *machine.Machine
	// stored is the digest of what was stored last, and hasFile whether anything was.
	stored  [sha256.Size]byte
	hasFile bool
	// running are the goroutines of receivers, by name.
	running map[string]running
	sending sync.WaitGroup
	// troubled is when which trouble was logged.
	troubled map[string]time.Time
}

// running is the goroutine of a receiver.
type running struct {
	ctx   context.Context
	end   context.CancelFunc
	ended chan struct{}
}

// New reads what was stored, and makes the receivers. Nothing is sent until Run. The error is a *delivery.URLError.
func New(config Config) (*Alerter, error) {
	a := &Alerter{
		source:    config.Source,
		path:      pathIn(config.Directory),
		delivery:  config.Delivery,
		logger:    cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
		replaced:  make(chan groups.Alerts),
		delivered: make(chan struct{}, 1),
		queues:    make(map[string]*queue),
		firing:    make(map[string]int),
		running:   make(map[string]running),
		troubled:  make(map[string]time.Time),
		alerts:    config.Alerts,
		machine:   machine.New(config.Alerts.Rules, linkOf(config.Alerts), config.Alerts.GroupWait),
	}
	for _, each := range config.Alerts.Receivers {
		if _, err := each.Delivery(config.Delivery); err != nil {
			return nil, err
		}
	}
	a.restore()
	return a, nil
}

// linkOf returns the link of messages; empty for none.
func linkOf(alerts groups.Alerts) string {
	if alerts.PublicURL == "" {
		return ""
	}
	return alerts.PublicURL + "/"
}

// Run sends messages until the context ends, and returns when nothing of it is left.
func (a *Alerter) Run(ctx context.Context) {
	defer a.stop()
	a.startReceivers(ctx)
	next := time.NewTimer(Interval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case alerts := <-a.replaced:
			a.replace(ctx, alerts)
		case <-a.delivered:
			a.store()
		case <-next.C:
			began := time.Now()
			a.look(ctx)
			next.Reset(min(max(Interval, lookShare*time.Since(began)), LongestInterval))
		}
	}
}

// Replace gives the alerter other rules and receivers. It returns when they are taken over, or the context ends.
func (a *Alerter) Replace(ctx context.Context, alerts groups.Alerts) {
	select {
	case a.replaced <- alerts:
	case <-ctx.Done():
	}
}

// stop ends the receivers, and stores what they left.
func (a *Alerter) stop() {
	for _, each := range a.running {
		each.end()
	}
	a.sending.Wait()
	a.store()
}

func (a *Alerter) replace(ctx context.Context, alerts groups.Alerts) {
	for _, was := range a.alerts.Receivers {
		if !slices.ContainsFunc(alerts.Receivers, func(is groups.AlertReceiver) bool { return is.Name == was.Name && sameReceiver(is, was) }) {
			a.endReceiver(was.Name)
		}
	}
	a.alerts = alerts
	a.machine.Replace(alerts.Rules, linkOf(alerts), alerts.GroupWait)
	if len(alerts.Receivers) == 0 { // there is nobody to tell how it ends
		a.machine = machine.New(alerts.Rules, linkOf(alerts), alerts.GroupWait)
	}
	a.startReceivers(ctx)
	a.store()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.firing = a.machine.Firing()
}

// endReceiver ends the goroutine of a receiver, if there is one.
func (a *Alerter) endReceiver(name string) {
	if each, is := a.running[name]; is {
		each.end()
	}
}

// startReceivers starts the receivers that do not run yet, and forgets those that are no more.
func (a *Alerter) startReceivers(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := make(map[string]bool)
	for _, each := range a.alerts.Receivers {
		known[each.Name] = true
		before, is := a.running[each.Name]
		if is && before.ctx.Err() == nil {
			continue
		}
		if a.queues[each.Name] == nil {
			a.queues[each.Name] = newQueue()
		}
		a.startReceiver(ctx, each, before.ended)
	}
	for name := range a.running {
		if !known[name] {
			delete(a.running, name)
			delete(a.queues, name)
		}
	}
}

// startReceiver starts a receiver, whose goroutine waits for the one before, if any: a message is sent by one at a time.
func (a *Alerter) startReceiver(ctx context.Context, configured groups.AlertReceiver, before <-chan struct{}) {
	made, err := configured.Delivery(a.delivery)
	if err != nil { // it was checked before
		a.logger.Error("a receiver of alerts cannot be used", "receiver", configured.Name, "error", err)
		return
	}
	s := &sender{receiver: made, timeout: configured.Timeout, queue: a.queues[configured.Name], changed: a.signal,
		logger: a.logger.With("receiver", configured.Name, "kind", string(made.Kind()))}
	ctx, end := context.WithCancel(ctx)
	started := running{ctx: ctx, end: end, ended: make(chan struct{})}
	a.running[configured.Name] = started
	a.sending.Go(func() {
		defer close(started.ended)
		if before != nil {
			<-before
		}
		s.run(ctx)
	})
}

// signal has the state stored soon.
func (a *Alerter) signal() {
	select {
	case a.delivered <- struct{}{}:
	default:
	}
}

// look takes a snapshot, and queues the messages that are due.
func (a *Alerter) look(ctx context.Context) {
	if len(a.alerts.Receivers) == 0 {
		return
	}
	asking, cancel := context.WithTimeout(ctx, sourceTimeout)
	snapshot, err := a.source(asking)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			a.trouble("verdicts for alerts could not be read", err)
		}
		return
	}
	due := a.machine.Observe(time.Now(), snapshot)
	if left := a.machine.LeftOut(); left > 0 {
		a.trouble("too many servicers have verdicts of rules; no rule fires for the others", errLeftOut)
	}
	a.mu.Lock()
	a.firing = a.machine.Firing()
	for _, message := range due {
		for _, name := range a.receiversOf(message.Rule) {
			a.queues[name].push(message)
		}
	}
	a.mu.Unlock()
	for _, message := range due {
		a.logger.Info("an alert is sent", "rule", message.Rule, "status", string(message.Status), "servicers", message.Count)
	}
	if len(due) > 0 || a.machine.Changed() {
		a.store()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range a.queues {
		q.commit()
	}
}

var errLeftOut = errors.New("the limit is reached")

// receiversOf returns the receivers of a rule; all of them for a rule that is no more.
func (a *Alerter) receiversOf(rule string) []string {
	var names []string
	for _, each := range a.alerts.Receivers {
		names = append(names, each.Name)
	}
	at := slices.IndexFunc(a.alerts.Rules, func(r machine.Rule) bool { return r.Name == rule })
	if at < 0 || len(a.alerts.Rules[at].Receivers) == 0 {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(a.alerts.Rules[at].Receivers, name) })
}

// trouble logs what went wrong, at most once a minute.
func (a *Alerter) trouble(what string, err error) {
	if time.Since(a.troubled[what]) < quietAfterError {
		return
	}
	a.troubled[what] = time.Now()
	a.logger.Warn(what, "error", err)
}

// ReceiverStats are what became of the messages for a receiver, since the process began.
type ReceiverStats struct {
	Receiver string
	// Sent messages were taken; Failed were given up; Dropped did not fit the queue. Queued are waiting now.
	Sent, Failed, Dropped uint64
	Queued                int
}

// Stats returns what became of the messages, by receiver, and for how many servicers each rule fires.
func (a *Alerter) Stats() ([]ReceiverStats, map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stats := make([]ReceiverStats, 0, len(a.queues))
	for name, q := range a.queues {
		one := q.stats()
		one.Receiver = name
		stats = append(stats, one)
	}
	slices.SortFunc(stats, func(x, y ReceiverStats) int { return cmp.Compare(x.Receiver, y.Receiver) })
	firing := make(map[string]int, len(a.firing))
	for rule, count := range a.firing {
		firing[rule] = count
	}
	return stats, firing
}

// sameReceiver reports whether two receivers of one name are the same.
func sameReceiver(a, b groups.AlertReceiver) bool {
	if !a.URL.Equal(b.URL) || a.Timeout != b.Timeout || len(a.Headers) != len(b.Headers) {
		return false
	}
	for name, value := range a.Headers {
		if other, is := b.Headers[name]; !is || !value.Equal(other) {
			return false
		}
	}
	return true
}

package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/collector/order"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Message is one message of the stream.
type Message struct {
	Subject string
	Data    []byte
	// Stored is when the server took it.
	Stored time.Time
	// Delivered is how often it was delivered, 1 or more.
	Delivered uint64
}

// Outcome is what is to be done with a message.
type Outcome int

// Outcomes.
const (
	// Acknowledge it: what it says is durable, or has no effect.
	Acknowledge Outcome = iota
	// Again has it delivered again: what it needs has not arrived.
	Again
)

// mostDeliveries of a round whose session may be late. Together they take longer than the server waits for an
// acknowledgement, so that what was lost on the way is delivered again before.
const mostDeliveries = 12

// Hooks are told of what is durable, in order and one after the other.
type Hooks struct {
	Session func(*Vantage, *types.QoSSession)
	Round   func(*Vantage, *types.QoSRound)
}

// Intake takes messages, a batch after the other.
type Intake struct {
	takeover time.Duration
	vantages map[string]*Vantage // by public key
	hooks    Hooks
	logger   *slog.Logger
	// step is called after each step of a batch; an error ends the batch there. Tests end the process so.
	step func(step) error

	mu sync.Mutex
	// rejected counts what is of no vantage point.
	rejected [rejections]uint64
}

// step is a moment between two things that become durable.
type step int

const (
	stepJudged step = iota
	stepStored
	stepRecorded
	steps
)

// IntakeConfig lists what an intake is made of.
type IntakeConfig struct {
	Vantages []*Vantage
	// Takeover is for how long a data folder has to be silent before another one with the same key is taken.
	Takeover time.Duration
	Hooks    Hooks
	// Logger takes what is refused; nil discards it.
	Logger *slog.Logger
}

// NewIntake makes an intake.
func NewIntake(config IntakeConfig) *Intake {
	in := &Intake{takeover: config.Takeover, vantages: make(map[string]*Vantage), hooks: config.Hooks, logger: config.Logger,
		step: func(step) error { return nil }}
	if in.logger == nil {
		in.logger = slog.New(slog.DiscardHandler)
	}
	for _, v := range config.Vantages {
		in.vantages[string(v.PublicKey)] = v
	}
	return in
}

// Unattributed returns how many messages were refused that are of no vantage point, by rejection.
func (in *Intake) Unattributed() [rejections]uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.rejected
}

// Take takes a batch of messages, in the order of the stream, and returns what is to be done with each. What is to be
// acknowledged is durable then. With an error nothing is to be acknowledged; the same messages may come again.
func (in *Intake) Take(ctx context.Context, messages []Message) ([]Outcome, error) {
	b := &batch{intake: in, outcomes: make([]Outcome, len(messages)), drafts: make(map[*Vantage]*draft)}
	for i, message := range messages {
		if err := b.judge(ctx, i, message); err != nil {
			return nil, err
		}
	}
	if err := in.step(stepJudged); err != nil {
		return nil, err
	}
	for _, d := range b.inOrder {
		if err := d.store(ctx, in); err != nil {
			return nil, fmt.Errorf("store what %s says: %w", d.vantage.Name, err)
		}
	}
	for _, d := range b.inOrder {
		if err := d.compare(ctx); err != nil {
			return nil, fmt.Errorf("read what %s said: %w", d.vantage.Name, err)
		}
	}
	if err := in.step(stepStored); err != nil {
		return nil, err
	}
	for _, d := range b.inOrder {
		if d.changed {
			if err := writeLedger(d.vantage.directory, sorted(d.chains)); err != nil {
				return nil, err
			}
		}
	}
	if err := in.step(stepRecorded); err != nil {
		return nil, err
	}
	b.commit()
	return b.outcomes, nil
}

// batch is messages that are taken together.
type batch struct {
	intake   *Intake
	outcomes []Outcome
	drafts   map[*Vantage]*draft
	inOrder  []*draft
	rejected [rejections]uint64
}

func (b *batch) draft(v *Vantage) *draft {
	d := b.drafts[v]
	if d == nil {
		d = newDraft(v)
		b.drafts[v] = d
		b.inOrder = append(b.inOrder, d)
	}
	return d
}

// judge decides on a message. An error is one of reading the store.
func (b *batch) judge(ctx context.Context, at int, message Message) error {
	opened, err := protocol.Open(message.Subject, message.Data, func(key []byte) bool { return b.intake.vantages[string(key)] != nil })
	if err == nil && opened.GetSequence() > order.MaximumSequence {
		err = protocol.ErrMalformed
	}
	if err != nil {
		b.rejected[rejectionOf(err)]++
		b.intake.logger.Debug("message refused", "subject", text.Line(message.Subject, maximumSubject), "why", err)
		return nil
	}
	again, err := b.draft(b.intake.vantages[string(opened.PublicKey)]).judge(ctx, b.intake, opened, message)
	if again {
		b.outcomes[at] = Again
	}
	return err
}

// maximumSubject bounds a subject in the log.
const maximumSubject = 256

// commit makes the batch known.
func (b *batch) commit() {
	b.intake.mu.Lock()
	for i, n := range b.rejected {
		b.intake.rejected[i] += n
	}
	b.intake.mu.Unlock()
	for _, d := range b.inOrder {
		d.log(b.intake.logger)
		d.vantage.commit(d.chains, &d.tally)
	}
}

// refused reports whether an error of the store is about what was to be stored, not about the disk.
func refused(err error, reasons ...error) bool {
	for _, reason := range reasons {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

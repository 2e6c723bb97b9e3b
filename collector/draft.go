package collector

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/collector/order"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// draft is what a batch does to one vantage point.
type draft struct {
	vantage *Vantage
	// chains are those of the vantage point; the ones in cloned are the draft's own.
	chains  map[chainID]*record
	cloned  map[chainID]bool
	changed bool

	sessions []*types.QoSSession
	rounds   []*types.QoSRound
	// known are the relay chains of sessions that are stored or will be, by id.
	known map[string]string
	// repeated are rounds that were taken before, or given up.
	repeated []*types.QoSRound
	// speaker is the chain whose statement was heard last: the data folder that has the key.
	speaker *order.Chain
	tally
}

func newDraft(v *Vantage) *draft {
	v.mu.Lock()
	defer v.mu.Unlock()
	d := &draft{vantage: v, chains: maps.Clone(v.chains), cloned: make(map[chainID]bool), known: make(map[string]string)}
	for _, each := range d.chains {
		if d.speaker == nil || each.Heard > d.speaker.Heard {
			d.speaker = &each.Chain
		}
	}
	return d
}

// record returns the chain that a statement is of, to be changed; nil if it is one too many.
func (d *draft) record(id chainID) *record {
	if d.cloned[id] {
		return d.chains[id]
	}
	known := d.chains[id]
	switch {
	case known != nil:
		known = known.clone()
	case len(d.chains) >= mostChains:
		return nil
	default:
		known = &record{Network: id.network, RelayChain: id.relayChain}
	}
	d.chains[id], d.cloned[id] = known, true
	return known
}

// judge decides on a statement, and reports whether it is to be delivered again. An error is one of reading the store.
func (d *draft) judge(ctx context.Context, in *Intake, opened *protocol.Opened, message Message) (again bool, err error) {
	id := chainID{opened.GetNetwork(), opened.GetRelayChain()}
	chain := d.record(id)
	if chain == nil {
		d.rejected[Chains]++
		return false, nil
	}
	defer func() {
		if chain.Newest == 0 { // nothing of it was taken
			delete(d.chains, id)
			delete(d.cloned, id)
		}
	}()
	statement := statementOf(opened, message)
	verdict := chain.Judge(statement, in.takeover)
	if d.speaker != nil && d.speaker.Instance != statement.Instance && d.speaker.Talks(statement.At, in.takeover) {
		verdict = order.Elsewhere
	}
	switch verdict {
	case order.Altered:
		d.rejected[Altered]++
		return false, nil
	case order.Elsewhere:
		d.rejected[Elsewhere]++
		d.double = &Double{Heard: d.speaker.Place, Refused: opened.GetPlace(), At: message.Stored}
		return false, nil
	case order.Known:
		if round := opened.GetRound(); round != nil {
			d.repeated = append(d.repeated, round)
		} else {
			d.duplicates++
		}
		return false, nil
	}
	rejection, again, err := d.admit(ctx, chain, opened, message, verdict)
	if err != nil || again {
		return again, err
	}
	chain.Take(statement, verdict)
	d.speaker, d.changed = &chain.Chain, true
	d.delays = append(d.delays, delay{time.Unix(0, opened.GetSignedUnixNano()), message.Stored})
	if verdict == order.TakenOver {
		d.takeovers++
	}
	if rejection != nil {
		d.rejected[*rejection]++
		return false, nil
	}
	d.taken++
	return false, nil
}

func statementOf(opened *protocol.Opened, message Message) order.Statement {
	return order.Statement{
		Instance: order.Instance(opened.GetInstance()),
		Place:    opened.GetPlace(),
		Sequence: opened.GetSequence(),
		Previous: digestOf(opened.GetPrevious()),
		Hash:     order.Digest(opened.Digest),
		At:       message.Stored.UnixNano(),
	}
}

func digestOf(hash []byte) (digest order.Digest) {
	copy(digest[:], hash)
	return digest
}

// admit has what a statement says stored with the batch. It returns why it is not, and whether it is to be delivered again.
func (d *draft) admit(ctx context.Context, chain *record, opened *protocol.Opened, message Message, verdict order.Verdict) (_ *Rejection, again bool, err error) {
	switch {
	case opened.GetSession() != nil:
		return d.admitSession(ctx, opened, verdict)
	case opened.GetRound() != nil:
		return d.admitRound(ctx, chain, opened, message)
	}
	chain.Lost += opened.GetGap().GetRounds()
	return nil, false, nil
}

func (d *draft) admitSession(ctx context.Context, opened *protocol.Opened, verdict order.Verdict) (*Rejection, bool, error) {
	session := opened.GetSession()
	if session.GetHeader().GetRelayChain() != opened.GetRelayChain() {
		return new(Malformed), false, nil
	}
	of, err := d.relayChain(ctx, session.GetHeader().GetId())
	switch {
	case err != nil && !errors.Is(err, modules.ErrUnknownSession):
		return nil, false, err
	case err == nil && of != opened.GetRelayChain():
		return new(Malformed), false, nil
	case err == nil && verdict == order.Late:
		return nil, false, nil // what is known of the session is newer
	}
	d.sessions = append(d.sessions, session)
	d.known[session.GetHeader().GetId()] = opened.GetRelayChain()
	return nil, false, nil
}

func (d *draft) admitRound(ctx context.Context, chain *record, opened *protocol.Opened, message Message) (*Rejection, bool, error) {
	round := opened.GetRound()
	of, err := d.relayChain(ctx, round.GetSessionId())
	switch {
	case errors.Is(err, modules.ErrUnknownSession) && chain.MayArrive(opened.GetSequence()) && message.Delivered < mostDeliveries:
		return nil, true, nil
	case errors.Is(err, modules.ErrUnknownSession):
		return new(Orphan), false, nil
	case err != nil:
		return nil, false, err
	case of != opened.GetRelayChain():
		return new(Malformed), false, nil
	}
	d.rounds = append(d.rounds, round)
	return nil, false, nil
}

// relayChain returns that of a session. Errors: modules.ErrUnknownSession, or the store's.
func (d *draft) relayChain(ctx context.Context, id string) (string, error) {
	if of, known := d.known[id]; known {
		return of, nil
	}
	session, err := d.vantage.store.Session(ctx, id)
	if err != nil {
		return "", err
	}
	of := session.GetHeader().GetRelayChain()
	d.known[id] = of
	return of, nil
}

// store makes the batch durable. With an error nothing is known to be.
func (d *draft) store(ctx context.Context, in *Intake) error {
	if len(d.sessions)+len(d.rounds) == 0 {
		return nil
	}
	d.vantage.learn(d.chains)
	errs := d.vantage.store.PutAll(ctx, d.sessions, d.rounds)
	for i, err := range errs {
		isRound := i >= len(d.sessions)
		switch {
		case err == nil && isRound:
			in.round(d.vantage, d.rounds[i-len(d.sessions)])
		case err == nil:
			in.session(d.vantage, d.sessions[i])
		case refused(err, local.ErrRoundExists):
			d.taken--
			d.repeated = append(d.repeated, d.rounds[i-len(d.sessions)])
		case refused(err, local.ErrFull):
			d.taken--
			d.rejected[Full]++
		case refused(err, modules.ErrUnknownSession):
			d.taken--
			d.rejected[Orphan]++
		default:
			return err
		}
	}
	return d.vantage.store.Durable()
}

// compare finds out which of the repeated rounds are what is stored.
func (d *draft) compare(ctx context.Context) error {
	for _, round := range d.repeated {
		page, _, err := d.vantage.store.Page(ctx, round.GetSessionId(), round.GetIndex(), 1)
		switch {
		case errors.Is(err, modules.ErrUnknownSession):
			d.duplicates++ // it was removed with its session
		case err != nil:
			return err
		case len(page) == 0 || page[0].GetIndex() != round.GetIndex():
			d.rejected[Reordered]++
		case proto.Equal(page[0], round):
			d.duplicates++
		default:
			d.rejected[Altered]++
		}
	}
	return nil
}

// log says what an operator has to look at.
func (d *draft) log(logger *slog.Logger) {
	if d.double != nil {
		logger.Warn("a second data folder has the key of a vantage point; what it says is refused", "vantage", d.vantage.Name,
			"heard", d.double.Heard, "refused", d.double.Refused)
	}
	if d.takeovers > 0 {
		logger.Warn("statements of another data folder, or of one that was set back, are taken from now on: the ones before have stopped",
			"vantage", d.vantage.Name)
	}
	for rejection, n := range d.rejected {
		if n > 0 && Rejection(rejection) != Elsewhere {
			logger.Warn("statements refused", "vantage", d.vantage.Name, "why", Rejection(rejection).Label(), "count", n)
		}
	}
}

// session and round tell of what is durable.
func (in *Intake) session(v *Vantage, session *types.QoSSession) {
	if in.hooks.Session != nil {
		in.hooks.Session(v, session)
	}
}

func (in *Intake) round(v *Vantage, round *types.QoSRound) {
	if in.hooks.Round != nil {
		in.hooks.Round(v, round)
	}
}

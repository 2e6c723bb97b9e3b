package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// begun is when the first statement is stored.
var begun = time.Unix(1_790_000_000, 0)

// speaker is a fisherman that publishes.
type speaker struct {
	key   crypto.PrivateKey
	place protocol.Place
	// at is when the next statement is signed and stored.
	at time.Time
	// sealed are the statements so far.
	sealed []protocol.Sealed
}

func newSpeaker(seed byte) *speaker {
	return &speaker{key: crypto.KeyFromSeed([32]byte{seed}), at: begun, place: protocol.Place{Network: "endpoints", RelayChain: "eth",
		Name: fmt.Sprintf("place-%d", seed), Instance: [16]byte{seed}}}
}

func (s *speaker) fisherman(name string) Fisherman {
	return Fisherman{Name: name, PublicKey: s.key.PublicKey()}
}

// say seals the next statement.
func (s *speaker) say(content protocol.Content) Message {
	s.place.Sequence++
	s.place.SignedUnixNano = s.at.UnixNano()
	sealed := protocol.Seal(s.key, s.place, content)
	s.place.Previous = sealed.Digest
	s.sealed = append(s.sealed, sealed)
	message := Message{Subject: sealed.Subject, Data: sealed.Delivery, Stored: s.at.Add(5 * time.Millisecond), Delivered: 1}
	s.at = s.at.Add(time.Second)
	return message
}

func (s *speaker) session(id string, closed bool) Message {
	return s.say(contentOf(sessionOf(id, s.place.RelayChain, closed)))
}

func (s *speaker) round(id string, index uint32) Message { return s.say(contentOf(roundOf(id, index))) }

func sessionOf(id, chain string, closed bool) *types.QoSSession {
	return &types.QoSSession{Header: &types.SessionHeader{Id: id, RelayChain: chain, StartHeight: 7}, ChecksPlanned: 100, Closed: closed,
		StartUnixNano: begun.UnixNano(), EndUnixNano: begun.Add(time.Hour).UnixNano(), JoinedUnixNano: begun.UnixNano(),
		Servicers: []*types.QoSServicer{{Address: "a", ServiceUrl: "http://a"}}}
}

func roundOf(id string, index uint32) *types.QoSRound {
	at := begun.Add(time.Duration(index) * time.Second).UnixNano()
	return &types.QoSRound{SessionId: id, Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE, PlannedUnixNano: at, ReleasedUnixNano: at,
		Samples: []*types.QoSSample{{Servicer: "a", Outcome: types.Outcome_OUTCOME_OK, SentUnixNano: at}}}
}

func contentOf(message proto.Message) protocol.Content {
	encoded, err := proto.Marshal(message)
	if err != nil {
		panic(err)
	}
	switch what := message.(type) {
	case *types.QoSSession:
		return protocol.SessionContent(what.GetHeader().GetId(), 1, encoded)
	case *types.QoSRound:
		content, _ := protocol.RoundContent(what.GetSessionId(), what.GetIndex(), encoded)
		return content
	}
	panic("no content")
}

// disk is a store whose disk can be made to fail.
type disk struct {
	*local.Samples
	broken error
}

func (d *disk) Durable() error { return d.broken }

func (d *disk) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	if d.broken == nil {
		return d.Samples.PutAll(ctx, sessions, rounds)
	}
	errs := make([]error, len(sessions)+len(rounds))
	for i := range errs {
		errs[i] = d.broken
	}
	return errs
}

// home is a collector's data directory.
type home struct {
	t         testing.TB
	directory string
	fishermen []Fisherman
	options   local.Options

	intake   *Intake
	vantages []*Vantage
	stores   []*disk
	told     []string
}

func newHome(t testing.TB, fishermen ...Fisherman) *home {
	h := &home{t: t, directory: t.TempDir(), fishermen: fishermen, options: local.DefaultOptions()}
	h.open()
	t.Cleanup(h.close)
	return h
}

// open opens what is there, as a process does that starts.
func (h *home) open() {
	h.t.Helper()
	h.vantages, h.stores = nil, nil
	for _, fisherman := range h.fishermen {
		directory := filepath.Join(h.directory, fisherman.Address())
		if err := os.MkdirAll(directory, 0o700); err != nil {
			h.t.Fatal(err)
		}
		opened, err := local.OpenSamples(filepath.Join(directory, "samples"), h.options)
		if err != nil {
			h.t.Fatal(err)
		}
		store := &disk{Samples: opened}
		vantage, err := OpenVantage(fisherman, directory, store)
		if err != nil {
			h.t.Fatal(errors.Join(err, opened.Close()))
		}
		h.stores, h.vantages = append(h.stores, store), append(h.vantages, vantage)
	}
	h.intake = NewIntake(IntakeConfig{Vantages: h.vantages, Takeover: 10 * time.Minute, Hooks: Hooks{
		Session: func(v *Vantage, s *types.QoSSession) { h.told = append(h.told, v.Name+" "+s.GetHeader().GetId()) },
		Round: func(v *Vantage, r *types.QoSRound) {
			h.told = append(h.told, fmt.Sprintf("%s %s/%d", v.Name, r.GetSessionId(), r.GetIndex()))
		},
	}})
}

func (h *home) close() {
	for _, store := range h.stores {
		if err := store.Close(); err != nil {
			h.t.Error(err)
		}
	}
	h.stores = nil
}

// restart closes and opens it.
func (h *home) restart() {
	h.t.Helper()
	h.close()
	h.open()
}

// take takes messages in one batch and returns how many are to be delivered again.
func (h *home) take(messages ...Message) (again int) {
	h.t.Helper()
	outcomes, err := h.intake.Take(h.t.Context(), messages)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, outcome := range outcomes {
		if outcome == Again {
			again++
		}
	}
	return again
}

// rounds returns the indices of the stored rounds of a session.
func (h *home) rounds(at int, session string) (indices []uint32) {
	h.t.Helper()
	rounds, err := h.stores[at].Rounds(h.t.Context(), session)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, round := range rounds {
		indices = append(indices, round.GetIndex())
	}
	return indices
}

// resealed signs a statement's bytes anew, after a change of them.
func resealed(key crypto.PrivateKey, message Message, change func(*protocol.Statement)) Message {
	var delivery protocol.Delivery
	var statement protocol.Statement
	if err := errors.Join(proto.Unmarshal(message.Data, &delivery), proto.Unmarshal(delivery.GetStatement(), &statement)); err != nil {
		panic(err)
	}
	change(&statement)
	encoded, err := proto.Marshal(&statement)
	if err != nil {
		panic(err)
	}
	delivery.Statement, delivery.PublicKey, delivery.Signature = encoded, key.PublicKey(), key.Sign(crypto.DomainFeed, encoded)
	if message.Data, err = proto.Marshal(&delivery); err != nil {
		panic(err)
	}
	return message
}

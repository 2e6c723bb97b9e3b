package request

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// ReadJSONRPC reads the request from where --payload points and checks its form.
func ReadJSONRPC(io command.Streams, source string) ([]byte, error) {
	payload, err := ReadBody(io, source)
	if err != nil {
		return nil, err
	}
	_, err = relay.ValidateJSONRPC(payload)
	return payload, err
}

// ReadBody reads what a flag holds or points at: itself, @FILE, or - for standard input.
func ReadBody(io command.Streams, source string) (payload []byte, err error) {
	payload = []byte(source)
	if source == "-" {
		payload, err = command.ReadAll(io.In, "standard input", relay.MaxRequestBytes)
	} else if path, isFile := strings.CutPrefix(source, "@"); isFile {
		payload, err = command.ReadFile(path, relay.MaxRequestBytes)
	}
	return payload, err
}

// ServicerOf is Servicer of a session of a node's chain. If the servicer is too new for the session, the error says from which
// block on it may be in one.
func ServicerOf(ctx context.Context, node *client.Client, session api.Session, address string) (api.Actor, error) {
	servicer, err := Servicer(session, address)
	if command.Code(err) != command.ExitNotFound {
		return servicer, err
	}
	seats, _ := command.Seats(ctx, node, types.ActorType_ACTOR_TYPE_SERVICER.Label(), address) // the first error is the one to show
	for _, seat := range seats {
		if seat.RelayChain == session.RelayChain && seat.From > session.StartHeight {
			return servicer, command.Fail(command.ExitNotFound, "%w; it is staked, and may be in sessions %s", err, command.SeatsText([]command.Seat{seat}))
		}
	}
	return servicer, err
}

// Servicer finds a servicer in a session, also by the first digits of its address. The key that its answers are checked with must
// be the address's own, whatever
// the node says.
func Servicer(session api.Session, address string) (api.Actor, error) {
	members := make([]string, len(session.Servicers))
	for i, member := range session.Servicers {
		members[i] = member.Address
	}
	address, err := command.Complete("--servicer", address, "no servicer of session "+terminal.ID(session.ID), command.AddressesOf("", members...))
	if err != nil {
		return api.Actor{}, err
	}
	index := slices.IndexFunc(session.Servicers, func(actor api.Actor) bool { return actor.Address == address })
	if index < 0 {
		return api.Actor{}, command.Fail(command.ExitNotFound, "servicer %s is not in session %s; see 'pocket query session --application %s --chain %s'",
			address, terminal.ID(session.ID), session.Application.Address, session.RelayChain)
	}
	servicer := session.Servicers[index]
	key, err := hex.DecodeString(servicer.PublicKey)
	if err != nil || crypto.Address(key) != address {
		return api.Actor{}, command.Fail(command.ExitUntrusted, "the node's public key of servicer %s does not belong to that address", address)
	}
	if err := types.ValidateHTTPURL(servicer.ServiceURL); err != nil {
		return api.Actor{}, command.Fail(command.ExitUntrusted, "the node's service URL of servicer %s: %w", address, err)
	}
	return servicer, nil
}

// Seal addresses a payload and signs it, as a fisherman does.
func Seal(key crypto.PrivateKey, session api.Session, servicer string, payload types.Payload) (*relay.SealedRequest, error) {
	header := &types.SessionHeader{
		Id:          session.ID,
		StartHeight: session.StartHeight,
		RelayChain:  session.RelayChain,
		GeoZone:     session.GeoZone,
		Application: session.Application.Address,
	}
	return relay.SealRequest(key, relay.NewRequest(header, servicer, payload, time.Now()))
}

// Post serialises the HTTP request that carries an envelope to a servicer, as a fisherman's does.
func Post(serviceURL string, envelope []byte) ([]byte, error) {
	return pocket.Post(serviceURL, envelope)
}

// Carried is what is known of an exchange with a servicer, as far as it came.
type Carried struct {
	// Phases of connecting; nil without a connection.
	Phases *wire.Phases
	// Sent is when the request was handed to the connection, Write how long that took.
	Sent   time.Time
	Write  time.Duration
	Answer *wire.Answer
}

// Carry takes a request to a servicer and its answer back. The deadline is asked for before connecting, and again before
// sending; the round-trip time, from Sent to the answer's last byte, has no part of connecting, as in a fisherman's check.
func Carry(ctx context.Context, dialer *wire.Dialer, serviceURL string, serialised []byte, deadline func() time.Time) (carried Carried, err error) {
	dialing, cancel := context.WithDeadline(ctx, deadline())
	defer cancel()
	conn, err := dialer.Dial(dialing, serviceURL)
	if err != nil {
		return carried, err
	}
	closing := func() { _ = conn.Close() }
	defer closing()
	defer context.AfterFunc(ctx, closing)()
	carried.Phases = &conn.Phases
	if carried.Sent, err = conn.Send(serialised, deadline()); err != nil {
		return carried, err
	}
	carried.Write = time.Since(carried.Sent)
	answer, err := conn.Receive()
	if err != nil {
		return carried, err
	}
	if failure := answer.Unencoded(); failure != nil {
		return carried, failure
	}
	carried.Answer = answer
	return carried, nil
}

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Seat is a relay chain with the block from which on an actor may be in its sessions.
type Seat struct {
	RelayChain string `json:"relay_chain"`
	From       int64  `json:"from"`
}

// Seats returns for each relay chain of an actor from which block on it may be in sessions; none for one that is paused,
// and for a validator. An address or type that is not staked has none.
func Seats(ctx context.Context, node *client.Client, role, address string) ([]Seat, error) {
	actors, err := node.Actors(ctx, role, 0)
	if err != nil {
		return nil, fmt.Errorf("actors of type %s: %w", role, err)
	}
	index := slices.IndexFunc(actors.Actors, func(a api.Actor) bool { return a.Address == address })
	if index < 0 {
		return nil, nil
	}
	blocks, err := blocksPerSession(ctx, node, actors.Height)
	if err != nil {
		return nil, err
	}
	return seatsOf(actors.Actors[index], blocks), nil
}

// NewSeats returns the seats of those actors that are too new to be in sessions at a height, in words, a line for each.
func NewSeats(ctx context.Context, node *client.Client, actors api.Actors) ([]string, error) {
	isNew := func(a api.Actor) bool {
		return slices.ContainsFunc(a.SinceHeights, func(since int64) bool { return since > 0 })
	}
	if !slices.ContainsFunc(actors.Actors, isNew) {
		return nil, nil
	}
	blocks, err := blocksPerSession(ctx, node, actors.Height)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, actor := range actors.Actors {
		seats := slices.DeleteFunc(seatsOf(actor, blocks), func(s Seat) bool { return s.From <= actors.Height })
		if len(seats) > 0 {
			lines = append(lines, fmt.Sprintf("%s %s may be in sessions %s", terminal.Clean(actor.Type), terminal.Clean(actor.Address), SeatsText(seats)))
		}
	}
	return lines, nil
}

// SeatsText says from which block on an actor may be in sessions, as in "from block 30 on (0001), from block 40 on (0021)".
func SeatsText(seats []Seat) string {
	var order []int64
	chains := make(map[int64][]string)
	for _, seat := range seats {
		if chains[seat.From] == nil {
			order = append(order, seat.From)
		}
		chains[seat.From] = append(chains[seat.From], terminal.Clean(seat.RelayChain))
	}
	parts := make([]string, len(order))
	for i, from := range order {
		parts[i] = fmt.Sprintf("from block %d on (%s)", from, strings.Join(chains[from], ", "))
	}
	return strings.Join(parts, ", ")
}

func seatsOf(actor api.Actor, blocks int64) []Seat {
	var seats []Seat
	if actor.PausedHeight != 0 {
		return nil
	}
	for i, chain := range actor.Chains {
		if i < len(actor.SinceHeights) && actor.SinceHeights[i] >= 0 {
			seats = append(seats, Seat{RelayChain: chain, From: types.FirstSessionStart(actor.SinceHeights[i], blocks)})
		}
	}
	return seats
}

// blocksPerSession reads how many blocks a session has.
func blocksPerSession(ctx context.Context, node *client.Client, height int64) (int64, error) {
	found, err := node.Params(ctx, height)
	if err != nil {
		return 0, fmt.Errorf("parameters: %w", err)
	}
	var params struct {
		Session struct {
			BlocksPerSession string `json:"blocks_per_session"`
		} `json:"session"`
	}
	if err := json.Unmarshal(found.Params, &params); err != nil {
		return 0, Fail(ExitUntrusted, "the node's parameters cannot be read: %w", err)
	}
	blocks, err := strconv.ParseInt(params.Session.BlocksPerSession, 10, 64)
	if err != nil || blocks < 1 {
		return 0, Fail(ExitUntrusted, "the node's blocks_per_session is no number of blocks")
	}
	return blocks, nil
}

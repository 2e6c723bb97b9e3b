package servicer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// New makes the command 'pocket servicer'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "servicer",
		Short: "Read what the servicers of a node keep",
	}, newRelays(io))
}

// relaysQuery is what 'pocket servicer relays' was told.
type relaysQuery struct {
	session      string
	from, limit  int64
	output, node string
}

func newRelays(io command.Streams) *cobra.Command {
	var q relaysQuery
	cmd := &cobra.Command{
		Use:   "relays",
		Short: "Show the volume-applicable relays that are kept, with both signatures",
		Long: `Shows, by session, how many relays the servicers of a node keep, and what became of those that they wanted to keep.
With --session it shows the relays themselves. Each is verified here, from its two envelopes: the signer's request, and
the servicer's answer that is bound to it. The envelopes are part of the JSON and CSV forms, in base64.`,
		Example: `  pocket servicer relays
  pocket servicer relays --session ID --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.session == "" && cmd.Flags().Changed("from") {
				return command.Fail(command.ExitUsage, "--from is a place among the relays of a session; give --session ID")
			}
			if q.session == "" {
				return showRelaySessions(cmd.Context(), io, q)
			}
			return showRelays(cmd.Context(), io, q)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &q.session, "session", "ID", types.ValidateSessionID, "the relays of this session (default how many each session has)")
	command.AddNumber(flags, &q.from, "from", 0, 0, math.MaxUint32, "place of the first relay, with --session")
	command.AddNumber(flags, &q.limit, "limit", 100, 1, 1000, "at most so many relays or, without --session, of the newest sessions")
	command.AddOutput(flags, &q.output, command.OutputTable, command.OutputJSON, command.OutputCSV)
	command.AddNode(flags, &q.node)
	return cmd
}

func showRelaySessions(ctx context.Context, io command.Streams, q relaysQuery) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	kept, err := node.KeptRelays(ctx, int(q.limit))
	if err != nil {
		return fmt.Errorf("relays of servicers: %w", err)
	}
	switch q.output {
	case command.OutputJSON:
		return command.WriteJSON(io.Out, kept)
	case command.OutputCSV:
		return command.WriteCSV(io.Out, append([][]string{relaySessionsHeader}, relaySessionRows(kept, command.CSVText)...))
	default:
		return command.WriteText(io.Out, relaySessionsText(kept))
	}
}

func showRelays(ctx context.Context, io command.Streams, q relaysQuery) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	page, err := node.SessionRelays(ctx, q.session, q.from, int(q.limit))
	if err != nil {
		return fmt.Errorf("relays of session %s: %w", q.session, err)
	}
	verified, problem := verifyRelays(page)
	switch q.output {
	case command.OutputJSON:
		err = command.WriteJSON(io.Out, verified)
	case command.OutputCSV:
		err = command.WriteCSV(io.Out, append([][]string{relaysHeader}, relayRows(verified)...))
	default:
		err = command.WriteText(io.Out, relaysText(verified))
	}
	if err == nil && problem != nil {
		return command.Fail(command.ExitUntrusted, "not every relay can be trusted: %w", problem)
	}
	return err
}

// verifiedPage is a page of relays that were verified here.
type verifiedPage struct {
	Session string          `json:"session"`
	Kept    int             `json:"kept"`
	Next    *int64          `json:"next"`
	Relays  []verifiedRelay `json:"relays"`
}

type verifiedRelay struct {
	client.KeptRelay
	// Verified: both signatures fit, and the envelopes say what the node says.
	Verified bool `json:"verified"`
}

// verifyRelays verifies every relay, and tells the first problem.
func verifyRelays(page client.RelayPage) (verified verifiedPage, problem error) {
	verified = verifiedPage{Session: page.Session, Kept: page.Kept, Next: page.Next, Relays: []verifiedRelay{}}
	for _, kept := range page.Relays {
		err := verifyRelay(page.Session, kept)
		if err != nil && problem == nil {
			problem = fmt.Errorf("relay %d: %w", kept.Place, err)
		}
		verified.Relays = append(verified.Relays, verifiedRelay{kept, err == nil})
	}
	return verified, problem
}

func verifyRelay(session string, kept client.KeptRelay) error {
	opened, err := relay.OpenExchanged(kept.Request, kept.Response)
	if err != nil {
		return err
	}
	header := opened.Request.GetSession()
	if header.GetId() != session || header.GetApplication() != kept.Application || opened.Signer != kept.Signer ||
		opened.Request.GetServicer() != kept.Servicer || hex.EncodeToString(opened.RequestHash[:]) != kept.RequestHash ||
		opened.Response.GetReceivedUnixNano() != kept.Received.UnixNano() ||
		opened.Response.GetAnsweredUnixNano() != kept.Answered.UnixNano() || opened.Response.GetUpstreamStatus() != kept.UpstreamStatus {
		return errors.New("its envelopes say something else than the node")
	}
	return nil
}

package servicer

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
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

// options are what 'pocket servicer relays' was told.
type options struct {
	session      string
	from         int64
	limit        int
	output, node string
}

func newRelays(io command.Streams) *cobra.Command {
	var o options
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
			if o.session == "" && cmd.Flags().Changed("from") {
				return command.Fail(command.ExitUsage, "--from is a place among the relays of a session; give --session ID")
			}
			if o.session == "" {
				return showRelaySessions(cmd.Context(), io, o)
			}
			return showRelays(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &o.session, "session", "ID", types.ValidateSessionID, "the relays of this session (default how many each session has)")
	command.AddNumber(flags, &o.from, "from", 0, 0, math.MaxUint32, "place of the first relay, with --session")
	command.AddNumber(flags, &o.limit, "limit", 100, 1, 1000, "at most so many relays or, without --session, of the newest sessions")
	command.AddOutput(flags, &o.output, command.OutputTable, command.OutputJSON, command.OutputCSV)
	command.AddNode(flags, &o.node)
	return cmd
}

func showRelaySessions(ctx context.Context, io command.Streams, o options) error {
	kept, err := command.Ask(o.node, "relays of servicers", func(node *client.Client) (api.KeptRelays, error) { return node.KeptRelays(ctx, o.limit) })
	if err != nil {
		return err
	}
	return command.WriteResult(io.Out, o.output, kept, func() string { return relaySessionsText(kept) },
		func() [][]string {
			return append([][]string{relaySessionsHeader}, relaySessionRows(kept, command.CSVText)...)
		})
}

func showRelays(ctx context.Context, io command.Streams, o options) error {
	page, err := command.Ask(o.node, "relays of session "+o.session,
		func(node *client.Client) (api.RelayPage, error) {
			return node.SessionRelays(ctx, o.session, o.from, o.limit)
		})
	if err != nil {
		return err
	}
	verified, problem := verifyRelays(page)
	err = command.WriteResult(io.Out, o.output, verified, func() string { return relaysText(verified) },
		func() [][]string { return append([][]string{relaysHeader}, relayRows(verified)...) })
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
	api.KeptRelay
	// Verified: both signatures fit, and the envelopes say what the node says.
	Verified bool `json:"verified"`
}

// verifyRelays verifies every relay, and tells the first problem.
func verifyRelays(page api.RelayPage) (verified verifiedPage, problem error) {
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

func verifyRelay(session string, kept api.KeptRelay) error {
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

// Columns of the CSV forms. Scripts depend on them: columns are only ever added at the end.
var (
	relaySessionsHeader = []string{"session_id", "session_height", "relay_chain", "geo_zone", "application", "relays"}
	relaysHeader        = []string{"session_id", "place", "request_hash", "servicer", "application", "signer", "received", "answered",
		"upstream_status", "verified", "request", "response"}
)

func relaySessionsText(kept api.KeptRelays) string {
	store := kept.Store
	text := fmt.Sprintf("%d relays of %d sessions are kept, %d bytes; since the node runs %d sessions were evicted and the disk failed %d times\n\n",
		store.Relays, store.Sessions, store.Bytes, store.EvictedSessions, store.Failures)
	counts := make([][]string, 0, len(kept.Servicers))
	for _, servicer := range kept.Servicers {
		counts = append(counts, []string{terminal.Clean(servicer.Address), strconv.FormatUint(servicer.Stored, 10),
			strconv.FormatUint(servicer.Dropped, 10), strconv.FormatUint(servicer.Failed, 10)})
	}
	text += terminal.Table([]string{"SERVICER", "STORED", "DROPPED", "FAILED"}, counts)
	return text + "\n" + terminal.Table([]string{"SESSION", "HEIGHT", "CHAIN", "ZONE", "APPLICATION", "RELAYS"}, relaySessionRows(kept, terminal.Clean))
}

func relaySessionRows(kept api.KeptRelays, text func(string) string) [][]string {
	rows := make([][]string, 0, len(kept.Sessions))
	for _, session := range kept.Sessions {
		rows = append(rows, []string{text(session.ID), strconv.FormatInt(session.StartHeight, 10), text(session.RelayChain),
			text(session.GeoZone), text(session.Application), strconv.Itoa(session.Relays)})
	}
	return rows
}

func relaysText(page verifiedPage) string {
	rows := make([][]string, 0, len(page.Relays))
	for _, r := range page.Relays {
		signatures := "both fit"
		if !r.Verified {
			signatures = "NOT VERIFIED"
		}
		rows = append(rows, []string{strconv.FormatInt(r.Place, 10), terminal.Clean(r.RequestHash), terminal.Clean(r.Servicer), terminal.Clean(r.Signer),
			r.Received.UTC().Format(time.RFC3339Nano), signatures})
	}
	text := fmt.Sprintf("session      %s\n", terminal.Clean(page.Session))
	if len(page.Relays) > 0 {
		text += fmt.Sprintf("application  %s\n", terminal.Clean(page.Relays[0].Application))
	}
	text += fmt.Sprintf("relays       %d kept, %d shown", page.Kept, len(page.Relays))
	if page.Next != nil {
		text += fmt.Sprintf("; go on with --from %d", *page.Next)
	}
	return text + "\n\n" + terminal.Table([]string{"PLACE", "REQUEST", "SERVICER", "SIGNER", "RECEIVED", "SIGNATURES"}, rows)
}

func relayRows(page verifiedPage) [][]string {
	rows := make([][]string, 0, len(page.Relays))
	for _, r := range page.Relays {
		rows = append(rows, []string{command.CSVText(page.Session), strconv.FormatInt(r.Place, 10), command.CSVText(r.RequestHash), command.CSVText(r.Servicer),
			command.CSVText(r.Application), command.CSVText(r.Signer), r.Received.UTC().Format(time.RFC3339Nano), r.Answered.UTC().Format(time.RFC3339Nano),
			strconv.FormatUint(uint64(r.UpstreamStatus), 10), strconv.FormatBool(r.Verified),
			command.CSVText(base64.StdEncoding.EncodeToString(r.Request)), command.CSVText(base64.StdEncoding.EncodeToString(r.Response))})
	}
	return rows
}

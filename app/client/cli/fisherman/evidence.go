package fisherman

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// defaultPieces is how many checks 'pocket fisherman evidence' shows when it is not told; maximumPieces is the most.
	defaultPieces = 20
	maximumPieces = 1000
	// pageOfPieces is how many of them one request asks for.
	pageOfPieces = 100
)

// evidenceOptions are what 'pocket fisherman evidence' was told.
type evidenceOptions struct {
	filter       client.EvidenceFilter
	check, limit int64
	output, out  string
	node         string
}

func newEvidence(io command.Streams) *cobra.Command {
	var q evidenceOptions
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Show the checks in which servicers gave different answers, with what each side signed",
		Long: `Shows the checks in which servicers contradicted the strict majority, the newest first: the question, who said what, and
the answers of every dissenter and of one servicer of the majority, from where they begin to differ.

The JSON form is whole, with the signed envelopes: 'pocket fisherman verify' checks it without a node. --out writes it to
a file. Of a list of endpoints, whose targets sign nothing, it has what was received instead: it proves nothing. Suppliers of the live Pocket network sign their answers, but neither the
question nor the time; 'pocket fisherman verify' says what that leaves open.`,
		Example: `  pocket fisherman evidence --servicer ADDRESS
  pocket fisherman evidence --session ID --out evidence.json && pocket fisherman verify evidence.json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("check") {
				check := uint32(q.check)
				q.filter.Check = &check
			}
			return showEvidence(cmd.Context(), io, q)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &q.filter.SessionID, "session", "ID", types.ValidateSessionID, "this session only")
	command.AddIdentifier(flags, &q.filter.Servicer, "servicer", "ADDRESS|NAME", "checks with this servicer (its first 8 digits will do), or target, on a side only")
	command.AddNumber(flags, &q.check, "check", 0, 0, 1<<32-1, "this check of a session only, counted from 0 (default all)")
	command.AddNumber(flags, &q.limit, "limit", defaultPieces, 1, maximumPieces, "the most checks")
	command.AddTable(flags, &q.output)
	flags.StringVar(&q.out, "out", "", "write the JSON form to this `FILE` instead")
	command.AddNode(flags, &q.node)
	return cmd
}

func showEvidence(ctx context.Context, io command.Streams, q evidenceOptions) error {
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	if q.filter.Servicer, err = command.CompleteAddress(ctx, node, "--servicer", q.filter.Servicer, api.AddressRoleServicer); err != nil {
		return err
	}
	found, err := collectEvidence(ctx, node, q)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	if q.out != "" {
		return saveEvidence(io, found, q.out)
	}
	return command.WriteResult(io.Out, q.output, api.EvidenceFile{Format: evidence.Format, Evidence: found.Evidence},
		func() string { return evidenceText(found) }, func() [][]string { return evidenceRows(found) })
}

// collectEvidence reads pages until there are as many checks as wanted.
func collectEvidence(ctx context.Context, node *client.Client, q evidenceOptions) (api.EvidencePage, error) {
	all := api.EvidencePage{Evidence: []api.Evidence{}}
	filter := q.filter
	for {
		filter.Limit = min(pageOfPieces, int(q.limit)-len(all.Evidence))
		page, err := node.Evidence(ctx, filter)
		if err != nil {
			return all, err
		}
		all.Evidence = append(all.Evidence, page.Evidence...)
		all.Unkept += page.Unkept
		all.Next = page.Next
		if page.Next == nil || len(page.Evidence) == 0 || len(all.Evidence) >= int(q.limit) {
			return all, nil
		}
		filter.Before = page.Next
	}
}

// saveEvidence writes a file whole or not at all. Nothing is no evidence, and no file.
func saveEvidence(io command.Streams, found api.EvidencePage, path string) error {
	if len(found.Evidence) == 0 {
		return command.Fail(command.ExitNotFound, "there is no evidence of disagreement, so %s was not written", terminal.Short(path))
	}
	text, err := evidence.Encode(found.Evidence)
	if err != nil {
		return err
	}
	if len(text) > evidence.MaxBytes {
		return command.Fail(command.ExitUsage, "the evidence of %d checks has more than %d bytes; ask for less with --session, --check or --limit",
			len(found.Evidence), evidence.MaxBytes)
	}
	written, err := os.CreateTemp(filepath.Dir(path), ".evidence-*")
	if err != nil {
		return command.Fail(command.ExitUsage, "--out: %w", err)
	}
	defer func() { _ = os.Remove(written.Name()) }() // renamed when all went well
	_, err = written.Write(text)
	if closing := written.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Chmod(written.Name(), 0o644) // evidence is for others
	}
	if err == nil {
		err = os.Rename(written.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	return command.WriteText(io.Out, fmt.Sprintf("wrote the evidence of %d checks to %s; check it with 'pocket fisherman verify'\n",
		len(found.Evidence), terminal.Clean(path)))
}

func evidenceText(found api.EvidencePage) string {
	var text strings.Builder
	for _, piece := range found.Evidence {
		text.WriteString(pieceText(piece) + "\n")
	}
	if len(found.Evidence) == 0 {
		text.WriteString("no disagreement with both sides' envelopes is kept\n")
	}
	if found.Unkept > 0 {
		fmt.Fprintf(&text, "of %d further checks the envelopes of both sides are not kept\n", found.Unkept)
	}
	if found.Next != nil {
		text.WriteString("there are older ones; see --limit\n")
	}
	return text.String()
}

// pieceText shows one check: who said what, and from where the answers differ.
func pieceText(piece api.Evidence) string {
	var text strings.Builder
	fmt.Fprintf(&text, "check %d of session %s at %s: %s\n", piece.Check, terminal.Clean(piece.Session.ID), terminal.Clean(piece.AskedAt), terminal.Clean(piece.Question))
	fmt.Fprintf(&text, "  asked   %s\n", clipped(piece.Request, 0))
	if piece.Note != "" {
		fmt.Fprintf(&text, "  note    %s\n", clipped(piece.Note, 0))
	}
	for _, ignored := range piece.IgnoredFields {
		fmt.Fprintf(&text, "  ignored %s\n", terminal.Clean(ignored))
	}
	rows := make([][]string, 0, len(piece.Votes))
	for _, vote := range piece.Votes {
		rows = append(rows, []string{"  " + terminal.Clean(vote.Consistency), terminal.Clean(vote.Servicer), terminal.ID(vote.Digest), terminal.Clean(vote.ServiceURL)})
	}
	whom, where := "SERVICER", "SERVICE URL"
	switch piece.Proof {
	case api.EvidenceProofUnsigned:
		whom, where = "TARGET", "URL"
	case api.EvidenceProofAnswerSigned:
		whom, where = "SUPPLIER", "URL"
	}
	text.WriteString(terminal.Table([]string{"  SAID", whom, "DIGEST", where}, rows))
	answers := evidence.Compared(piece)
	differs := difference(answers)
	for i, side := range piece.Sides {
		fmt.Fprintf(&text, "  %s answered %s\n", terminal.Clean(side.Servicer.Address), clipped(answers[i], differs))
	}
	return text.String()
}

// difference returns the index at which an answer first differs from the first one.
func difference(answers []string) int {
	for _, other := range answers {
		at := 0
		for first := answers[0]; at < min(len(first), len(other)) && first[at] == other[at]; {
			at++
		}
		if other != answers[0] {
			return at
		}
	}
	return 0
}

// clipped returns a stretch of a text around an index, as one printable line.
func clipped(whole string, index int) string {
	const before, most = 40, 160
	from := max(0, min(index, len(whole))-before)
	for from > 0 && from < len(whole) && !utf8.RuneStart(whole[from]) {
		from++
	}
	shown := text.Line(whole[from:], most+len("…"))
	if from > 0 {
		shown = "…" + shown
	}
	return shown
}

package fisherman

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	unsigned "github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	answered "github.com/pocket-fisherman/fisherman/network/shannon/evidence"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func newVerify(io command.Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check evidence from its signatures alone, without a node",
		Long: `Checks a file that 'pocket fisherman evidence' wrote (- reads standard input): the fisherman's signature over each piece
and over each request, each servicer's signature over its response, that the response is bound to that request and that
servicer, that addresses follow from public keys, that all were asked the same question, and that the answers' canonical
digests, taken anew, differ. Nothing is asked of anybody, and nothing in the file is trusted.

Exit code ` + strconv.Itoa(int(command.ExitEvidence)) + ` means that the file is evidence and does not hold.

A fisherman that samples a list of endpoints has nothing signed. Of its evidence only the digests and the majority are
checked: whether it contradicts itself. It proves nothing, and if that is all that is wrong with it, the exit code is ` +
			strconv.Itoa(int(command.ExitUntrusted)) + `.

Suppliers of the live Pocket network sign their answers, but neither the question nor the time. Of their evidence each
supplier's signature, the ring signature of each request and the random id in both are checked. What that leaves open is
said beside it.

` + evidence.Proves + "\n" + evidence.DoesNotProve,
		Example: "  pocket fisherman verify evidence.json",
		Args:    command.OneArgument("FILE"),
		RunE:    func(_ *cobra.Command, args []string) error { return verifyEvidence(io, args[0], output) },
	}
	command.AddTable(cmd.Flags(), &output)
	return cmd
}

// verdictOfPiece is what was found of one piece.
type verdictOfPiece struct {
	Session string `json:"session"`
	Check   uint32 `json:"check"`
	// Verified: every step holds, and the piece is signed.
	Verified bool              `json:"verified"`
	Proof    api.EvidenceProof `json:"proof,omitempty"`
	Steps    []evidence.Step   `json:"steps"`
	// holds: every step holds.
	holds bool
}

// verdictOf checks a piece by the rules of its proof.
func verdictOf(piece api.Evidence) verdictOfPiece {
	verdict := verdictOfPiece{Session: piece.Session.ID, Check: piece.Check, Proof: piece.Proof, Steps: []evidence.Step{}}
	switch piece.Proof {
	case api.EvidenceProofUnsigned:
		var steps []unsigned.Step
		steps, verdict.holds = unsigned.Verify(piece)
		for _, step := range steps {
			verdict.Steps = append(verdict.Steps, evidence.Step(step))
		}
		return verdict
	case api.EvidenceProofAnswerSigned:
		var steps []answered.Step
		steps, verdict.holds = answered.Verify(piece)
		for _, step := range steps {
			verdict.Steps = append(verdict.Steps, evidence.Step(step))
		}
	default:
		verdict.Steps, verdict.holds = evidence.Verify(piece)
	}
	verdict.Verified = verdict.holds
	return verdict
}

func verifyEvidence(io command.Streams, path, output string) error {
	pieces, err := readEvidence(io, path)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w", err)
	}
	verdicts, failed, proven := make([]verdictOfPiece, 0, len(pieces)), 0, 0
	for _, piece := range pieces {
		verdict := verdictOf(piece)
		if !verdict.holds {
			failed++
		}
		if verdict.Verified {
			proven++
		}
		verdicts = append(verdicts, verdict)
	}
	err = command.WriteResult(io.Out, output, verdicts, func() string { return verdictsText(pieces, verdicts, failed) },
		func() [][]string { return verdictRows(verdicts) })
	switch {
	case err != nil:
		return err
	case failed > 0:
		return command.Fail(command.ExitEvidence, "%d of %d pieces of evidence do not hold", failed, len(pieces))
	case proven < len(pieces):
		return command.Fail(command.ExitUntrusted, "%d of %d pieces of evidence are unsigned and prove nothing", len(pieces)-proven, len(pieces))
	}
	return nil
}

func readEvidence(io command.Streams, path string) ([]api.Evidence, error) {
	read := func() ([]byte, error) { return command.ReadFile(path, evidence.MaxBytes) }
	if path == "-" {
		read = func() ([]byte, error) { return command.ReadAll(io.In, "standard input", evidence.MaxBytes) }
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	pieces, err := evidence.Decode(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", terminal.Short(path), err)
	case len(pieces) == 0:
		return nil, fmt.Errorf("%s holds no evidence", terminal.Short(path))
	}
	return pieces, nil
}

// verdictsText prints every step. What it proves is said only when all of them hold.
func verdictsText(pieces []api.Evidence, verdicts []verdictOfPiece, failed int) string {
	var text strings.Builder
	for i, verdict := range verdicts {
		fmt.Fprintf(&text, "check %d of session %s: %s\n", verdict.Check, terminal.Clean(terminal.Short(verdict.Session)), terminal.Clean(terminal.Short(pieces[i].Question)))
		subject := ""
		for _, step := range verdict.Steps {
			if step.Subject != subject {
				subject = step.Subject
				fmt.Fprintf(&text, "  %s\n", terminal.Clean(subject))
			}
			if step.OK {
				fmt.Fprintf(&text, "    ok      %s\n", step.Claim)
			} else {
				fmt.Fprintf(&text, "    FAILED  %s: %s\n", step.Claim, terminal.Clean(step.Detail))
			}
		}
		text.WriteString("\n")
	}
	if failed > 0 {
		fmt.Fprintf(&text, "%d of %d pieces do not hold; they prove nothing.\n", failed, len(verdicts))
		return text.String()
	}
	of := func(proof api.EvidenceProof) []api.Evidence {
		return slices.DeleteFunc(slices.Clone(pieces), func(p api.Evidence) bool { return p.Proof != proof })
	}
	if signed := of(""); len(signed) > 0 {
		fmt.Fprintf(&text, "All %d pieces hold, asked by fisherman %s.\n%s\n%s\n", len(signed), askers(signed), evidence.Proves, evidence.DoesNotProve)
	}
	if signed := of(api.EvidenceProofAnswerSigned); len(signed) > 0 {
		fmt.Fprintf(&text, "%d pieces of the live Pocket network hold.\n%s\n%s\n", len(signed), answered.Proves, answered.DoesNotProve)
	}
	if rest := of(api.EvidenceProofUnsigned); len(rest) > 0 {
		fmt.Fprintf(&text, "%d pieces do not contradict themselves, and are unsigned.\n%s\n", len(rest), unsigned.DoesNotProve)
	}
	return text.String()
}

// askers are the fishermen of pieces, each once.
func askers(pieces []api.Evidence) string {
	var all []string
	seen := make(map[string]bool)
	for _, piece := range pieces {
		if address := piece.Fisherman.Address; !seen[address] {
			seen[address] = true
			all = append(all, terminal.Clean(address))
		}
	}
	return strings.Join(all, ", ")
}

package tx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// defaultFee is the least fee of a network with default parameters, in uPOKT.
const defaultFee = 10_000

// options are what every command of 'pocket tx' was told.
type options struct {
	from         string
	fee          uint64
	sequence     int64
	wait, dryRun bool
	signer       command.Signer
	output       string
	// change is what is noted of a change of a parameter.
	change *parameterChange
}

// New makes the command 'pocket tx'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "tx",
		Short: "Sign a transaction and hand it in",
		Long: `Signs a transaction in the name of an account and hands it to a node. Without --wait the command ends when the node has
accepted it; the result comes with a block. The key of --from comes from the directory of keys (see 'pocket keys'), else
it is that of a LocalNet's actor, which everybody knows.`,
	}, newSend(io), newStake(io, false), newStake(io, true),
		newRole(io, "unstake", "End a role; the stake returns after the unbonding blocks", func(role types.ActorType) *types.Transaction {
			return &types.Transaction{Message: &types.Transaction_Unstake{Unstake: &types.Unstake{Type: role}}}
		}),
		newRole(io, "pause", "Leave all sessions, or the validator set, and keep the stake", func(role types.ActorType) *types.Transaction {
			return &types.Transaction{Message: &types.Transaction_Pause{Pause: &types.Pause{Type: role}}}
		}),
		newRole(io, "unpause", "End a pause", func(role types.ActorType) *types.Transaction {
			return &types.Transaction{Message: &types.Transaction_Unpause{Unpause: &types.Unpause{Type: role}}}
		}),
		newChangeParameter(io))
}

// bodyFunc makes the body of a transaction, from what the node says and from the flags.
type bodyFunc func(ctx context.Context, node *client.Client, o *options) (*types.Transaction, error)

// txCommand makes one of the commands. The body is made when the node is known, from what it says and from the flags.
func txCommand(io command.Streams, cmd *cobra.Command, required []string,
	body bodyFunc) *cobra.Command {
	o := new(options)
	cmd.Args = command.Needs(append([]string{"from"}, required...)...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return sendTx(cmd.Context(), io, *o, body)
	}
	flags := cmd.Flags()
	command.AddAddress(flags, &o.from, "from", command.ActorAddress, "the account that signs and pays")
	command.AddNumber(flags, &o.fee, "fee", defaultFee, 0, math.MaxInt64, "the fee in uPOKT")
	command.AddNumber(flags, &o.sequence, "sequence", -1, 0, math.MaxInt64, "the account's sequence (default its next one)")
	flags.BoolVar(&o.wait, "wait", false, "wait for the block, and end with the transaction's result")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show the transaction and do not hand it in")
	command.AddOutput(flags, &o.output)
	o.signer.AddFlags(flags)
	return cmd
}

// actorOptions say what an actor stakes for.
type actorOptions struct {
	role, zone, url, operator string
	chains                    []string
	stake                     uint64
}

func newStake(io command.Streams, edit bool) *cobra.Command {
	var actor actorOptions
	cmd := &cobra.Command{
		Use:     "stake",
		Short:   "Become an actor",
		Example: "  pocket tx stake --from ADDRESS --type servicer --chains 0001 --zone local --url http://127.0.0.1:8080 --stake 15000000000",
	}
	required := []string{"type", "stake"}
	if edit {
		cmd.Use, cmd.Short = "edit-stake", "Change what an actor is staked for, or raise its stake; what is left out stays"
		cmd.Example = "  pocket tx edit-stake --from ADDRESS --type servicer --url http://127.0.0.1:8081"
		required = required[:1]
	}
	var flags *pflag.FlagSet
	cmd = txCommand(io, cmd, required, func(ctx context.Context, node *client.Client, o *options) (*types.Transaction, error) {
		role, _ := types.ParseActorType(actor.role)
		if err := actor.sortChains(); err != nil {
			return nil, err
		}
		if !edit {
			return &types.Transaction{Message: &types.Transaction_Stake{Stake: &types.Stake{Type: role, Chains: actor.chains,
				GeoZone: actor.zone, ServiceUrl: actor.url, Operator: actor.operator, StakeUpokt: actor.stake}}}, nil
		}
		stake, err := actor.complete(ctx, node, o.from, flags.Changed)
		if err != nil {
			return nil, err
		}
		return &types.Transaction{Message: &types.Transaction_EditStake{EditStake: &types.EditStake{Type: role, Chains: actor.chains,
			GeoZone: actor.zone, ServiceUrl: actor.url, Operator: actor.operator, StakeUpokt: stake}}}, nil
	})
	flags = cmd.Flags()
	command.AddChoice(flags, &actor.role, "type", "", "the role", command.ActorTypes...)
	flags.StringSliceVar(&actor.chains, "chains", nil, "the relay chains, as in `0001,0021`")
	command.AddChecked(flags, &actor.zone, "zone", "ZONE", types.ValidateGeoZone, "the geo zone")
	command.AddChecked(flags, &actor.url, "url", "URL", types.ValidateServiceURL, "where the actor is reached")
	command.AddChecked(flags, &actor.operator, "operator", "NAME", validateOperator,
		"who runs the servicer; those that declare the same have one vote when answers are compared (\"\" for nobody)")
	command.AddNumber(flags, &actor.stake, "stake", 0, 1, math.MaxInt64, "the whole stake in uPOKT")
	return cmd
}

// sortChains brings the relay chains into the order that the chain wants.
func (p *actorOptions) sortChains() error {
	slices.Sort(p.chains)
	for i, chain := range p.chains {
		if i > 0 && chain == p.chains[i-1] {
			return command.Fail(command.ExitUsage, "--chains: %s is given twice", terminal.Short(chain))
		}
	}
	return nil
}

// validateOperator admits an operator, and none.
func validateOperator(operator string) error {
	if operator == "" {
		return nil
	}
	return types.ValidateOperator(operator)
}

// complete fills in what was not given from the actor as it is staked, and returns the stake.
func (p *actorOptions) complete(ctx context.Context, node *client.Client, address string, given func(string) bool) (uint64, error) {
	actors, err := node.Actors(ctx, p.role, 0)
	if err != nil {
		return 0, fmt.Errorf("actors of type %s: %w", p.role, err)
	}
	index := slices.IndexFunc(actors.Actors, func(a api.Actor) bool { return a.Address == address })
	if index < 0 {
		return 0, command.Fail(command.ExitNotFound, "%s is not staked as %s; see 'pocket query actors'", address, p.role)
	}
	present := actors.Actors[index]
	if !given("chains") {
		p.chains = present.RelayChains
	}
	if !given("zone") {
		p.zone = present.GeoZone
	}
	if !given("url") {
		p.url = present.ServiceURL
	}
	if !given("operator") {
		p.operator = present.Operator
	}
	if given("stake") {
		return p.stake, nil
	}
	stake, err := strconv.ParseUint(present.StakeUPOKT, 10, 64)
	if err != nil {
		return 0, command.Fail(command.ExitUntrusted, "the node's stake of %s: %w", address, err)
	}
	return stake, nil
}

// newTxRole makes a command whose message names a role and nothing else.
func newRole(io command.Streams, use, what string, message func(types.ActorType) *types.Transaction) *cobra.Command {
	var name string
	cmd := txCommand(io, &cobra.Command{
		Use:     use,
		Short:   what,
		Example: "  pocket tx " + use + " --from ADDRESS --type servicer --wait",
	}, []string{"type"}, func(context.Context, *client.Client, *options) (*types.Transaction, error) {
		role, _ := types.ParseActorType(name)
		return message(role), nil
	})
	command.AddChoice(cmd.Flags(), &name, "type", "", "the role", command.ActorTypes...)
	return cmd
}

// txResult is what 'pocket tx' shows.
type txResult struct {
	api.Receipt
	Signer   string `json:"signer"`
	Sequence uint64 `json:"sequence"`
	FeeUPOKT string `json:"fee_upokt"`
	// Change is what a change of a parameter changes; nil for other transactions.
	Change *parameterChange `json:"change,omitempty"`
	// Transaction is the signed body in the JSON form of the .proto file.
	Transaction json.RawMessage `json:"transaction"`
	// Sessions says from which block on the signer may be in sessions, after a stake, an edit or the end of a pause.
	Sessions []command.Seat `json:"sessions,omitempty"`
}

func sendTx(ctx context.Context, io command.Streams, o options, body bodyFunc) error {
	node, key, chainID, err := o.signer.Open(ctx, io, o.from)
	if err != nil {
		return err
	}
	defer node.Close()
	o.from = key.Address()
	// The sequence is read before the body is made: what the signer changes meanwhile makes the transaction fail.
	if o.sequence < 0 {
		account, err := node.Account(ctx, o.from, 0)
		if err != nil {
			return fmt.Errorf("account %s: %w", o.from, err)
		}
		o.sequence = int64(account.Sequence)
	}
	tx, err := body(ctx, node, &o)
	if err != nil {
		return err
	}
	tx.ChainId, tx.FeeUpokt, tx.Sequence = chainID, o.fee, uint64(o.sequence)
	envelope, err := transaction.Seal(key, tx)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w", err)
	}
	result, err := newResult(o, tx, envelope)
	if err != nil {
		return err
	}
	result.Change = o.change
	if !o.dryRun {
		done := func() {}
		if o.wait {
			done = terminal.Waiting(io.Err, "waiting for the transaction's block")
		}
		result.Receipt, err = node.Submit(ctx, envelope, o.wait)
		done()
		if err != nil {
			return fmt.Errorf("transaction refused: %w", err)
		}
	}
	if role, seated := seatedBy(tx); seated && result.Height > 0 && result.Code == 0 {
		// The transaction is done: a node that cannot say more now takes nothing from its result.
		result.Sessions, _ = command.Seats(ctx, node, role, o.from)
	}
	if err := result.write(io, o.output); err != nil {
		return err
	}
	return result.failure(o)
}

// seatedBy returns the type of the actor that a transaction makes, changes or unpauses.
func seatedBy(tx *types.Transaction) (role string, is bool) {
	for _, each := range []interface{ GetType() types.ActorType }{tx.GetStake(), tx.GetEditStake(), tx.GetUnpause()} {
		if t := each.GetType(); t != types.ActorType_ACTOR_TYPE_UNSPECIFIED {
			return t.Label(), t != types.ActorType_ACTOR_TYPE_VALIDATOR
		}
	}
	return "", false
}

func newResult(o options, tx *types.Transaction, envelope []byte) (*txResult, error) {
	shown, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(tx)
	if err != nil {
		return nil, fmt.Errorf("encode transaction: %w", err)
	}
	hash := sha256.Sum256(envelope)
	return &txResult{
		Receipt:     api.Receipt{Hash: hex.EncodeToString(hash[:]), Result: "NOT_SENT", ResultWord: "not_sent"},
		Signer:      o.from,
		Sequence:    tx.GetSequence(),
		FeeUPOKT:    strconv.FormatUint(tx.GetFeeUpokt(), 10),
		Transaction: shown,
	}, nil
}

func (r *txResult) write(io command.Streams, output string) error {
	return command.WriteResult(io.Out, output, r, r.text)
}

func (r *txResult) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "transaction  %s\nsigner       %s\nsequence     %d\nfee          %s uPOKT\n", terminal.Clean(r.Hash), r.Signer, r.Sequence, r.FeeUPOKT)
	if r.Height > 0 {
		fmt.Fprintf(&text, "block        %d\n", r.Height)
	}
	fmt.Fprintf(&text, "result       %s\n", terminal.Clean(r.Result))
	if r.Change != nil {
		text.WriteString(r.Change.text())
	}
	if len(r.Sessions) > 0 {
		fmt.Fprintf(&text, "sessions     %s\n", command.SeatsText(r.Sessions))
	}
	return text.String()
}

// failure is the error that a transaction without success ends the command with.
func (r *txResult) failure(o options) error {
	switch {
	case r.Code != 0:
		return command.Fail(command.ExitTransaction, "transaction failed in block %d: %s", r.Height, terminal.Clean(terminal.Short(r.Log)))
	case o.wait && !o.dryRun && r.Height == 0:
		return command.Fail(command.ExitFailure, "the node accepted the transaction, but no block took it in time; see 'pocket query account --address %s'", o.from)
	}
	return nil
}

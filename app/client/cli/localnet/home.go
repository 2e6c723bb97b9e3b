package localnet

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
)

// fleetOrder is what 'pocket localnet home' was told.
type fleetOrder struct {
	fleet                 localnet.Fleet
	home, name            string
	passphraseFile        string
	validators            int64
	servicers, perSession int64
	blocks, checks, seed  int64
}

func newLocalnetHome(io command.Streams) *cobra.Command {
	order := fleetOrder{fleet: localnet.Fleet{Options: localnet.DefaultOptions(), Validators: 4}}
	cmd := &cobra.Command{
		Use:   "home",
		Short: "Write the homes of a network whose nodes run apart",
		Long: `Writes the home of one node of a network whose nodes run apart, as in Kubernetes or in containers, or, without --name,
the homes of all of them, each in a directory of its name below --home. A node is named ROLE-INDEX, as in servicer-0, and
finds the others at ROLE-INDEX.ROLE, as in validator-0.validator. 'pocket node start --home DIR' runs it.

Everything follows from the numbers, so nodes that are given the same ones make one network. The keys are public
knowledge; they are encrypted with the passphrase all the same. A home that is there is completed, and refused if it is
of a network with other numbers.

Others have to reach the node: --listen-host says where it listens, which is on loopback unless it is told otherwise.`,
		Example: `  pocket localnet home --home nodes --servicers 3 --passphrase-file passphrase.txt
  pocket localnet home --name servicer-0 --home node --listen-host 0.0.0.0 --passphrase-file passphrase.txt`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := command.RequireFlags(cmd, "home"); err != nil {
				return err
			}
			return writeHomes(cmd, io, order)
		},
	}
	order.add(cmd)
	return cmd
}

func (order *fleetOrder) add(cmd *cobra.Command) {
	flags, o := cmd.Flags(), order.fleet.Options
	flags.StringVar(&order.home, "home", "", "directory `DIR` of the node, or of the homes of all nodes")
	flags.StringVar(&order.name, "name", "", "`NAME` of the node (default all of them)")
	flags.StringVar(&order.fleet.ListenHost, "listen-host", "127.0.0.1", "`IP` that the nodes listen on; 0.0.0.0 for all")
	command.AddNumber(flags, &order.validators, string(localnet.FlagValidators), int64(order.fleet.Validators), 0, math.MaxInt64, "number of validators")
	command.AddNumber(flags, &order.servicers, "servicers", int64(o.Servicers), 0, math.MaxInt64, "number of servicers")
	command.AddNumber(flags, &order.perSession, "servicers-per-session", 0, 0, math.MaxInt64, "how many of them a session takes (default all)")
	command.AddNumber(flags, &order.blocks, "blocks-per-session", o.BlocksPerSession, 0, math.MaxInt64, "blocks in a session")
	command.AddNumber(flags, &order.checks, "checks-per-session", int64(o.ChecksPerSession), 0, math.MaxInt64, "checks of every servicer in a session")
	command.AddNumber(flags, &order.seed, "seed", int64(o.Seed), 0, math.MaxInt64, "seed of all keys, and so of all addresses")
	command.AddSpan(flags, &order.fleet.Options.BlockTime, "block-time", o.BlockTime, 0, math.MaxInt64, "pause between blocks")
	command.AddPassphrase(flags, &order.passphraseFile)
}

// settled is the network that the flags describe.
func (order fleetOrder) settled() localnet.Fleet {
	fleet := order.fleet
	numbers := localnetNumbers{servicers: order.servicers, perSession: order.perSession, blocks: order.blocks,
		checks: order.checks, seed: order.seed}
	numbers.into(&fleet.Options)
	fleet.Validators = int(order.validators)
	return fleet
}

func writeHomes(cmd *cobra.Command, io command.Streams, order fleetOrder) error {
	fleet := order.settled()
	if err := fleet.Validate(); err != nil {
		return err
	}
	secret, err := command.Passphrase(cmd.Context(), io, order.passphraseFile, "the keys")
	if err != nil {
		return err
	}
	homes := map[string]string{order.name: order.home}
	names := []string{order.name}
	if order.name == "" {
		names = fleet.Names()
		for _, name := range names {
			homes[name] = filepath.Join(order.home, name)
		}
	}
	var written strings.Builder
	for _, name := range names {
		if err := fleet.WriteHome(name, homes[name], secret); err != nil {
			return remedied(err)
		}
		fmt.Fprintf(&written, "%s  %s\n", name, terminal.Clean(homes[name]))
	}
	return command.WriteText(io.Out, written.String())
}

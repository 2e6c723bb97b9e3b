package localnet

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
)

// homeOptions are what 'pocket localnet home' was told.
type homeOptions struct {
	fleet          localnet.Fleet
	home, name     string
	passphraseFile string
}

func newHome(io command.Streams) *cobra.Command {
	o := homeOptions{fleet: localnet.Fleet{Options: localnet.DefaultOptions(), Validators: 4, Fishermen: 1, FeedReplicas: 1}}
	o.fleet.Options.Slow, o.fleet.Options.Down, o.fleet.Options.Lying = 0, 0, 0
	cmd := &cobra.Command{
		Use:   "home",
		Short: "Write the homes of a network whose nodes run apart",
		Long: `Writes the home of one node of a network whose nodes run apart, as in Kubernetes or in containers, or, without --name,
the homes of all of them, each in a directory of its name below --home. A node is named ROLE-INDEX, as in servicer-0, and
finds the others at ROLE-INDEX.ROLE, as in validator-0.validator. 'pocket node start --home DIR' runs it, and 'pocket
collector --config DIR/collector.yaml' the collector.

Everything follows from the numbers, so nodes that are given the same ones make one network. The keys are public
knowledge; they are encrypted with the passphrase all the same. A home that is there is completed, and refused if it is
of a network with other numbers.

Others have to reach the node: --listen-host says where it listens, which is on loopback unless it is told otherwise.`,
		Example: `  pocket localnet home --home nodes --servicers 3 --passphrase-file passphrase.txt
  pocket localnet home --name servicer-0 --home node --listen-host 0.0.0.0 --passphrase-file passphrase.txt`,
		Args: command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error { return writeHomes(cmd.Context(), io, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.home, "home", "", "directory `DIR` of the node, or of the homes of all nodes")
	flags.StringVar(&o.name, "name", "", "`NAME` of the node (default all of them)")
	flags.StringVar(&o.fleet.ListenHost, "listen-host", "127.0.0.1", "`IP` that the nodes listen on; 0.0.0.0 for all")
	command.AddNumber(flags, &o.fleet.Validators, string(localnet.FlagValidators), o.fleet.Validators, 0, math.MaxInt64, "number of validators")
	command.AddNumber(flags, &o.fleet.Fishermen, string(localnet.FlagFishermen), o.fleet.Fishermen, 0, math.MaxInt64, "number of fishermen, each of which samples every session")
	flags.StringSliceVar(&o.fleet.Feed, string(localnet.FlagFeed), nil, "`URL` of a NATS server, or several with commas, that the fishermen publish to; also writes the home of collector-0")
	command.AddNumber(flags, &o.fleet.FeedReplicas, string(localnet.FlagFeedReplicas), 1, 0, math.MaxInt64, "servers of NATS that keep what is published")
	addNumbers(flags, &o.fleet.Options, "number of servicers")
	command.AddPassphrase(flags, &o.passphraseFile)
	return cmd
}

func writeHomes(ctx context.Context, io command.Streams, o homeOptions) error {
	if err := o.fleet.Validate(); err != nil {
		return err
	}
	var secret string
	if !localnet.IsCollector(o.name) {
		var err error
		if secret, err = command.Passphrase(ctx, io, o.passphraseFile, "the keys"); err != nil {
			return err
		}
	}
	homes := map[string]string{o.name: o.home}
	names := []string{o.name}
	if o.name == "" {
		names = o.fleet.Names()
		for _, name := range names {
			homes[name] = filepath.Join(o.home, name)
		}
	}
	var written strings.Builder
	for _, name := range names {
		if err := o.fleet.WriteHome(name, homes[name], secret); err != nil {
			return remedied(err)
		}
		fmt.Fprintf(&written, "%s  %s\n", name, terminal.Clean(homes[name]))
	}
	return command.WriteText(io.Out, written.String())
}

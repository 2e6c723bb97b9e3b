package localnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// stopGrace is how long a LocalNet may take to stop before the process ends without it.
const stopGrace = 4 * time.Second

// maximumSessions is the most complete sessions that --sessions takes.
const maximumSessions = 1000

// options are what 'pocket localnet' was told.
type options struct {
	network localnet.Options
	// sessions to complete; 0 runs until a signal.
	sessions                    int
	processes                   bool
	output, logLevel, logFormat string
}

// New makes the command 'pocket localnet'.
func New(io command.Streams) *cobra.Command {
	o := options{network: localnet.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "localnet",
		Short: "Run a whole network on this machine, with servicers that misbehave",
		Long: `Runs one validator, one application, servicers and a fisherman, on loopback only, in this process or each in one of
its own, and shows what the fisherman measures. Relay chain 0001 is the network's own chain. Some servicers are faulty on
purpose: slow ones behind a network delay, down ones that refuse connections, lying ones that sign altered answers, and
with --behind ones whose node stopped following the chain when the network started. With --ethereum all of them serve
relay chain 0021 as well: an Ethereum chain in developer mode, made by a geth that runs beside this process.

It runs until Ctrl-C, or until --sessions are complete, and then prints the report on standard output.`,
		Example: `  pocket localnet
  pocket localnet --sessions 2 --output json
  pocket localnet --behind 1
  pocket localnet --ethereum
  pocket localnet --processes
  pocket localnet --servicers 24 --slow 0 --down 0 --lying 0`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.network.Explicit = localnet.Flags{}
			for _, flag := range localnetFlags {
				o.network.Explicit[flag] = cmd.Flags().Changed(string(flag))
			}
			return runLocalnet(cmd.Context(), io, o)
		},
	}
	cmd.AddCommand(newHome(io), newAwait(io))
	flags, network := cmd.Flags(), &o.network
	addNumbers(flags, network, "number of servicers, faulty ones included")
	command.AddNumber(flags, &network.Slow, "slow", network.Slow, 0, math.MaxInt64, "how many of them are slow")
	command.AddNumber(flags, &network.Down, "down", network.Down, 0, math.MaxInt64, "how many of them are down")
	command.AddNumber(flags, &network.Lying, "lying", network.Lying, 0, math.MaxInt64, "how many of them are lying")
	command.AddNumber(flags, &network.Behind, "behind", network.Behind, 0, math.MaxInt64, "how many of them have a node that stands still")
	command.AddNumber(flags, &o.sessions, "sessions", 0, 1, maximumSessions, "end by itself after so many complete sessions (default run until Ctrl-C)")
	command.AddSpan(flags, &network.Delay, "delay", network.Delay, 0, math.MaxInt64, "what a slow servicer's network adds to a round trip")
	flags.BoolVar(&network.Ethereum, "ethereum", false, "add relay chain 0021, an Ethereum chain; needs geth ('make geth')")
	flags.StringVar(&network.Geth, "geth", "", "`PATH` of geth (default $"+GethVariable+", or geth beside this program, or on $PATH)")
	flags.BoolVar(&network.REST, "rest", false, "ask relay chain 0001 by GET, as in /block?height=5, not by JSON-RPC")
	flags.StringVar(&network.Home, "home", "", "directory `DIR` of the network, kept for the next run (default a temporary one, removed at the end)")
	flags.StringVar(&network.RPCListen, "rpc-listen", network.RPCListen, "loopback `HOST:PORT` of the node's API; port 0 takes any free one")
	flags.BoolVar(&o.processes, "processes", false, "run every actor as a process of its own, each with its own node of the chain")
	command.AddChoice(flags, &o.output, "output", command.OutputTable, "form of the report", command.OutputTable, command.OutputJSON, command.OutputCSV)
	command.AddChoice(flags, &o.logLevel, "log-level", "warn", "least level that is logged", "error", "warn", "info", "debug")
	command.AddChoice(flags, &o.logFormat, "log-format", "text", "how the log is written", "text", "json")
	return cmd
}

// localnetFlags are the flags that a home records.
var localnetFlags = []localnet.Flag{
	localnet.FlagServicers, localnet.FlagSlow, localnet.FlagDown, localnet.FlagLying, localnet.FlagBehind, localnet.FlagDelay, localnet.FlagBlockTime,
	localnet.FlagBlocksPerSession, localnet.FlagChecksPerSession, localnet.FlagSeed, localnet.FlagRPCListen,
	localnet.FlagEthereum, localnet.FlagServicersPerSession,
}

// addNumbers adds the flags that every network has. Package localnet judges their ranges.
func addNumbers(flags *pflag.FlagSet, o *localnet.Options, servicers string) {
	command.AddNumber(flags, &o.Servicers, "servicers", o.Servicers, 0, math.MaxInt64, servicers)
	command.AddNumber(flags, &o.ServicersPerSession, "servicers-per-session", o.ServicersPerSession, 0, math.MaxInt64, "how many of them a session takes (default all)")
	command.AddNumber(flags, &o.BlocksPerSession, "blocks-per-session", o.BlocksPerSession, 0, math.MaxInt64, "blocks in a session")
	command.AddNumber(flags, &o.ChecksPerSession, "checks-per-session", o.ChecksPerSession, 0, math.MaxInt64, "checks of every servicer in a session")
	command.AddNumber(flags, &o.Seed, "seed", o.Seed, 0, math.MaxInt64, "seed of all keys, and so of all addresses")
	command.AddSpan(flags, &o.BlockTime, "block-time", o.BlockTime, 0, math.MaxInt64, "pause between blocks")
}

// GethVariable names the environment variable that says where geth is.
const GethVariable = "POCKET_GETH"

// runLocalnet runs a LocalNet beside a watch over it, until one of them or the context ends.
func runLocalnet(ctx context.Context, io command.Streams, o options) error {
	progress := terminal.NewProgress(io.Err)
	defer progress.Close()
	o.network.Logger = command.NewLogger(progress, o.logFormat, o.logLevel)
	o.network.Geth = cmp.Or(o.network.Geth, os.Getenv(GethVariable))
	var ready chan struct{}
	if o.processes {
		ready = make(chan struct{})
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.network.Processes = &localnet.Processes{Program: program, LogLevel: o.logLevel, LogFormat: o.logFormat, Log: progress, Ready: func() { close(ready) }}
	}
	network, err := localnet.New(ctx, o.network)
	if err != nil {
		return remedied(err)
	}
	node, err := client.New(network.RPCURL())
	if err != nil {
		return errors.Join(err, network.Close())
	}
	defer node.Close()
	if err := command.WriteText(io.Err, welcome(network)); err != nil {
		return errors.Join(err, network.Close())
	}

	watch := newWatch(node, progress, network.Options(), o.sessions)
	watch.ready, watch.whole = ready, o.processes
	err = runWatched(ctx, network.Run, watch)
	progress.Close()
	if _, unstoppable := errors.AsType[*stopError](err); err != nil && !unstoppable {
		return err
	}
	return errors.Join(finish(io, o, watch), err)
}

// finish prints the report. It is the whole answer of a run without --sessions, and what there is of an interrupted one.
func finish(io command.Streams, o options, watch *watch) error {
	report := watch.report()
	err := command.WriteResult(io.Out, o.output, report, func() string {
		return terminal.ReportText(report, terminal.FormFor(io.Out))
	}, func() [][]string { return command.ReportRows(report) })
	if err != nil {
		return err
	}
	if o.sessions > 0 && !watch.finished() {
		return command.Fail(command.ExitInterrupted, "interrupted after %d of %d complete sessions", watch.complete(), o.sessions)
	}
	return nil
}

// stopError says that a LocalNet was still running when the process had to end.
type stopError struct{}

func (*stopError) Error() string {
	return fmt.Sprintf("the LocalNet did not stop within %s", stopGrace)
}

// runWatched runs the network until the watch is finished or the context ends, then stops it. The network outlives the
// context for one last look at its samples. The error is the network's own failure, or a *stopError.
func runWatched(ctx context.Context, run func(context.Context) error, watch *watch) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(running) }()

	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch.run(watching)
	}()

	select {
	case err := <-ended:
		stopWatching()
		<-watched
		if err == nil {
			err = errors.New("the LocalNet ended by itself")
		}
		return err
	case <-watched:
	}
	stop()
	select {
	case err := <-ended:
		return err
	case <-time.After(stopGrace):
		return &stopError{}
	}
}

// welcome says where the network is, who misbehaves, how to stop it and what to try.
func welcome(network *localnet.LocalNet) string {
	var text strings.Builder
	options := network.Options()
	if sla := genesis.DefaultParams().GetQos().GetLatencySla().AsDuration(); options.Slow > 0 && options.Delay <= sla {
		fmt.Fprintf(&text, "warning: --delay %s is not above the latency SLA of %s; a slow servicer will rank healthy\n", options.Delay, sla)
	}
	fmt.Fprintf(&text, "LocalNet %s\n", network.ChainID())
	fmt.Fprintf(&text, "  node API      %s\n", network.RPCURL())
	fmt.Fprintf(&text, "  dashboard     %s/ in a browser\n", network.RPCURL())
	fmt.Fprintf(&text, "  chain RPC     %s (relay chain %s)\n", network.ChainRPCURL(), localnet.RelayChain)
	if url := network.EthereumURL(); url != "" {
		fmt.Fprintf(&text, "  Ethereum RPC  %s (relay chain %s)\n", url, localnet.EthereumChain)
	}
	fmt.Fprintf(&text, "  application   %s\n", network.Application())
	fmt.Fprintf(&text, "  fisherman     %s\n", network.FishermanAddress())
	for _, servicer := range network.Servicers() {
		fmt.Fprintf(&text, "  servicer      %s at %s, %s\n", servicer.Address, servicer.ServiceURL, faultText(servicer.Fault, options.Delay))
	}
	fmt.Fprintf(&text, "  home          %s%s\n", terminal.Clean(network.Home()), homeText(options))
	fmt.Fprintf(&text, "Stop it with Ctrl-C. Try in another terminal: bin/pocket fisherman qos%s\n\n", nodeHint(network.RPCURL()))
	return text.String()
}

func faultText(fault localnet.Fault, delay time.Duration) string {
	switch fault {
	case localnet.FaultNone:
		return "honest"
	case localnet.FaultSlow:
		return fmt.Sprintf("slow by %s", delay)
	default:
		return string(fault)
	}
}

func homeText(options localnet.Options) string {
	if options.Home == "" {
		return " (temporary)"
	}
	return ""
}

func nodeHint(url string) string {
	if url == command.DefaultNode {
		return ""
	}
	return " --node " + url
}

// remedied adds to an error of making a LocalNet what the user can do about it.
func remedied(err error) error {
	for _, known := range []struct {
		err    error
		remedy string
	}{
		{localnet.ErrAddressInUse, "stop what listens there, or choose another with --rpc-listen or another --home"},
		{localnet.ErrHomeInUse, "stop that one, or choose another --home"},
		{localnet.ErrForeignHome, "choose an empty or a new directory with --home"},
		{localnet.ErrHomeUnusable, "choose another directory with --home"},
		{localnet.ErrNoGeth, "run 'make geth', or name it with --geth"},
		{localnet.ErrRecordedOption, "leave the flag out, or choose another --home"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%w; %s", err, known.remedy)
		}
	}
	return err
}

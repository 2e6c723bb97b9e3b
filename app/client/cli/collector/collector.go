package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// options are what 'pocket collector' was told.
type options struct {
	path string
	// data and listen replace those of the file; empty for the file's.
	data, listen string
}

// New makes the command 'pocket collector'.
func New(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "collector",
		Short: "Read what several fishermen publish, and serve one picture of it",
		Long: `Reads the feeds of fishermen in several places from a stream of NATS JetStream, until Ctrl-C. What is signed by a key of the
configuration is stored, once; what is altered, repeated or of another key is refused and counted. The API, a page for browsers
and metrics are served at the address of 'listen', as those of a fisherman are: the verdicts are merged, and show each place.

A null that one place sees where most others are answered is that place's PATH, and not the servicer's. Nothing that was taken
is lost when the collector, the server or a fisherman stops: what is not stored yet waits in the stream.

Several collectors share a stream by relay chain: each has its own relay_chains, and its own data directory.`,
		Example: "  pocket collector config --print-example > collector.yaml\n  pocket collector --config collector.yaml",
		Args:    command.Needs("config"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), io, o) },
	}
	cmd.Flags().StringVar(&o.path, "config", "", "YAML `FILE` of the collector (required)")
	cmd.Flags().StringVar(&o.data, "data", "", "`DIR` of what was taken, instead of the file's data")
	cmd.Flags().StringVar(&o.listen, "rpc-listen", "", "`HOST:PORT` of the API, instead of the file's listen")
	cmd.AddCommand(newConfig(io))
	return cmd
}

// run runs a collector. What can be wrong is found in the order of what it costs: the file, the data directory, the socket.
func run(ctx context.Context, io command.Streams, o options) error {
	config, err := groups.LoadCollector(o.path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, o.path, err)
	}
	if o.data != "" {
		if config.Data, err = filepath.Abs(o.data); err != nil {
			return command.Fail(command.ExitHome, "data directory cannot be used: %w", err)
		}
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return command.Fail(command.ExitHome, "data directory cannot be used: %w", err)
	}
	unlock, err := command.Lock(config.Data, "collector", "data")
	if err != nil {
		return err
	}
	defer unlock()
	listener, err := listen(ctx, config, o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	logger := command.NewLogger(io.Err, config.LogFormat, config.LogLevel)
	built, err := node.NewCollector(node.CollectorConfig{Collector: config, RPC: listener, Logger: logger})
	if err != nil {
		return fmt.Errorf("make collector: %w", err)
	}
	if err := command.WriteText(io.Err, welcome(config, listener)); err != nil {
		return errors.Join(err, built.Close())
	}
	if err := errors.Join(built.Run(ctx), built.Close()); err != nil {
		return fmt.Errorf("run collector: %w", err)
	}
	return nil
}

// listen opens the socket of the API.
func listen(ctx context.Context, config groups.Collector, given string) (net.Listener, error) {
	address := config.Listen
	if given != "" {
		address = given
	}
	listener, err := command.Listen(ctx, "listen", address, "--rpc-listen or listen in the configuration")
	if err != nil {
		return nil, err
	}
	if !config.Public && !command.OnLoopback(listener) {
		listener.Close()
		return nil, command.Fail(command.ExitUsage, "%s is %s, which is not this machine alone; give another address, or set 'public: true' in the configuration",
			address, listener.Addr())
	}
	return listener, nil
}

// welcome says what is read, and where the results are.
func welcome(config groups.Collector, listener net.Listener) string {
	var text strings.Builder
	fmt.Fprintf(&text, "collector of %s\n", counted(len(config.Fishermen), "fisherman", "fishermen"))
	chains := "all relay chains"
	if n := len(config.RelayChains); n > 0 {
		chains = counted(n, "relay chain", "relay chains")
	}
	fmt.Fprintf(&text, "  stream           %s, %s\n  page and API     http://%s\n  samples          %s\nStop it with Ctrl-C.\n",
		config.Feed.Stream, chains, listener.Addr(), config.Data)
	return text.String()
}

// counted returns a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

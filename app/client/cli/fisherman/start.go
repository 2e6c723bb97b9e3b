package fisherman

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/account"
)

func newStart(io command.Streams) *cobra.Command {
	var path, passphraseFile, output string
	var dry bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Sample the endpoints of a configuration until Ctrl-C, without a chain",
		Long: `Runs a fisherman that asks every target of a group the same question at the same moment, again and again, and serves what
it measured: the API, a page for browsers, and metrics, all at the address of 'listen'. It needs no key and no chain, except
for groups of the live Pocket network, whose suppliers are asked for an application: these need the key of their 'signer'.

The configuration is read again when its file changes and on SIGHUP. What is valid takes effect with the next session of
each group, and for alerts at once; a file with a mistake changes nothing, and the log says what is wrong with it.`,
		Example: "  pocket fisherman config --print-example > fisherman.yaml\n  pocket fisherman start --config fisherman.yaml",
		Args:    command.Needs("config"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry {
				return dryRun(cmd.Context(), io, path, output)
			}
			if cmd.Flags().Changed("output") {
				return command.Fail(command.ExitUsage, "--output is for --dry-run; a fisherman that runs shows nothing but its log")
			}
			return startEndpoints(cmd.Context(), io, path, passphraseFile)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what a day would cost, group by group in uPOKT, and end; no endpoint and no supplier is asked")
	cmd.Flags().StringVar(&path, "config", "", "YAML `FILE` of the groups of endpoints (required)")
	command.AddPassphrase(cmd.Flags(), &passphraseFile)
	command.AddChoice(cmd.Flags(), &output, "output", command.OutputTable, "form of what --dry-run says", command.OutputTable, command.OutputJSON, command.OutputCSV)
	return cmd
}

// startEndpoints runs a fisherman of endpoints. What can be wrong is found in the order of what it costs: the file, the
// data directory, the keys, the socket.
func startEndpoints(ctx context.Context, io command.Streams, path, passphraseFile string) error {
	config, err := groups.Load(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return command.Fail(command.ExitHome, "data directory cannot be used: %w", err)
	}
	unlock, err := command.Lock(config.Data, "fisherman", "data")
	if err != nil {
		return err
	}
	defer unlock()
	signers, err := openSigners(ctx, io, config.Groups, passphraseFile)
	if err != nil {
		return err
	}
	listener, err := listenFor(ctx, config)
	if err != nil {
		return err
	}
	defer listener.Close()
	logger := command.NewLogger(io.Err, config.LogFormat, config.LogLevel)
	built, err := node.NewEndpoints(node.EndpointsConfig{Groups: config.Groups, Data: config.Data, History: &config.History, RPC: listener, PublicRPC: config.Public,
		Alerts: config.Alerts, Feed: config.Feed, Signers: signers, Logger: logger})
	if err != nil {
		return fmt.Errorf("make fisherman: %w", err)
	}
	if err := command.WriteText(io.Err, endpointsWelcome(config, listener)); err != nil {
		return errors.Join(err, built.Close())
	}
	watching, stop := context.WithCancel(ctx)
	var reloading sync.WaitGroup
	signals := command.Hangups(watching) // before anybody is answered, who may send one at once
	reloading.Go(func() { reload(watching, path, config, built, signals, logger) })
	err = built.Run(ctx)
	stop()
	reloading.Wait()
	if err = errors.Join(err, built.Close()); err != nil {
		return fmt.Errorf("run fisherman: %w", err)
	}
	return nil
}

// openSigners opens the keys of the groups of the live Pocket network, each once.
func openSigners(ctx context.Context, io command.Streams, configured []groups.Group, passphraseFile string) (map[string]*account.PrivateKey, error) {
	signers := make(map[string]*account.PrivateKey)
	opened := make(map[[2]string]*account.PrivateKey)
	for _, group := range configured {
		if group.Shannon == nil {
			continue
		}
		name := [2]string{group.Shannon.Keys, group.Shannon.Signer}
		if opened[name] == nil {
			store, err := command.OpenKeys(io, group.Shannon.Keys)
			if err != nil {
				return nil, err
			}
			if opened[name], err = command.OpenAccount(ctx, io, store, group.Shannon.Signer, passphraseFile); err != nil {
				return nil, err
			}
		}
		signers[group.Name] = opened[name]
	}
	return signers, nil
}

// listenFor opens the socket of the API.
func listenFor(ctx context.Context, config groups.Config) (net.Listener, error) {
	listener, err := command.Listen(ctx, "listen", config.Listen, "listen in the configuration")
	if err != nil {
		return nil, err
	}
	if !config.Public && !command.OnLoopback(listener) {
		listener.Close()
		return nil, command.Fail(command.ExitUsage, "%s is %s, which is not this machine alone; give 'listen' another address, or set 'public: true'",
			config.Listen, listener.Addr())
	}
	return listener, nil
}

// reload takes over what the configuration is changed to, until the context ends.
func reload(ctx context.Context, path string, running groups.Config, built *node.Endpoints, signals <-chan os.Signal, logger *slog.Logger) {
	for update := range groups.Watch(ctx, path, os.LookupEnv, signals) {
		if update.Err != nil {
			logger.Error("the configuration was not taken over: it has mistakes", "problems", problems(update.Err))
			continue
		}
		changes := groups.Compare(running, update.Config)
		if len(changes.Restart) > 0 {
			logger.Warn("changes take effect when the fisherman is started again", "keys", strings.Join(changes.Restart, ", "))
		}
		if changes.Alerts {
			built.ReplaceAlerts(ctx, update.Config.Alerts)
			running.Alerts = update.Config.Alerts
			logger.Info("the alerts of the configuration were taken over")
		}
		if len(changes.Added)+len(changes.Removed)+len(changes.Changed) == 0 {
			continue
		}
		restart := built.Replace(update.Config.Groups)
		running.Groups = update.Config.Groups
		if len(restart) > 0 {
			logger.Warn("changes of groups take effect when the fisherman is started again", "groups", restart)
		}
		without := func(names []string) []string {
			return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(restart, name) })
		}
		logger.Info("the configuration was taken over; it takes effect with each group's next session",
			"added", without(changes.Added), "removed", without(changes.Removed), "changed", without(changes.Changed))
	}
}

// problems are those of a configuration, in one line.
func problems(err error) string {
	if wrong, is := errors.AsType[*groups.Error](err); is {
		return strings.Join(wrong.Lines(), " | ")
	}
	return err.Error()
}

// endpointsWelcome says what is sampled, and where the results are.
func endpointsWelcome(config groups.Config, listener net.Listener) string {
	var text strings.Builder
	fmt.Fprintf(&text, "fisherman of %s\n", counted(len(config.Groups), "group"))
	for _, group := range config.Groups {
		asked := counted(len(group.Targets), "target")
		if group.Shannon != nil {
			asked = "suppliers of " + group.Shannon.Service
		}
		fmt.Fprintf(&text, "  %-16s %s, a check every %v on average\n", group.Name, asked, group.Interval)
	}
	fmt.Fprintf(&text, "  page and API     http://%s\n  samples          %s\nStop it with Ctrl-C.\n", listener.Addr(), config.Data)
	return text.String()
}

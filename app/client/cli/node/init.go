package node

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// options are what 'pocket node init' was told.
type options struct {
	home                           string
	validator, servicer, fisherman string
	servicerListen                 string
	upstreams, controlProbes       []string
	catalogues                     []string
	allowPrivate                   bool
	trust                          trust
	output                         string
}

// New makes the command 'pocket node'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "node",
		Short: "Configure and run a node",
	}, newInit(io), newConfig(io), newID(io), newStart(io))
}

func newInit(io command.Streams) *cobra.Command {
	var o options
	var given settings
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a node's configuration",
		Long: `Makes a node's home with a configuration, ` + nodeConfigName + `. The roles can be mixed at will; each is given by the address of
its key, which has to be in the directory of keys (see 'pocket keys'). A node without the role of a validator follows
the chain of its peers. More servicers are added by editing the file. 'pocket node config' checks it.

With --from-snapshot the node begins with a snapshot of the state that its peers have, instead of with the first block,
which they may no longer keep. The snapshot is verified from a trusted block on: of two nodes or more, whose CometBFT
JSON-RPC --trust-rpc names, the command takes a block of which they say the same. Compare its hash with what somebody
you trust says, or give --trust-height and --trust-hash yourself.`,
		Example: `  pocket node init --home node --validator ADDRESS
  pocket node init --home node --servicer ADDRESS --servicer-listen 0.0.0.0:8545 --upstream 0021=http://127.0.0.1:8546 \
      --chain-peers ID@validator.example:26656
  pocket node init --home node --from-snapshot --trust-rpc http://a.example:26657 --trust-rpc http://b.example:26657 \
      --chain-peers ID@validator.example:26656`,
		Args: command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := o.config()
			if err != nil {
				return err
			}
			if err := given.override(cmd, &config); err != nil {
				return err
			}
			if err := fromHere(io, given, &config); err != nil {
				return err
			}
			if config.Chain.StateSync, err = o.trust.stateSync(cmd.Context()); err != nil {
				return err
			}
			return initNode(io, o, config)
		},
	}
	addHome(cmd, &o.home)
	flags := cmd.Flags()
	command.AddChecked(flags, &o.validator, "validator", "ADDRESS", command.OrPrefix(command.ActorAddress), "key of the node's validator (default none)")
	command.AddChecked(flags, &o.servicer, "servicer", "ADDRESS", command.OrPrefix(command.ActorAddress), "key of the node's servicer (default none)")
	flags.StringVar(&o.servicerListen, "servicer-listen", "127.0.0.1:8545", "`HOST:PORT` where the servicer takes relays")
	flags.StringArrayVar(&o.upstreams, "upstream", nil, "`CHAIN=URL` of a node that the servicer executes relays against; may be repeated")
	command.AddChecked(flags, &o.fisherman, "fisherman", "ADDRESS", command.OrPrefix(command.ActorAddress), "key of the node's fisherman (default none)")
	flags.StringArrayVar(&o.controlProbes, "control-probe", nil, "`CHAIN=URL` that tells the fisherman whether it is offline; may be repeated")
	flags.StringArrayVar(&o.catalogues, "catalogue", nil, "`CHAIN=NAME` of what a relay chain's nodes are asked: "+
		strings.Join(configs.Catalogues(), ", ")+"; may be repeated (default 0001=cometbft, 0021=evm)")
	flags.BoolVar(&o.allowPrivate, "allow-private", false, "let the fisherman dial loopback and private addresses")
	flags.BoolVar(&o.trust.fromSnapshot, "from-snapshot", false, "begin with a snapshot of the peers' state")
	flags.StringArrayVar(&o.trust.servers, "trust-rpc", nil, "`URL` of a node's CometBFT JSON-RPC that verifies the snapshot; given twice or more")
	flags.Int64Var(&o.trust.height, "trust-height", 0, "height of a block that you trust (default one that all of --trust-rpc have)")
	flags.StringVar(&o.trust.hash, "trust-hash", "", "`HASH` of that block, 64 hex digits")
	given = addSettings(cmd, initUsage)
	command.AddOutput(flags, &o.output)
	return cmd
}

// initUsage of a setting. The directory of keys is the one setting whose default depends on the user.
func initUsage(setting configs.Setting) string {
	if setting.Name == settingKeys {
		return setting.Usage + " (default $" + command.KeysVariable + " or pocket/keys in your configuration directory)"
	}
	return setting.Usage
}

// config is the configuration that the roles make.
func (o options) config() (configs.Node, error) {
	config := configs.DefaultNode()
	if o.validator != "" {
		config.Validator = &configs.Validator{Key: o.validator}
	}
	upstreams, err := targets("upstream", o.upstreams)
	if err != nil {
		return config, err
	}
	probes, err := targets("control-probe", o.controlProbes)
	if err != nil {
		return config, err
	}
	names, err := pairs("catalogue", o.catalogues, "CHAIN=NAME, as in 0002=cosmos")
	if err != nil {
		return config, err
	}
	for chain, name := range names {
		config.RelayChains[chain] = configs.RelayChain{Catalogue: name}
	}
	switch {
	case o.servicer != "":
		config.Servicers = []configs.Servicer{{Key: o.servicer, Listen: o.servicerListen, Upstreams: upstreams}}
	case len(upstreams) > 0:
		return config, command.Fail(command.ExitUsage, "--upstream is for a servicer; give --servicer ADDRESS")
	}
	switch {
	case o.fisherman != "":
		config.Fisherman = &configs.Fisherman{Key: o.fisherman, ControlProbes: probes,
			IgnoredFields: map[string][]string{}, AllowPrivate: o.allowPrivate}
	case len(probes) > 0 || o.allowPrivate:
		return config, command.Fail(command.ExitUsage, "--control-probe and --allow-private are for a fisherman; give --fisherman ADDRESS")
	}
	return config, nil
}

// targets reads the CHAIN=URL of a repeated flag.
func targets(flag string, given []string) (map[string]configs.Target, error) {
	read, err := pairs(flag, given, "CHAIN=URL, as in 0001=http://127.0.0.1:26657")
	return configs.URLs(read), err
}

// pairs reads what a repeated flag says of relay chains.
func pairs(flag string, given []string, form string) (map[string]string, error) {
	read := make(map[string]string, len(given))
	for _, text := range given {
		chain, value, is := strings.Cut(text, "=")
		if !is && strings.Contains(text, "://") { // which may hold a key
			return nil, command.Fail(command.ExitUsage, "--%s: a URL alone is not %s", flag, form)
		}
		if !is {
			return nil, command.Fail(command.ExitUsage, "--%s: %q is not %s", flag, terminal.Short(text), form)
		}
		if _, repeated := read[chain]; repeated {
			return nil, command.Fail(command.ExitUsage, "--%s: relay chain %q is given twice", flag, terminal.Short(chain))
		}
		read[chain] = value
	}
	return read, nil
}

// initNode writes the home's configuration, unless something about it is wrong.
func initNode(io command.Streams, o options, config configs.Node) error {
	home, err := filepath.Abs(o.home)
	if err != nil {
		return command.Fail(command.ExitHome, "find home directory: %w", err)
	}
	if err := completeKeys(keystore.New(config.Keys, io.Keys), &config); err != nil {
		return err
	}
	if err := config.Validate(); err != nil {
		return err
	}
	if err := checkNewHome(home); err != nil {
		return err
	}
	if err := checkKeys(keystore.New(config.Keys, io.Keys), config.Addresses()); err != nil {
		return err
	}
	encoded, err := config.Encode()
	if err != nil {
		return err
	}
	if err := writeNodeConfig(home, encoded); err != nil {
		return err
	}
	key, err := nodeKey(home)
	if err != nil {
		return err
	}
	made := newNodeMade(home, config, node.ID(key))
	return command.WriteResult(io.Out, o.output, made, made.text)
}

// fromHere makes the paths that flags gave independent of where the node will be started. Without --keys the directory of
// keys is the one that 'pocket keys' uses.
func fromHere(io command.Streams, given settings, config *configs.Node) error {
	store, err := command.OpenKeys(io, *given[settingKeys])
	if err != nil {
		return err
	}
	if config.Keys, err = filepath.Abs(store.Directory()); err != nil {
		return command.Fail(command.ExitKeys, "find directory of keys: %w", err)
	}
	if *given[settingGenesis] == "" {
		return nil
	}
	if config.Genesis, err = filepath.Abs(config.Genesis); err != nil {
		return command.Fail(command.ExitUsage, "--genesis: %w", err)
	}
	return nil
}

// completeKeys completes the shortened addresses of roles from the keys that there are.
func completeKeys(store *keystore.Store, config *configs.Node) (err error) {
	complete := func(flag string, address *string) {
		if err == nil {
			own, _ := store.Beginning(*address) // what is wrong with the store is said when its keys are looked at
			*address, err = command.Complete(flag, *address, "no key in "+terminal.Clean(store.Directory()), command.AddressesOf("", own...))
		}
	}
	if config.Validator != nil {
		complete("--validator", &config.Validator.Key)
	}
	for i := range config.Servicers {
		complete("--servicer", &config.Servicers[i].Key)
	}
	if config.Fisherman != nil {
		complete("--fisherman", &config.Fisherman.Key)
	}
	return err
}

// checkKeys refuses addresses whose keys are not there. No passphrase is needed for that.
func checkKeys(store *keystore.Store, addresses []string) error {
	for _, address := range addresses {
		if _, err := store.Entry(address); errors.Is(err, keystore.ErrUnknownKey) {
			return fmt.Errorf("%w; see 'pocket keys list'", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

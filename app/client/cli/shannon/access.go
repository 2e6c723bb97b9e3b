package shannon

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/quote"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// access is which chain is read, for whom, and who signs.
type access struct {
	quote.Source
	rpcType                      string
	signer, keys, passphraseFile string
	allowPrivate                 bool
	// config and group name a group of a configuration, which has all of the above.
	config, group string
}

const (
	flagRPC         = "rpc"
	flagApplication = "application"
	flagService     = "service"
	flagChainID     = "chain-id"
	flagRPCType     = "rpc-type"
	flagInterval    = "interval"
	flagSigner      = "signer"
	flagKeys        = "keys"
	flagPrivate     = "allow-private"
	flagConfig      = "config"
	flagGroup       = "group"
)

// rpcTypes are the kinds of staked endpoints, as --rpc-type has them.
var rpcTypes = map[string]protocol.RPCType{
	typeJSONRPC: protocol.RPCType_RPC_TYPE_JSON_RPC, typeREST: protocol.RPCType_RPC_TYPE_REST, typeCometBFT: protocol.RPCType_RPC_TYPE_COMET_BFT,
}

const (
	typeJSONRPC  = "json_rpc"
	typeREST     = "rest"
	typeCometBFT = "comet_bft"
)

// labelOf returns a kind of endpoints as --rpc-type has it; "other" for one that it has not.
func labelOf(kind protocol.RPCType) string {
	for label, known := range rpcTypes {
		if known == kind {
			return label
		}
	}
	return "other"
}

const (
	mostService = 42
	mostChainID = 50
	// mostRPC bounds the nodes that are asked.
	mostRPC = 16
)

func (a *access) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&a.RPC, flagRPC, nil, "`URL` of a full node's CometBFT RPC; may be given more than once")
	command.AddChecked(flags, &a.Application, flagApplication, "ADDRESS", command.OrAccountPrefix(protocol.CheckAddress), "address of the staked application, pokt1…, or the beginning of one whose key is yours")
	command.AddChecked(flags, &a.Service, flagService, "ID", printable(mostService), "id of the service that it is staked for")
	command.AddChecked(flags, &a.ChainID, flagChainID, "ID", printable(mostChainID), "chain that the nodes have to be of, pocket for the main network (default: that of most of them)")
	command.AddChoice(flags, &a.rpcType, flagRPCType, typeJSONRPC, "kind of the suppliers' endpoints", typeJSONRPC, typeREST, typeCometBFT)
	flags.StringVar(&a.config, flagConfig, "", "take nodes, application, service and signer from this YAML `FILE`, the configuration of a fisherman")
	flags.StringVar(&a.group, flagGroup, "", "`NAME` of the configuration's group; not needed if only one is of this network")
}

// addInterval adds the flag of how often suppliers are asked, which costs are computed for.
func (a *access) addInterval(flags *pflag.FlagSet) {
	command.AddSpan(flags, &a.Interval, flagInterval, time.Minute, time.Second, 24*time.Hour, "time between two checks of a fisherman, for what it would cost")
}

func (a *access) addSigner(flags *pflag.FlagSet) {
	flags.StringVar(&a.signer, flagSigner, "", "label or address of the `KEY` that signs: the application's, or that of a gateway that it delegates to")
	command.AddKeys(flags, &a.keys)
	command.AddPassphrase(flags, &a.passphraseFile)
	flags.BoolVar(&a.allowPrivate, flagPrivate, false, "allow suppliers at loopback and private addresses: for a network of your own")
}

// printable returns the check of a name of at most a number of bytes.
func printable(most int) func(string) error {
	return func(given string) error {
		if given == "" || len(given) > most || text.Printable(given) != given || strings.Contains(given, " ") {
			return fmt.Errorf("want 1 to %d printable characters without spaces", most)
		}
		return nil
	}
}

// settle takes what a configuration has, or else asks for the flags that are needed.
func (a *access) settle(cmd *cobra.Command, io command.Streams) error {
	a.RPCType = rpcTypes[a.rpcType]
	if err := checkSigner(a.signer); err != nil {
		return err
	}
	if cmd.Flags().Changed(flagConfig) {
		return a.configured(cmd, io)
	}
	if cmd.Flags().Changed(flagGroup) {
		return command.Fail(command.ExitUsage, "--group names a group of a configuration; give --config FILE too")
	}
	if err := command.RequireFlags(cmd, flagRPC, flagApplication, flagService); err != nil {
		return err
	}
	if len(a.RPC) > mostRPC {
		return command.Fail(command.ExitUsage, "%d times --rpc; at most are %d", len(a.RPC), mostRPC)
	}
	return a.completeApplication(io)
}

// completeApplication completes the shortened address of an application from the user's keys: the chain has no index of
// beginnings.
func (a *access) completeApplication(io command.Streams) error {
	store, err := command.OpenKeys(io, a.keys)
	if err != nil {
		return err
	}
	own, _ := store.Beginning(a.Application) // what is wrong with the store is said when a key of it is needed
	a.Application, err = command.Complete("--"+flagApplication, a.Application, "no key in "+text.Printable(store.Directory()), command.AddressesOf("", own...))
	return err
}

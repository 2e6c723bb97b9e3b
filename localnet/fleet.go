package localnet

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// MaxValidators is the largest number of validators of a Fleet: each names all others as its peers.
const MaxValidators = configs.MaximumPeers

// FlagValidators is the flag of Fleet.Validators.
const FlagValidators Flag = "validators"

// mostFollowed is the number of validators that a non-validator connects to.
const mostFollowed = 3

// Ports of a Fleet's nodes. They are those of the manifests in build/localnet.
const (
	fleetAPIPort    = "50832"
	fleetChainPort  = "26657"
	fleetP2PPort    = "26656"
	fleetRelaysPort = "8545"
)

// Roles of a Fleet's nodes; their names begin with them.
const (
	fleetValidator = "validator"
	fleetServicer  = "servicer"
	fleetFisherman = "fisherman"
)

// fleetBegin is the genesis time of every Fleet. All nodes need the same one, and none can ask another for it.
var fleetBegin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Fleet is a network whose nodes run separately, in containers or on machines of their own: validators, servicers and
// one fisherman, each with a home. Everything about it is derived from the numbers here, so that each node can make its
// own home. Nodes are named ROLE-INDEX, as in "servicer-0", and find each other at ROLE-INDEX.ROLE, as in
// "servicer-0.servicer": the names that Kubernetes gives the pods of a StatefulSet behind a headless service with the
// role's name.
type Fleet struct {
	// Options of the network. Only Servicers, ServicersPerSession, BlockTime, BlocksPerSession, ChecksPerSession and
	// Seed are used; a Fleet has no faults.
	Options Options
	// Validators is the number of validators: 1 to MaxValidators.
	Validators int
	// ListenHost is the host where the others reach a node: one of its addresses, or 0.0.0.0 for all of them. The
	// chain's JSON-RPC of nodes that are not validators stays on loopback.
	ListenHost string
}

// Validate reports the first number that is outside its range. The error is ErrBadOption.
func (f Fleet) Validate() error {
	o := f.Options
	o.Slow, o.Down, o.Lying, o.Behind, o.Processes, o.Ethereum = 0, 0, 0, 0, nil, false
	if net.ParseIP(f.ListenHost) == nil {
		return fmt.Errorf("%w: --listen-host is %q; allowed is an IP address, as in 0.0.0.0", ErrBadOption, f.ListenHost)
	}
	return cmp.Or(o.Validate(), inRange(FlagValidators, f.Validators, 1, MaxValidators))
}

// Names returns the names of all nodes: the validators, the servicers and the fisherman.
func (f Fleet) Names() []string {
	var names []string
	for i := range f.Validators {
		names = append(names, fleetName(fleetValidator, i))
	}
	for i := range f.Options.Servicers {
		names = append(names, fleetName(fleetServicer, i))
	}
	return append(names, fleetName(fleetFisherman, 0))
}

func fleetName(role string, index int) string { return role + "-" + strconv.Itoa(index) }

// host returns the host name at which the others find a node.
func host(role string, index int) string { return fleetName(role, index) + "." + role }

// find returns the role and index of a node's name.
func (f Fleet) find(name string) (role string, index int, err error) {
	counts := map[string]int{fleetValidator: f.Validators, fleetServicer: f.Options.Servicers, fleetFisherman: 1}
	role, digits, _ := strings.Cut(name, "-")
	index, err = strconv.Atoi(digits)
	if err != nil || index < 0 || index >= counts[role] || fleetName(role, index) != name {
		return "", 0, fmt.Errorf("%w: --name is %q; allowed are validator-0 to %s, servicer-0 to %s, and fisherman-0", ErrBadOption, name,
			fleetName(fleetValidator, f.Validators-1), fleetName(fleetServicer, f.Options.Servicers-1))
	}
	return role, index, nil
}

// WriteHome writes the home of the node with a name: genesis, configuration, the role's key encrypted with the
// passphrase, and a validator's node key. An existing home is completed, unless it belongs to another network:
// ErrForeignHome. Other errors: ErrBadOption, ErrHomeUnusable, and those of package keystore.
func (f Fleet) WriteHome(name, home, passphrase string) error {
	if err := f.Validate(); err != nil {
		return err
	}
	role, index, err := f.find(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return unusable("make directory", err)
	}
	if err := f.writeGenesis(home); err != nil {
		return err
	}
	key := Key(f.Options.Seed, fleetRoles[role], index)
	config, err := f.config(role, index, key.Address()).Encode()
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(home, configs.FileName), config); err != nil {
		return unusable("write configuration", err)
	}
	if role == fleetValidator {
		seed := hex.EncodeToString(f.nodeKey(index).Bytes()[:32])
		if err := writeFile(filepath.Join(home, configs.NodeKeyName), []byte(seed+"\n")); err != nil {
			return unusable("write node key", err)
		}
	}
	return writeFleetKey(filepath.Join(home, keysName), key, name, passphrase)
}

var fleetRoles = map[string]types.ActorType{
	fleetValidator: types.ActorType_ACTOR_TYPE_VALIDATOR,
	fleetServicer:  types.ActorType_ACTOR_TYPE_SERVICER,
	fleetFisherman: types.ActorType_ACTOR_TYPE_FISHERMAN,
}

// writeGenesis writes the network's genesis, or checks the existing one.
func (f Fleet) writeGenesis(home string) error {
	urls := make([]string, f.Options.Servicers)
	for i := range urls {
		urls[i] = httpURL(net.JoinHostPort(host(fleetServicer, i), fleetRelaysPort))
	}
	data, err := newGenesis(f.Options, f.Validators, urls, fleetBegin).Marshal()
	if err != nil {
		return err
	}
	path := filepath.Join(home, genesisName)
	stored, err := os.ReadFile(path)
	switch {
	case err == nil && !bytes.Equal(stored, data):
		return fmt.Errorf("%w: %s is the genesis of a network with other numbers, and a network does not change", ErrForeignHome, path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return unusable("read genesis", err)
	}
	if err := writeFile(path, data); err != nil {
		return unusable("write genesis", err)
	}
	return nil
}

// config returns the configuration of a node.
func (f Fleet) config(role string, index int, key string) configs.Node {
	own := net.JoinHostPort("127.0.0.1", fleetChainPort)
	config := configs.DefaultNode()
	config.Genesis, config.Keys = genesisName, keysName
	config.API.Listen = net.JoinHostPort(f.ListenHost, fleetAPIPort)
	// An address other than loopback means the pod's network, from which probes and users send requests.
	config.API.Public = !isLoopback(config.API.Listen)
	config.Chain = configs.Chain{RPCListen: own, P2PListen: net.JoinHostPort(f.ListenHost, fleetP2PPort),
		Peers: f.peers(role, index), BlockTime: configs.Duration(f.Options.BlockTime), SnapshotInterval: config.Chain.SnapshotInterval}
	config.RelayChains = f.Options.asked()
	switch role {
	case fleetValidator:
		config.Validator = &configs.Validator{Key: key}
		config.Chain.RPCListen = net.JoinHostPort(f.ListenHost, fleetChainPort)
		config.Chain.RPCPublic = !isLoopback(config.Chain.RPCListen) // the fisherman's control probe asks by name
	case fleetServicer:
		// Each servicer answers from its own node of the chain.
		config.Servicers = []configs.Servicer{{Key: key, Listen: net.JoinHostPort(f.ListenHost, fleetRelaysPort),
			Upstreams: map[string]configs.Target{RelayChain: configs.URL(httpURL(own))}}}
	case fleetFisherman:
		probe := httpURL(net.JoinHostPort(host(fleetValidator, 0), fleetChainPort))
		config.Fisherman = &configs.Fisherman{Key: key, ControlProbes: map[string]configs.Target{RelayChain: configs.URL(probe)}, AllowPrivate: true, Feed: f.Options.Feed}
	}
	return config
}

// peers returns the peers of a node: for a validator all other validators, for another node some of them, spread so
// that no validator is the peer of all.
func (f Fleet) peers(role string, index int) []string {
	first, count := index, min(f.Validators, mostFollowed)
	if role == fleetValidator {
		first, count = index+1, f.Validators-1
	}
	peers := make([]string, count)
	for i := range peers {
		validator := (first + i) % f.Validators
		peers[i] = node.ID(f.nodeKey(validator)) + "@" + net.JoinHostPort(host(fleetValidator, validator), fleetP2PPort)
	}
	return peers
}

// nodeKey returns the key that identifies a validator to its peers.
func (f Fleet) nodeKey(index int) crypto.PrivateKey {
	return Key(f.Options.Seed, types.ActorType_ACTOR_TYPE_UNSPECIFIED, index)
}

// writeFleetKey stores a key, unless it exists. Kubernetes makes the files of a mounted volume readable for a group;
// the keystore refuses such key files, so that permission is removed first.
func writeFleetKey(directory string, key crypto.PrivateKey, label, passphrase string) error {
	store := keystore.New(directory, keystore.Config{Work: keyWork})
	for path, mode := range map[string]fs.FileMode{directory: 0o700, store.Path(key.Address()): 0o600} {
		if err := os.Chmod(path, mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unusable("take back permissions", err)
		}
	}
	_, err := store.Key(key.Address(), passphrase)
	if errors.Is(err, keystore.ErrUnknownKey) {
		_, err = store.Put(key, label, passphrase)
	}
	if err != nil {
		return fmt.Errorf("keep key of %s: %w", label, err)
	}
	return nil
}

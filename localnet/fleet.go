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

// mostFollowed is how many validators a node that is none connects to.
const mostFollowed = 3

// Ports of a Fleet's nodes. They are those of the manifests in build/localnet.
const (
	fleetAPIPort    = "50832"
	fleetChainPort  = "26657"
	fleetP2PPort    = "26656"
	fleetRelaysPort = "8545"
)

// Roles of a Fleet's nodes, which their names begin with.
const (
	fleetValidator = "validator"
	fleetServicer  = "servicer"
	fleetFisherman = "fisherman"
)

// fleetBegin is the genesis time of every Fleet. All nodes have to have the same one, and none can ask another.
var fleetBegin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Fleet is a network whose nodes run apart, in containers or on machines of their own: validators, servicers and one
// fisherman, each with a home. Everything about it follows from the numbers here, so that each node can make its own
// home. Nodes are named ROLE-INDEX, as in "servicer-0", and find each other at ROLE-INDEX.ROLE, as in "servicer-0.servicer":
// the names that Kubernetes gives the pods of a StatefulSet behind a headless service called like the role.
type Fleet struct {
	// Options of the network, of which Servicers, ServicersPerSession, BlockTime, BlocksPerSession, ChecksPerSession and
	// Seed count. Nobody is faulty on purpose.
	Options Options
	// Validators is how many there are: 1 to MaxValidators.
	Validators int
	// ListenHost is the host that the others reach a node at: an address of its own, or 0.0.0.0 for all of them. The chain's
	// JSON-RPC of those that are no validators stays on loopback.
	ListenHost string
}

// Validate reports the first number that is outside its range. The error is ErrBadOption.
func (f Fleet) Validate() error {
	o := f.Options
	o.Slow, o.Down, o.Lying, o.Processes, o.Ethereum = 0, 0, 0, nil, false
	if net.ParseIP(f.ListenHost) == nil {
		return fmt.Errorf("%w: --listen-host is %q; allowed is an IP address, as in 0.0.0.0", ErrBadOption, f.ListenHost)
	}
	return cmp.Or(o.Validate(), inRange(FlagValidators, f.Validators, 1, MaxValidators))
}

// Names returns those of all nodes: the validators', the servicers' and the fisherman's.
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

// host is where the others find a node.
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

// WriteHome writes the home of the node with a name: genesis, configuration, the role's key encrypted with the passphrase,
// and a validator's node key. A home that is there already is completed, unless it is of another network: ErrForeignHome.
// Other errors: ErrBadOption, ErrHomeUnusable, and those of package keystore.
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
	return writeFleetKey(filepath.Join(home, crewKeysName), key, name, passphrase)
}

var fleetRoles = map[string]types.ActorType{
	fleetValidator: types.ActorType_ACTOR_TYPE_VALIDATOR,
	fleetServicer:  types.ActorType_ACTOR_TYPE_SERVICER,
	fleetFisherman: types.ActorType_ACTOR_TYPE_FISHERMAN,
}

// writeGenesis writes the network's genesis, or checks the one that is there.
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
	config.Genesis, config.Keys = genesisName, crewKeysName
	config.API.Listen = net.JoinHostPort(f.ListenHost, fleetAPIPort)
	// Whoever names another address than loopback means the pod's network, where probes and users ask from.
	config.API.Public = !isLoopback(config.API.Listen)
	config.Chain = configs.Chain{RPCListen: own, P2PListen: net.JoinHostPort(f.ListenHost, fleetP2PPort),
		Peers: f.peers(role, index), BlockTime: configs.Duration(f.Options.BlockTime)}
	config.RelayChains = f.Options.asked()
	switch role {
	case fleetValidator:
		config.Validator = &configs.Validator{Key: key}
		config.Chain.RPCListen = net.JoinHostPort(f.ListenHost, fleetChainPort)
	case fleetServicer:
		// Each servicer answers from its own node of the chain.
		config.Servicers = []configs.Servicer{{Key: key, Listen: net.JoinHostPort(f.ListenHost, fleetRelaysPort),
			Upstreams: map[string]string{RelayChain: httpURL(own)}}}
	case fleetFisherman:
		probe := httpURL(net.JoinHostPort(host(fleetValidator, 0), fleetChainPort))
		config.Fisherman = &configs.Fisherman{Key: key, ControlProbes: map[string]string{RelayChain: probe}, AllowPrivate: true}
	}
	return config
}

// peers are, of a validator, all other validators, and of another node some of them, spread so that no validator has
// all the others.
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

// nodeKey names a validator among its peers.
func (f Fleet) nodeKey(index int) crypto.PrivateKey {
	return Key(f.Options.Seed, types.ActorType_ACTOR_TYPE_UNSPECIFIED, index)
}

// writeFleetKey stores a key, unless it is there already. Kubernetes gives the files of a volume that it mounts to a group;
// a key file that a group may read is refused, so that is taken back first.
func writeFleetKey(directory string, key crypto.PrivateKey, label, passphrase string) error {
	store := keystore.New(directory, keystore.Config{Work: crewWork})
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

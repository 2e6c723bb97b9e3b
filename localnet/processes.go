package localnet

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// catchUpPatience bounds the time until the processes have caught up with the chain.
	catchUpPatience = time.Minute
	// keyWork is the work factor of the key files. The keys are public knowledge, so they need not take a second each.
	keyWork = 10
	// heightInterval is the interval at which the processes' heights are polled.
	heightInterval = 100 * time.Millisecond

	passphraseName = "passphrase"
	keysName       = "keys"
)

// Processes configures how the actors of a LocalNet run as processes.
type Processes struct {
	// Program is the path of a program that understands 'node start --home DIR --passphrase-file FILE'.
	Program string
	// LogLevel is the least level that the processes log.
	LogLevel string
	// LogFormat is the format of their log: text or json; text if empty.
	LogFormat string
	// Log receives their log in whole lines; several processes write concurrently.
	Log io.Writer
	// Ready is called when all of them have caught up with the chain.
	Ready func()
}

// actorProcesses runs the actors of a LocalNet as processes: the validator, the servicers, and the fisherman, each with
// a home of its own and a node that makes or follows the chain.
type actorProcesses struct {
	config               *Processes
	validator, fisherman *member
	servicers            []*member
}

// member is one process. It holds its sockets until it is started.
type member struct {
	name, home, api string
	held            []net.Listener
}

// assembleProcesses writes the homes of the processes.
func (l *LocalNet) assembleProcesses(servicers []node.ServicerRole) (err error) {
	p := &actorProcesses{config: l.options.Processes}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	var p2p string
	nodeKey := Key(l.options.Seed, types.ActorType_ACTOR_TYPE_UNSPECIFIED, 0)
	p.validator, err = l.addProcess("validator", Key(l.options.Seed, types.ActorType_ACTOR_TYPE_VALIDATOR, 0),
		func(c *configs.Node, m *member, key string) error {
			c.Validator = &configs.Validator{Key: key}
			c.Chain.RPCListen, m.held = l.addresses.ChainRPC, append(m.held, l.endpoints.chainRPC)
			if c.Chain.P2PListen, err = m.hold(); err != nil {
				return err
			}
			p2p = c.Chain.P2PListen
			return writeFile(filepath.Join(m.home, configs.NodeKeyName), []byte(hex.EncodeToString(nodeKey.Bytes()[:32])+"\n"))
		})
	if err != nil {
		return err
	}
	peers := []string{node.ID(nodeKey) + "@" + p2p}
	for i, role := range servicers {
		servicer, err := l.addProcess("servicer-"+strconv.Itoa(i), role.Key, func(c *configs.Node, m *member, key string) error {
			c.Chain.Peers, m.held = peers, append(m.held, role.Relays)
			c.Servicers = []configs.Servicer{{Key: key, Listen: role.Relays.Addr().String(),
				Upstreams: map[string]configs.Target{RelayChain: configs.URL(role.Upstreams[RelayChain].URL)}}}
			return nil
		})
		if err != nil {
			return err
		}
		p.servicers = append(p.servicers, servicer)
	}
	p.fisherman, err = l.addProcess("fisherman", Key(l.options.Seed, types.ActorType_ACTOR_TYPE_FISHERMAN, 0),
		func(c *configs.Node, m *member, key string) error {
			c.Chain.Peers, m.held = peers, append(m.held, l.endpoints.rpc)
			c.API.Listen, m.api = l.addresses.RPC, l.addresses.RPC
			c.Fisherman = &configs.Fisherman{Key: key, ControlProbes: map[string]configs.Target{RelayChain: configs.URL(l.ChainRPCURL())}, AllowPrivate: true, Feed: l.options.Feed}
			return nil
		})
	if err != nil {
		return err
	}
	l.processes = p
	return nil
}

// addProcess writes the home of a process: its configuration, its key, and the passphrase that the key is encrypted with.
func (l *LocalNet) addProcess(name string, key crypto.PrivateKey, role func(*configs.Node, *member, string) error) (_ *member, err error) {
	m := &member{name: name, home: filepath.Join(l.home.path, processesName, name)}
	defer func() {
		if err != nil {
			m.release()
		}
	}()
	if err := os.MkdirAll(m.home, 0o700); err != nil {
		return nil, unusable("make directory", err)
	}
	config := configs.DefaultNode()
	config.LogLevel = l.options.Processes.LogLevel
	config.LogFormat = cmp.Or(l.options.Processes.LogFormat, config.LogFormat)
	config.Genesis, config.Keys = filepath.Join(l.home.path, genesisName), keysName
	config.Chain = configs.Chain{RPCListen: anyPort, P2PListen: anyPort, Peers: []string{}, BlockTime: configs.Duration(l.options.BlockTime),
		SnapshotInterval: configs.MinimumSnapshotInterval}
	if m.api, err = m.hold(); err != nil {
		return nil, err
	}
	config.API.Listen = m.api
	config.RelayChains = l.options.asked()
	if err := role(&config, m, key.Address()); err != nil {
		return nil, err
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	encoded, err := config.Encode()
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(m.home, configs.FileName), encoded); err != nil {
		return nil, unusable("write configuration", err)
	}
	return m, m.keep(key)
}

// hold reserves a free address until the process starts.
func (m *member) hold() (string, error) {
	address := anyPort
	listener, err := listen(context.Background(), &address)
	if err != nil {
		return "", err
	}
	m.held = append(m.held, listener)
	return address, nil
}

// release closes the sockets, so that the process can open them.
func (m *member) release() {
	for _, listener := range m.held {
		listener.Close()
	}
}

// keep stores the key, encrypted with a random passphrase, unless an earlier run did.
func (m *member) keep(key crypto.PrivateKey) error {
	store := keystore.New(filepath.Join(m.home, keysName), keystore.Config{Work: keyWork})
	path := filepath.Join(m.home, passphraseName)
	passphrase, err := os.ReadFile(path)
	if err == nil {
		if _, err = store.Key(key.Address(), string(passphrase)); err == nil {
			return nil
		}
		if !errors.Is(err, keystore.ErrUnknownKey) {
			return fmt.Errorf("open key below %s: %w", m.home, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return unusable("read passphrase", err)
	} else {
		passphrase = []byte(rand.Text())
		if err := writeFile(path, passphrase); err != nil {
			return unusable("write passphrase", err)
		}
	}
	if _, err := store.Put(key, m.name, string(passphrase)); err != nil {
		return fmt.Errorf("store key below %s: %w", m.home, err)
	}
	return nil
}

// Run runs the processes until the context ends (nil) or one of them does, and ends them all. The fisherman starts once
// the servicers have caught up with the chain: before that, they would refuse its relays without being at fault.
func (p *actorProcesses) Run(ctx context.Context) error {
	running, ctx := errgroup.WithContext(ctx)
	run := func(m *member) {
		running.Go(func() error { return m.run(ctx, p.config) })
	}
	running.Go(func() error {
		run(p.validator)
		if err := p.awaitLevel(ctx, p.validator); err != nil {
			return err
		}
		for _, servicer := range p.servicers {
			run(servicer)
		}
		if err := p.awaitLevel(ctx, p.servicers...); err != nil {
			return err
		}
		run(p.fisherman)
		if err := p.awaitLevel(ctx, p.fisherman); err != nil {
			return err
		}
		if ctx.Err() == nil {
			p.config.Ready()
		}
		return nil
	})
	return running.Wait()
}

// Close closes the sockets of processes that were not started. After Run it does nothing.
func (p *actorProcesses) Close() error {
	for _, m := range append([]*member{p.validator, p.fisherman}, p.servicers...) {
		if m != nil {
			m.release()
		}
	}
	return nil
}

// awaitLevel waits until the members are at most one block behind the validator, or the context ends.
func (p *actorProcesses) awaitLevel(ctx context.Context, members ...*member) error {
	timeout := time.NewTimer(catchUpPatience)
	defer timeout.Stop()
	again := time.NewTicker(heightInterval)
	defer again.Stop()
	for {
		height, late := p.validator.height(ctx), ""
		for _, m := range members {
			if own := m.height(ctx); own == 0 || own < height-1 {
				late = m.name
			}
		}
		if height > 0 && late == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timeout.C:
			return fmt.Errorf("%s did not catch up with the chain within %s", late, catchUpPatience)
		case <-again.C:
		}
	}
}

// height returns the last committed height; 0 while the process does not answer.
func (m *member) height(ctx context.Context) int64 {
	api, err := client.New(httpURL(m.api))
	if err != nil {
		return 0
	}
	defer api.Close()
	status, err := api.Status(ctx)
	if err != nil {
		return 0
	}
	return status.Height
}

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// blockTime keeps stories short: a session of ten blocks takes about five seconds.
const blockTime = 500 * time.Millisecond

// network is a running LocalNet.
type network struct {
	*localnet.LocalNet
	api    *client.Client
	cancel context.CancelFunc
	ended  chan error
}

// startNetwork starts a LocalNet in this process. An empty home is a temporary one.
func startNetwork(options localnet.Options) (*network, error) {
	ctx, cancel := context.WithCancel(context.Background())
	options.RPCListen = "127.0.0.1:0"
	options.Explicit = localnet.Flags{localnet.FlagSlow: true, localnet.FlagDown: true, localnet.FlagLying: true, localnet.FlagBehind: true}
	net, err := localnet.New(ctx, options)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make LocalNet: %w", err)
	}
	api, err := client.New(net.RPCURL())
	if err != nil {
		cancel()
		return nil, errors.Join(err, net.Close())
	}
	n := &network{LocalNet: net, api: api, cancel: cancel, ended: make(chan error, 1)}
	go func() { n.ended <- net.Run(ctx) }()
	return n, nil
}

// stop ends the network and fails if that takes more than the documented five seconds.
func (n *network) stop() error {
	n.cancel()
	n.api.Close()
	select {
	case err := <-n.ended:
		return err
	case <-time.After(5 * time.Second):
		return errors.New("the LocalNet did not stop within 5 s")
	}
}

// await polls until the condition holds.
func (n *network) await(what string, holds func(ctx context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := holds(ctx)
		var refused *client.Error
		if err != nil && !errors.Is(err, client.ErrUnreachable) && !errors.As(err, &refused) {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ticker.C:
		case err := <-n.ended:
			n.ended <- err
			return fmt.Errorf("the LocalNet ended while waiting until %s: %w", what, err)
		case <-ctx.Done():
			return fmt.Errorf("waited %v until %s (last error: %v)", patience, what, err)
		}
	}
}

// shape is the network that a story asks for: its servicers of each kind, the blocks of a session, and whether it has
// an Ethereum chain. Stories with the same shape share a network.
type shape struct {
	honest, slow, down, lying int
	blocks                    int64
	ethereum                  bool
}

// networks are the networks that the stories of a set share.
type networks struct {
	running map[shape]*network
	binary  string
	// blockTime is that of the shared ones.
	blockTime time.Duration
	// geth is the program of the Ethereum node; empty for none.
	geth string
}

func newNetworks(t *testing.T, binary, geth string, blockTime time.Duration) *networks {
	all := &networks{running: make(map[shape]*network), binary: binary, blockTime: blockTime, geth: geth}
	t.Cleanup(func() {
		for _, n := range all.running {
			if err := n.stop(); err != nil {
				t.Errorf("stop shared LocalNet: %v", err)
			}
		}
	})
	return all
}

// story is the state of one scenario.
type story struct {
	networks *networks
	network  *network
	// own is set when the network belongs to this story, and home is its directory.
	own     bool
	options localnet.Options
	home    string
	// nodes are the story's nodes that run as processes, in the order in which they were made.
	nodes []*nodeProcess
	qosStory
	relayStory
	ethereumStory
	actorStory
	refusalStory
	storageStory
	substitutionStory
	evidenceStory
	validatorStory
	upstreamStory
	windowStory
	shannonStory
	endpointsStory
	alertsStory
}

func (s *story) networkSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a LocalNet with (\d+) honest, (\d+) slow, (\d+) down and (\d+) lying servicers$`, s.sharedNetwork)
	scenario.Given(`^a LocalNet of its own that is asked by REST with (\d+) honest, (\d+) slow, (\d+) down and (\d+) lying servicers$`, s.restNetwork)
	scenario.Given(`^a LocalNet with (\d+) honest servicers and sessions of (\d+) blocks$`, s.sharedNetworkOf)
	scenario.Given(`^a LocalNet of its own with (\d+) honest servicers$`, s.ownNetwork)
	scenario.Given(`^a LocalNet of its own with (\d+) honest servicers and sessions of (\d+) blocks$`, s.ownNetworkOf)
	scenario.Given(`^a LocalNet of its own with (\d+) honest servicers, of which (\d+) are in each session of (\d+) blocks$`, s.ownNetworkWithSpares)
	scenario.When(`^it is stopped in the middle of a session$`, s.stopMidSession)
	scenario.When(`^it is stopped in the middle of a session and its fisherman forgets all samples$`, s.stopAndForget)
	scenario.When(`^it is started again$`, s.startAgain)
}

func options(honest, slow, down, lying int) localnet.Options {
	options := localnet.DefaultOptions()
	options.Servicers = honest + slow + down + lying
	options.Slow, options.Down, options.Lying = slow, down, lying
	options.BlockTime = blockTime
	return options
}

func (s *story) sharedNetwork(honest, slow, down, lying int) error {
	s.options = options(honest, slow, down, lying)
	return s.share(shape{honest, slow, down, lying, s.options.BlocksPerSession, false})
}

// restNetwork returns a network of the story's own, so that it does not keep running while others do.
func (s *story) restNetwork(honest, slow, down, lying int) (err error) {
	s.own = true
	s.options = options(honest, slow, down, lying)
	s.options.REST = true
	s.network, err = startNetwork(s.options)
	return err
}

func (s *story) sharedNetworkOf(honest int, blocks int64) error {
	s.options = options(honest, 0, 0, 0)
	s.options.BlocksPerSession = blocks
	return s.share(shape{honest: honest, blocks: blocks})
}

// share returns the running network of a shape, or starts it.
func (s *story) share(wanted shape) error {
	if s.network = s.networks.running[wanted]; s.network != nil {
		return nil
	}
	s.options.BlockTime = s.networks.blockTime
	started, err := startNetwork(s.options)
	if err != nil {
		return err
	}
	s.network, s.networks.running[wanted] = started, started
	return nil
}

func (s *story) ownNetwork(honest int) error {
	return s.ownNetworkOf(honest, localnet.DefaultOptions().BlocksPerSession)
}

func (s *story) ownNetworkOf(honest int, blocks int64) error {
	return s.ownNetworkWithSpares(honest, 0, blocks)
}

// ownNetworkWithSpares starts a network with servicers that stand by, unless sessions include all of them (0).
func (s *story) ownNetworkWithSpares(honest int, perSession uint32, blocks int64) (err error) {
	s.own = true
	s.options = options(honest, 0, 0, 0)
	s.options.BlocksPerSession, s.options.ServicersPerSession = blocks, perSession
	if s.home, err = os.MkdirTemp("", "e2e-home-"); err != nil {
		return err
	}
	s.options.Home = filepath.Join(s.home, "localnet")
	s.network, err = startNetwork(s.options)
	return err
}

// stopMidSession waits for a session that the fisherman sampled from its start, and stops in its middle.
func (s *story) stopMidSession() error {
	blocks := s.options.BlocksPerSession
	err := s.network.await("a session is half over", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		return err == nil && status.Height > blocks && status.Height%blocks == blocks/2, err
	})
	if err != nil {
		return err
	}
	report, err := s.report()
	if err != nil {
		return err
	}
	s.interrupted = report.Sessions[len(report.Sessions)-1]
	stopped := s.network
	s.network = nil
	return stopped.stop()
}

func (s *story) stopAndForget() error {
	if err := s.stopMidSession(); err != nil {
		return err
	}
	forgotten, err := filepath.Glob(filepath.Join(s.options.Home, "*", "samples"))
	if err != nil || len(forgotten) != 1 {
		return fmt.Errorf("found %d sample stores in the home, want 1 (%v)", len(forgotten), err)
	}
	return os.RemoveAll(forgotten[0])
}

func (s *story) startAgain() (err error) {
	s.network, err = startNetwork(s.options)
	return err
}

// end stops everything that belongs only to the story.
func (s *story) end() error {
	defer os.RemoveAll(s.keys)
	defer os.RemoveAll(s.home)
	if s.saved != "" {
		defer os.RemoveAll(filepath.Dir(s.saved))
	}
	if s.upstream != nil {
		defer s.upstream.Close()
	}
	if err := errors.Join(s.endShannon(), s.endEndpoints()); err != nil {
		return err
	}
	for _, node := range s.nodes {
		if err := node.kill(); err != nil {
			return err
		}
	}
	if s.program != nil {
		return s.endProgram(syscall.SIGTERM)
	}
	if !s.own || s.network == nil {
		return nil
	}
	return s.network.stop()
}

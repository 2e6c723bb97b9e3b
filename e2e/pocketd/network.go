package pocketd

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// gatewayStake is what the gateway stakes, in upokt.
	gatewayStake = 100_000_000
	// defaultDelay is that of slow suppliers.
	defaultDelay = 400 * time.Millisecond
)

// Network is a running private network. Its methods may be called by several goroutines, except that those which change
// one supplier have to take turns.
type Network struct {
	options Options
	program program
	ports   ports
	at      addresses

	application, gateway account
	gatewayKey, appKey   string
	suppliers            []*Supplier

	// running ends when the network is closed.
	running context.Context
	stop    context.CancelFunc
	// servers are the proxies and the watches over processes.
	servers sync.WaitGroup
	// processes are in the order of their starts.
	mutex     sync.Mutex
	processes []*process

	// failed is closed when a process or a server has ended by itself; failure, which may be read then, says which.
	failed  chan struct{}
	failure error
	once    sync.Once
}

// Start brings a network up and returns when the application has a session with all suppliers and every RelayMiner
// listens. That takes a session and about ten seconds of CPU; ctx bounds it. The network runs until it is closed; what
// a failed start has begun it ends.
func Start(ctx context.Context, options Options) (_ *Network, err error) {
	if options, err = options.withDefaults(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pocketd-")
	if err != nil {
		return nil, err
	}
	n := &Network{options: options, program: program{path: options.Program, dir: dir}, failed: make(chan struct{})}
	n.running, n.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			n.explain()
			n.Close()
		}
	}()
	for _, step := range []func(context.Context) error{n.prepare, n.startValidator, n.stakeAll, n.startMiners, n.awaitSession} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// explain writes the ends of all processes' logs into the log.
func (n *Network) explain() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, process := range n.processes {
		fmt.Fprintf(n.options.Log, "pocketd: the last words of %s:\n%s\n", process.name, process.tail())
	}
}

// Close ends all processes, RelayMiners first, and removes the network's files.
func (n *Network) Close() error {
	n.mutex.Lock()
	running := slices.Clone(n.processes)
	n.mutex.Unlock()
	for _, process := range slices.Backward(running[min(1, len(running)):]) {
		process.stop()
	}
	for _, process := range slices.Backward(running) {
		process.end()
	}
	n.stop()
	n.servers.Wait()
	n.ports.close()
	return os.RemoveAll(n.program.dir)
}

// RPC returns the URL of the validator's CometBFT RPC.
func (n *Network) RPC() string { return "http://" + n.at.rpc }

// Service returns the id of the service.
func (n *Network) Service() string { return n.options.Service }

// Application returns the application's address.
func (n *Network) Application() string { return n.application.Address }

// ApplicationKey returns the application's private key in hexadecimal digits.
func (n *Network) ApplicationKey() string { return n.appKey }

// Gateway returns the address of the gateway that the application delegates to.
func (n *Network) Gateway() string { return n.gateway.Address }

// GatewayKey returns the gateway's private key in hexadecimal digits.
func (n *Network) GatewayKey() string { return n.gatewayKey }

// Suppliers returns the suppliers in the order of the options.
func (n *Network) Suppliers() []*Supplier { return n.suppliers }

// ProcessIDs returns the ids of the running processes, the validator's first.
func (n *Network) ProcessIDs() []int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	var ids []int
	for _, process := range n.processes {
		ids = append(ids, process.pid)
	}
	return ids
}

// Unstake unstakes a supplier, and returns the height at which it did. It stays in its sessions to the end of the running
// one.
func (n *Network) Unstake(ctx context.Context, s *Supplier) (int64, error) {
	return n.send(ctx, s.owner, "supplier", "unstake-supplier", s.Address)
}

// Undelegate takes the application's delegation from the gateway, and returns the height at which it did. The gateway
// signs to the end of that session.
func (n *Network) Undelegate(ctx context.Context) (int64, error) {
	return n.send(ctx, n.application, "application", "undelegate-from-gateway", n.gateway.Address)
}

// Delegate gives the application's delegation to the gateway again, and returns the height at which it did.
func (n *Network) Delegate(ctx context.Context) (int64, error) {
	return n.send(ctx, n.application, "application", "delegate-to-gateway", n.gateway.Address)
}

// StopMiner ends a supplier's RelayMiner; its port refuses connections then, unless a proxy is in front of it.
func (n *Network) StopMiner(s *Supplier) {
	if s.miner == nil {
		return
	}
	s.miner.end()
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.processes = slices.DeleteFunc(n.processes, func(p *process) bool { return p == s.miner })
	s.miner = nil
}

// StartMiner starts a supplier's RelayMiner that was stopped, and waits until it listens.
func (n *Network) StartMiner(ctx context.Context, s *Supplier) error { return n.startMiner(ctx, s) }

// prepare makes keys, genesis and configuration.
func (n *Network) prepare(ctx context.Context) error {
	if _, err := n.program.run(ctx, "", "init", validatorName, "--chain-id", ChainID, "--default-denom", denomination); err != nil {
		return err
	}
	var accounts []account
	made := func(name string) (account, error) {
		if at := slices.IndexFunc(accounts, func(a account) bool { return a.name == name }); at >= 0 {
			return accounts[at], nil
		}
		one, err := n.program.newAccount(ctx, name)
		accounts = append(accounts, one)
		return one, err
	}
	var err error
	if _, err = made(validatorName); err != nil {
		return err
	}
	if n.application, err = made("application"); err != nil {
		return err
	}
	if n.gateway, err = made("gateway"); err != nil {
		return err
	}
	for i, options := range n.options.Suppliers {
		options.Delay = cmp.Or(options.Delay, defaultDelay)
		supplier := &Supplier{Fault: options.Fault, options: options}
		if supplier.operator, err = made(supplierName(i)); err != nil {
			return err
		}
		if supplier.owner = supplier.operator; options.Owner != "" {
			if supplier.owner, err = made("owner-" + options.Owner); err != nil {
				return err
			}
		}
		supplier.Address, supplier.Owner = supplier.operator.Address, supplier.owner.Address
		n.suppliers = append(n.suppliers, supplier)
	}
	if n.appKey, err = n.program.privateKey(ctx, n.application); err != nil {
		return err
	}
	if n.gatewayKey, err = n.program.privateKey(ctx, n.gateway); err != nil {
		return err
	}
	if err := n.placeAll(); err != nil {
		return err
	}
	if err := n.program.writeGenesis(ctx, n.options, accounts, n.suppliers); err != nil {
		return err
	}
	return n.program.configure(n.options, n.at)
}

// placeAll gives everybody ports.
func (n *Network) placeAll() (err error) {
	for _, port := range []*string{&n.at.rpc, &n.at.grpc, &n.at.rest} {
		if *port, err = n.ports.take(); err != nil {
			return err
		}
	}
	for _, supplier := range n.suppliers {
		if err := n.place(supplier); err != nil {
			return err
		}
	}
	return nil
}

// startValidator starts the chain and waits for its first blocks.
func (n *Network) startValidator(ctx context.Context) error {
	validator, err := n.launch(validatorName, "start")
	if err != nil {
		return err
	}
	fmt.Fprintf(n.options.Log, "pocketd: the validator is process %d, its RPC %s\n", validator.pid, n.RPC())
	return n.AwaitHeight(ctx, 2)
}

// stakeAll stakes everybody at once, because each signs with a key of its own; then the application delegates.
func (n *Network) stakeAll(ctx context.Context) error {
	gateway, err := n.file("gateway-stake.yaml", fmt.Sprintf("stake_amount: %d%s\n", gatewayStake, denomination))
	if err != nil {
		return err
	}
	application, err := n.file("application-stake.yaml", fmt.Sprintf("stake_amount: %d%s\nservice_ids:\n  - %s\n",
		n.options.ApplicationStake, denomination, n.options.Service))
	if err != nil {
		return err
	}
	steps := []func() error{
		n.sending(ctx, n.gateway, "gateway", "stake-gateway", "--config", gateway),
		n.sending(ctx, n.application, "application", "stake-application", "--config", application),
	}
	for _, supplier := range n.suppliers {
		if !supplier.options.Keyless {
			steps = append(steps, func() error { return n.stake(ctx, supplier) })
		}
	}
	if err := together(steps); err != nil {
		return err
	}
	_, err = n.Delegate(ctx)
	return err
}

// sending returns a step that sends a transaction.
func (n *Network) sending(ctx context.Context, from account, arguments ...string) func() error {
	return func() error {
		_, err := n.send(ctx, from, arguments...)
		return err
	}
}

// startMiners starts the RelayMiners at once.
func (n *Network) startMiners(ctx context.Context) error {
	var steps []func() error
	for _, supplier := range n.suppliers {
		if supplier.Fault != Down {
			steps = append(steps, func() error { return n.startMiner(ctx, supplier) })
		}
	}
	return together(steps)
}

// awaitSession waits for the session that has all suppliers: they are active from the one after their stake.
func (n *Network) awaitSession(ctx context.Context) error {
	session, err := n.AwaitSession(ctx, "with all suppliers", func(s Session) bool { return len(s.Suppliers) == len(n.suppliers) })
	if err == nil {
		fmt.Fprintf(n.options.Log, "pocketd: session of blocks %d to %d with %d suppliers\n", session.Start, session.End, len(session.Suppliers))
	}
	return err
}

// launch starts a process of the network. When it ends by itself the network has failed.
func (n *Network) launch(name string, arguments ...string) (*process, error) {
	started, err := n.program.start(n.running, name, arguments...)
	if err != nil {
		return nil, err
	}
	n.mutex.Lock()
	n.processes = append(n.processes, started)
	n.mutex.Unlock()
	n.servers.Go(func() {
		<-started.ended
		if started.err != nil {
			n.fail(started.err)
		}
	})
	return started, nil
}

func (n *Network) fail(err error) {
	n.once.Do(func() {
		n.failure = err
		close(n.failed)
	})
}

// backend returns the URL of the node behind honest RelayMiners.
func (n *Network) backend() string { return cmp.Or(n.options.Backend, n.RPC()) }

// together runs the steps at once and returns the first error of their order.
func together(steps []func() error) error {
	errs := make([]error, len(steps))
	var group sync.WaitGroup
	for i, step := range steps {
		group.Go(func() { errs[i] = step() })
	}
	group.Wait()
	return cmp.Or(errs...)
}

func lastWord(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

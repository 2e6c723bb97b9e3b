package shannon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/quote"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/wire"
)

func newDoctor(s surroundings) *cobra.Command {
	d := doctor{surroundings: s}
	var output string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what keeps a fisherman from sampling an application's sessions",
		Long: fmt.Sprintf(`Looks at all that a fisherman of an application needs, and says for each thing whether it is in order and what to do:
  node         each node answers, is synced and of the right chain
  service      it exists and has a price
  application  it is staked for the service, does not unstake, and has a key on the chain
  stake        it is above the least, and lasts
  signer       it is the application or a gateway that it delegates to, and its key is in the keystore
  session      there is one now, with enough suppliers for a majority
  budget       the limits and the stake pay for the checks
  supplier     each has a key on the chain and an endpoint that takes connections
Suppliers are connected to; no relay is sent and nothing is spent. No passphrase is needed.

A supplier that cannot be reached is a warning: a fisherman is there to measure that. Exit code %d when something failed.`, command.ExitUnfit),
		Example: `  pocket shannon doctor --rpc URL --application ADDRESS --service eth --signer watcher
  pocket shannon doctor --config fisherman.yaml --group eth-on-pocket --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.settle(cmd, s.io); err != nil {
				return err
			}
			if err := d.examine(cmd.Context()); err != nil {
				return err
			}
			if err := command.WriteResult(s.io.Out, output, &d.findings, d.findings.text, d.findings.rows); err != nil {
				return err
			}
			return d.verdict()
		},
	}
	flags := cmd.Flags()
	d.addFlags(flags)
	d.addInterval(flags)
	d.addSigner(flags)
	command.AddTable(flags, &output)
	return cmd
}

// doctor looks at one thing after the other, as far as there is something to look at.
type doctor struct {
	surroundings
	access
	findings

	client *chain.Client
	height int64
}

const (
	// mostAge is how old the newest block of a synced node may be, and mostAhead how far ahead of our clock.
	mostAge   = 10 * time.Minute
	mostAhead = time.Minute
	// leastVotes is the fewest votes that a majority is taken from.
	leastVotes = 3
	// dialTimeout bounds connecting to a supplier, and dialsAtOnce how many are connected to at the same time.
	dialTimeout = 5 * time.Second
	dialsAtOnce = 8
)

// examine looks at everything. Errors are of the command line, and of the user who wants it to stop.
func (d *doctor) examine(ctx context.Context) (err error) {
	if d.client, err = d.Client(); err != nil {
		return err
	}
	defer d.client.Close()
	d.findings = findings{Application: d.access.Application, Service: d.access.Service, Findings: []finding{}}
	if d.nodes(ctx) {
		d.priced(ctx)
		application := d.staked(ctx)
		d.signed(application)
		d.sessions(ctx)
	}
	return ctx.Err()
}

// nodes looks at the nodes, and reports whether one can be asked.
func (d *doctor) nodes(ctx context.Context) bool {
	height, err := d.access.Sync(ctx, d.client)
	d.height = height
	for i, state := range d.client.Endpoints() {
		found := finding{Check: lookNode, Subject: fmt.Sprint(i + 1)}
		switch {
		case state.Err != nil:
			found.Status, found.Says, found.Do = warning, state.Err.Error(), quote.Remedy(shannon.ProblemOf(state.Err))
			if err != nil {
				found.Status = failure
			}
		default:
			found.Says = fmt.Sprintf("synced, of chain %s, at height %d", state.ChainID, state.Height)
			if len(d.access.RPC) == 1 {
				found.Says += "; the only one: what it says of sessions and prices is compared with no other"
			}
		}
		d.add(found)
	}
	if err != nil {
		if d.Failures == 0 {
			d.fail(lookNode, quote.Remedy(shannon.ProblemOf(err)), "no newest block can be believed: %v", err)
		}
		return false
	}
	if head, known := d.client.Latest(); known {
		d.dated(d.now().Sub(head.Time))
	}
	return true
}

// dated looks at the age of the newest block.
func (d *doctor) dated(age time.Duration) {
	switch {
	case age > mostAge:
		d.fail(lookNode, "give a node that follows the chain, or wait until the chain goes on", "the newest block is %s old", age.Round(time.Second))
	case age < -mostAhead:
		d.warn(lookNode, "set this machine's clock", "the newest block is %s ahead of this machine's clock", (-age).Round(time.Second))
	}
}

// priced looks at the service.
func (d *doctor) priced(ctx context.Context) {
	service, err := d.client.Service(ctx, d.access.Service, d.height)
	switch {
	case errors.Is(err, chain.ErrNotFound):
		d.fail(lookService, quote.Remedy(shannon.ProblemUnknownService), "%v", chain.ErrUnknownService)
	case err != nil:
		d.fail(lookService, quote.Remedy(shannon.ProblemOf(err)), "%v", err)
	default:
		d.ok(lookService, "%s, %d compute units a relay", d.access.Service, service.GetComputeUnitsPerRelay())
	}
}

// staked looks at the application; it returns nil for one that is not staked.
func (d *doctor) staked(ctx context.Context) *protocol.Application {
	application, err := d.client.Application(ctx, d.access.Application, d.height)
	switch {
	case errors.Is(err, chain.ErrNotFound):
		d.fail(lookApplication, quote.Remedy(shannon.ProblemNotStaked), "%s: %v", d.access.Application, chain.ErrNotStaked)
		return nil
	case err != nil:
		d.fail(lookApplication, quote.Remedy(shannon.ProblemOf(err)), "%v", err)
		return nil
	}
	var services []string
	for _, config := range application.GetServiceConfigs() {
		services = append(services, config.GetServiceId())
	}
	if !slices.Contains(services, d.access.Service) {
		d.fail(lookApplication, quote.Remedy(shannon.ProblemOtherService), "it is staked for %q, not for %s", services, d.access.Service)
	} else {
		d.ok(lookApplication, "%s is staked for %s", d.access.Application, d.access.Service)
	}
	if end := application.GetUnstakeSessionEndHeight(); end > 0 {
		d.fail(lookApplication, "stake it again", "it unstakes with the session that ends at height %d", end)
	}
	if _, err := d.client.PublicKey(ctx, d.access.Application, d.height); errors.Is(err, chain.ErrNoKey) {
		d.fail(lookApplication, quote.Remedy(shannon.ProblemNoKey), "its account has no public key on the chain")
	}
	if len(application.GetDelegateeGatewayAddresses()) == 0 {
		d.warn(lookApplication, "delegate to a gateway of your own",
			"it delegates to no gateway: RelayMiners then take a second key for its ring that everybody can derive, so others could spend its stake")
	}
	return application
}

// signed looks at the signer.
func (d *doctor) signed(application *protocol.Application) {
	if d.signer == "" {
		d.warn(lookSigner, "give --signer, the label or address of a key", "who signs was not looked at")
		return
	}
	address, err := d.find(d.io, &d.access)
	if err != nil {
		d.fail(lookSigner, "import it: pocket keys import --secp256k1 --label NAME", "%v", err)
		return
	}
	if application == nil {
		return
	}
	left, until := leftGateways(application)
	switch {
	case address == d.access.Application:
		d.ok(lookSigner, "%s, the application itself", address)
	case slices.Contains(application.GetDelegateeGatewayAddresses(), address):
		d.ok(lookSigner, "%s, a gateway that the application delegates to", address)
	case slices.Contains(left, address):
		d.fail(lookSigner, quote.Remedy(shannon.ProblemNotDelegated), "%s is a gateway that the application has left: it may sign up to height %d at most", address, until)
	default:
		d.fail(lookSigner, quote.Remedy(shannon.ProblemNotDelegated), "%s is neither the application nor a gateway that it delegates to", address)
	}
}

// leftGateways returns the gateways that an application has left lately, and the end of the last session that they may sign in.
func leftGateways(application *protocol.Application) (left []string, until uint64) {
	for height, gateways := range application.GetPendingUndelegations() {
		left = append(left, gateways.GetGatewayAddresses()...)
		until = max(until, height)
	}
	return left, until
}

// sessions looks at the session that there is now, what it costs and who is in it.
func (d *doctor) sessions(ctx context.Context) {
	quoted, err := shannon.ReadQuote(ctx, d.client, d.access.Application, d.access.Service, d.height, d.RPCType)
	if err != nil {
		d.fail(lookSession, quote.Remedy(shannon.ProblemOf(err)), "%v", err)
		return
	}
	header := quoted.Session.GetHeader()
	votes := votesOf(quoted)
	says := fmt.Sprintf("%s, blocks %d to %d: %d of %d suppliers can be asked, of %d owners", terminal.ID(header.GetSessionId()),
		header.GetSessionStartBlockHeight(), header.GetSessionEndBlockHeight(), quoted.Asked(), len(quoted.Suppliers), votes)
	switch {
	case quoted.Asked() == 0:
		d.fail(lookSession, "wait until suppliers have keys on the chain, or see --rpc-type", "%s", says)
	case votes < leastVotes:
		d.warn(lookSession, fmt.Sprintf("without %d owners there is no majority, so answers are not compared", leastVotes), "%s", says)
	default:
		d.ok(lookSession, "%s", says)
	}
	d.funded(quoted)
	d.reached(ctx, quoted)
}

// votesOf returns how many owners have suppliers that are asked: all of one owner have one vote.
func votesOf(quoted *shannon.Quote) int {
	owners := make(map[string]bool)
	for _, supplier := range quoted.Suppliers {
		if !supplier.Asked() {
			continue
		}
		if supplier.Owner == "" {
			supplier.Owner = supplier.Operator
		}
		owners[supplier.Owner] = true
	}
	return len(owners)
}

// funded looks at what the session costs, and whether the stake pays for it.
func (d *doctor) funded(quoted *shannon.Quote) {
	terms, estimate := quoted.Terms, d.Estimate(quoted)
	const add = "stake more: pocketd tx application stake-application with a larger amount"
	switch {
	case terms.Stake < terms.MinStake:
		d.fail(lookStake, add, "%s, below the least of %s: it is unstaked at the end of the session", upokt(terms.Stake), upokt(terms.MinStake))
	case terms.StakeLow(estimate.Day):
		d.warn(lookStake, add, "%s, which is %s above the least, below which it is unstaked; a day of checks costs %s",
			upokt(terms.Stake), upokt(terms.Stake-terms.MinStake), upokt(estimate.Day))
	default:
		d.ok(lookStake, "%s, the least is %s", upokt(terms.Stake), upokt(terms.MinStake))
	}
	cost := fmt.Sprintf("a relay costs %s, a session %s for checks: %d, a day %s", upokt(estimate.Relay), upokt(estimate.Session), estimate.Paid, upokt(estimate.Day))
	switch relays := quoted.Allowance() / max(estimate.Relay, 1); {
	case estimate.Checks > 0 && estimate.Paid == 0:
		d.fail(lookBudget, "raise max_upokt_per_session or max_upokt_per_day", "the limits do not pay for one check, which costs %s", upokt(estimate.Check))
	case estimate.Paid < estimate.Checks:
		d.warn(lookBudget, "raise the limits, or the interval", "the limits pay for %d of %d checks of a session; %s", estimate.Paid, estimate.Checks, cost)
	case d.Limits.PerDay > 0 && estimate.Session > 0 && d.Limits.PerDay/estimate.Session < estimate.SessionsPerDay:
		d.warn(lookBudget, "raise max_upokt_per_day, or the interval", "the limit of a day pays for %d of %d sessions; %s",
			d.Limits.PerDay/estimate.Session, estimate.SessionsPerDay, cost)
	case relays < estimate.Paid:
		d.warn(lookBudget, "stake more, or raise the interval", "suppliers serve %d relays of a session for this stake, and %d are planned; %s", relays, estimate.Paid, cost)
	default:
		d.ok(lookBudget, "%s", cost)
	}
}

// reached connects to all suppliers. Findings are in the chain's order.
func (d *doctor) reached(ctx context.Context, quoted *shannon.Quote) {
	found := make([]finding, len(quoted.Suppliers))
	var dialing errgroup.Group
	dialing.SetLimit(dialsAtOnce)
	var mu sync.Mutex
	reachable := 0
	for i := range quoted.Suppliers {
		dialing.Go(func() error {
			found[i] = d.reach(ctx, &quoted.Suppliers[i])
			if found[i].Status == good {
				mu.Lock()
				reachable++
				mu.Unlock()
			}
			return nil
		})
	}
	_ = dialing.Wait()
	for _, one := range found {
		d.add(one)
	}
	if quoted.Asked() > 0 && reachable == 0 {
		d.fail(lookSupplier, "see whether this machine reaches the Internet, or give --"+flagPrivate+" on a network of your own", "none can be reached from here")
	}
}

// reach connects to a supplier.
func (d *doctor) reach(ctx context.Context, supplier *shannon.Supplier) finding {
	found := finding{Status: warning, Check: lookSupplier, Subject: supplier.Operator}
	if supplier.Key == nil {
		found.Says, found.Do = "its account has no public key on the chain, so its answers cannot be verified", "it is not asked until it has sent a transaction"
		return found
	}
	if supplier.URL == "" {
		found.Says, found.Do = "it has staked no endpoint of the kind "+d.rpcType, "it is not asked; see --"+flagRPCType
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := &wire.Dialer{AllowPrivate: d.allowPrivate}
	conn, err := dialer.Dial(ctx, supplier.URL)
	if err != nil {
		found.Says, found.Do = fmt.Sprintf("%s: %v", terminal.Short(supplier.URL), err), "its samples will say so"
		return found
	}
	defer conn.Close()
	found.Status, found.Says = good, fmt.Sprintf("%s takes connections", terminal.Short(supplier.URL))
	return found
}

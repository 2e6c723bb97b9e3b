package node

import (
	"fmt"
	"net/url"
	"syscall"

	"github.com/pocket-fisherman/fisherman/consensus/entrance"
	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/servicer"
)

// Descriptors are set apart for what opens files and sockets at any time and fails without: consensus with the peers that are
// configured, and the stores. That is a quarter of all, up to mostApart, but no less than what these open.
const (
	storeFiles = 96 // of each store of relays or samples, as local.Options says
	mostApart  = 1024

	// The chain has what is left of these, or an eighth of all. It has the state and the databases of CometBFT, whose tables are
	// what varies.
	leastChain     = 96
	mostChain      = otherFiles + chainDatabases*(databaseFiles+mostTables)
	chainShare     = 8
	chainDatabases = 4
	databaseFiles  = 5  // of each, beside its tables
	otherFiles     = 28 // logs, listeners, keys, and what the runtime opens
	mostTables     = 64 // of each database

	// peerDescriptors are a peer's connection, one to CometBFT, and the other end of that.
	peerDescriptors = 3
)

const (
	chainRPCClients = 256 // beside the servicers of this node
	profileClients  = 8

	// Fewest strangers among the peers, and fewest of their connections that have not proved to be a peer's: silent ones, and
	// ones in the handshake, with three descriptors each. Of these two there are as many from addresses of configured peers.
	leastStrangers = 8
	leastUnproven  = 4
	leastPeers     = peerDescriptors*leastStrangers + 2*(leastUnproven+peerDescriptors*leastUnproven)

	mostRequests  = 16384
	leastRequests = 24

	leastPlaces = 2 // of a servicer, for relays

	// fewConnections is what one client has where the half of all allows it, such as a fisherman whose checks overlap.
	fewConnections = 8

	// countless descriptors are more than any node needs.
	countless = 1 << 24
)

// roles are what a node opens descriptors for.
type roles struct {
	servicers int
	// hosts is the largest number of hosts that execute the relays of one servicer.
	hosts     int
	fisherman bool
	// peers is the number of configured ones.
	peers int
	// feed is how many descriptors publishing takes.
	feed int
}

func rolesOf(config Config) roles {
	has := roles{servicers: len(config.Servicers), fisherman: config.Fisherman != nil, peers: len(config.Peers)}
	if config.Fisherman != nil {
		has.feed = descriptorsOf(config.Fisherman.Config.Feed)
	}
	for _, role := range config.Servicers {
		hosts := make(map[string]bool)
		for _, upstream := range role.Upstreams {
			if parsed, err := url.Parse(upstream.URL); err == nil {
				hosts[parsed.Scheme+"://"+parsed.Host] = true
			}
		}
		has.hosts = max(has.hosts, len(hosts))
	}
	return has
}

// budget is what the parts of a node may have open.
type budget struct {
	// servicer is for each of them.
	servicer, api, chainRPC, profiles inbound.Bounds
	// peers is for those that connect.
	peers entrance.Bounds
	// tables is how many of them each database of the chain keeps open.
	tables int
	// concurrent is how many relays a servicer executes at once, those of fishermen aside.
	concurrent int
	// requests is how many requests the fisherman may have under way at once.
	requests int
}

// descriptorLimit returns how many file descriptors this process may have; 0 when it is not known.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}

// budgetWith shares out a number of descriptors; 0 when that is not known. All parts together, and what is set apart, are no
// more. The error says how many a node with these roles needs.
func budgetWith(descriptors uint64, has roles) (budget, error) {
	claims := claimsOf(has)
	if descriptors == 0 {
		shareOut(countless, claims.parts())
		return claims.budget(has, countless, 0), nil
	}
	all := int(min(descriptors, countless))
	room := all - has.apart() - least(claims.parts())
	if room < leastChain {
		return budget{}, fmt.Errorf("this process may open %d files and connections, and a node with these roles needs %d: raise the limit (ulimit -n)", all, all-room+leastChain)
	}
	chain := min(all/chainShare, mostChain, room)
	chain = max(chain, leastChain, min(all/4, mostApart)-has.apart())
	open := all - has.apart() - chain
	shareOut(open, claims.parts())
	return claims.budget(has, chain, open), nil
}

// apart returns how many descriptors are set apart beside the chain's.
func (has roles) apart() int {
	apart := has.servicers + peerDescriptors*has.peers + has.feed // a servicer listens
	if has.servicers > 0 {
		apart += storeFiles
	}
	if has.fisherman {
		apart += storeFiles
	}
	return apart
}

// tablesWith returns how many tables each of the chain's databases keeps open, out of the chain's descriptors.
func tablesWith(chain int) int {
	return min((chain-otherFiles)/chainDatabases-databaseFiles, mostTables)
}

// claims are those of the parts of a node.
type claims struct{ api, chainRPC, profiles, peers, clients, upstreams, fishing claim }

func (c *claims) parts() []*claim {
	return []*claim{&c.api, &c.chainRPC, &c.profiles, &c.peers, &c.clients, &c.upstreams, &c.fishing}
}

func claimsOf(has roles) *claims {
	relays := servicer.DefaultConfig()
	upstreams := upstreamDescriptors(relays.Places(), has.hosts)
	made := &claims{
		api:       claim{least: 8, most: rpc.DefaultConnections().Most, weight: 1},
		chainRPC:  claim{least: 8, most: chainRPCClients + 2*has.servicers*upstreams, weight: 1},
		profiles:  claim{least: 4, most: profileClients, weight: 1},
		peers:     claim{least: leastPeers, most: peersDescriptors(entrance.DefaultBounds()), weight: 1},
		clients:   claim{least: 4 * has.servicers, most: relays.MaxConnections * has.servicers, weight: 3},
		upstreams: claim{least: upstreamDescriptors(leastPlaces, has.hosts) * has.servicers, most: upstreams * has.servicers, weight: 4},
	}
	if has.fisherman {
		made.fishing = claim{least: 2 * leastRequests, most: requestDescriptors(mostRequests), weight: 8}
	}
	return made
}

// requestDescriptors returns how many descriptors a number of the fisherman's requests takes. Each has one connection, and kept
// ones are closed where there would be more in all. A third more is for connections that are being made: several addresses of a
// host are tried at once.
func requestDescriptors(requests int) int { return (4*requests + 2) / 3 }

// requestsWith returns how many requests a number of descriptors is enough for.
func requestsWith(descriptors int) int { return 3 * descriptors / 4 }

// upstreamDescriptors returns what a servicer with so many places for relays opens to its nodes: a connection for each, and
// where these are on several hosts as many that are kept.
func upstreamDescriptors(places, hosts int) int {
	if hosts <= 1 {
		return places
	}
	return places + max(places, hosts)
}

// budget makes bounds of what the parts were given, out of so many descriptors, and the chain's; open is 0 for any number.
func (c *claims) budget(has roles, chain, open int) budget {
	relays, api := servicer.DefaultConfig(), rpc.DefaultConnections()
	shared := budget{
		api:      bounds(c.api.given, api, open),
		chainRPC: bounds(c.chainRPC.given, inbound.Bounds{Most: chainRPCClients, PerClient: chainRPCClients / 2, Displace: true}, open),
		profiles: bounds(c.profiles.given, inbound.Bounds{Most: profileClients, Displace: true}, open),
		servicer: bounds(c.clients.given/max(has.servicers, 1),
			inbound.Bounds{Most: relays.MaxConnections, PerClient: relays.MaxClientConnections}, open),
		peers:    peersWith(c.peers.given, open),
		tables:   tablesWith(chain),
		requests: requestsWith(c.fishing.given),
	}
	for relays.MaxConcurrent > 1 && upstreamDescriptors(relays.Places(), has.hosts)*has.servicers > c.upstreams.given {
		relays.MaxConcurrent--
	}
	shared.concurrent = relays.MaxConcurrent
	return shared
}

// bounds returns those of a listener with fewer connections in proportion, or with more in all.
func bounds(most int, whole inbound.Bounds, open int) inbound.Bounds {
	perClient := whole.PerClient
	if most < whole.Most && perClient > 0 {
		perClient = max(perClient*most/whole.Most, min(fewConnections, most/2), 1)
	}
	return inbound.Bounds{Most: max(most, 1), PerClient: perClient, Descriptors: open, Displace: whole.Displace}
}

// peersDescriptors returns how many descriptors the connections take that peers open, configured ones aside.
func peersDescriptors(peers entrance.Bounds) int {
	return peerDescriptors*peers.Strangers + 2*(peers.Waiting+peerDescriptors*peers.Proving)
}

// peersWith returns bounds that take so many descriptors, at least leastPeers. A sixth or more is for connections that wait.
func peersWith(given, open int) entrance.Bounds {
	peers := entrance.DefaultBounds()
	whole := peers.Strangers
	peers.Proving = min(max(given/48, leastUnproven), peers.Proving)
	proving := 2 * peerDescriptors * peers.Proving
	peers.Strangers = min(max((given-proving-given/6)/peerDescriptors, leastStrangers), whole)
	peers.Waiting = min((given-proving-peerDescriptors*peers.Strangers)/2, peers.Waiting)
	peers.StrangersPerClient = max(peers.StrangersPerClient*peers.Strangers/whole, min(fewConnections, peers.Strangers/2))
	peers.Descriptors = open
	return peers
}

// roundsAtOnce is for how many checks of all targets of a list there is to be room: their preparation overlaps.
const roundsAtOnce = 3

// endpointsBudget shares out a number of descriptors, 0 when that is not known, in a fisherman, by the number of targets of
// its largest group and what its feed takes. A round of all of them has to fit over new connections, beside those that are kept. The
// error says how many that takes.
func endpointsBudget(descriptors uint64, largest, feed int) (budget, error) {
	apart := storeFiles + otherFiles + feed
	made := &claims{
		api:     claim{least: 8, most: rpc.DefaultConnections().Most, weight: 1},
		fishing: claim{least: 2 * largest, most: requestDescriptors(mostRequests), weight: 8},
	}
	open, bound := countless, 0
	if descriptors > 0 {
		open = int(min(descriptors, countless)) - apart
		bound = open
	}
	parts := []*claim{&made.api, &made.fishing}
	if needed := least(parts); open < needed {
		return budget{}, fmt.Errorf("this process may open %d files and connections, and a group of %d targets needs %d: raise the limit (ulimit -n)",
			descriptors, largest, needed+apart)
	}
	shareOut(open, parts)
	return budget{
		api:      bounds(made.api.given, rpc.DefaultConnections(), bound),
		requests: max(requestsWith(made.fishing.given), min(roundsAtOnce*largest, made.fishing.given-largest)),
	}, nil
}

// collectorBudget shares out a number of descriptors, 0 when that is not known, in a collector, by its number of fishermen,
// each of which has a store. The error says how many that takes.
func collectorBudget(descriptors uint64, fishermen int) (budget, error) {
	apart := storeFiles*fishermen + otherFiles
	api := &claim{least: 8, most: rpc.DefaultConnections().Most, weight: 1}
	open, bound := countless, 0
	if descriptors > 0 {
		open = int(min(descriptors, countless)) - apart
		bound = open
	}
	if open < api.least {
		return budget{}, fmt.Errorf("this process may open %d files and connections, and a collector of %d fishermen needs %d: raise the limit (ulimit -n)",
			descriptors, fishermen, apart+api.least)
	}
	shareOut(open, []*claim{api})
	return budget{api: bounds(api.given, rpc.DefaultConnections(), bound)}, nil
}

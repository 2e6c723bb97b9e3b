package configs

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// MaximumServicers is the maximum number of servicers of one node.
	MaximumServicers = 64
	// MaximumPeers is the maximum number of configured peers of one node.
	MaximumPeers = 64
	// maximumText bounds paths and URLs, in bytes.
	maximumText = 2048
	// keptProblems bounds the length of an error, whatever is in the file.
	keptProblems = 10
)

// Bounds of Chain.BlockTime; they equal those of package consensus.
const (
	minimumBlockTime = 10 * time.Millisecond
	maximumBlockTime = time.Hour
)

// ErrInvalid is returned when a configuration cannot be read, or has a value that is not allowed.
var ErrInvalid = errors.New("invalid configuration")

// problems collects the values of a configuration that are not allowed: the first ones and the total number.
type problems struct {
	kept  []string
	total int
}

// add records a value unless it is allowed.
func (p *problems) add(allowed bool, field, value, want string) {
	if allowed {
		return
	}
	if p.total++; p.total <= keptProblems {
		p.kept = append(p.kept, fmt.Sprintf("%s is %s; allowed: %s", field, value, want))
	}
}

func (p *problems) err() error {
	if p.total == 0 {
		return nil
	}
	text := strings.Join(p.kept, "; ")
	if more := p.total - len(p.kept); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Errorf("%w: %s", ErrInvalid, text)
}

// Validate checks every value. The error, if any, is one line that names the first ten that are not allowed; it wraps
// ErrInvalid.
func (n Node) Validate() error {
	var p problems
	p.add(n.Format == formatV1, "format", strconv.Itoa(n.Format), strconv.Itoa(formatV1))
	p.add(slices.Contains(levels(), n.LogLevel), "log_level", quoted(n.LogLevel), strings.Join(levels(), ", "))
	p.add(slices.Contains(formats(), n.LogFormat), "log_format", quoted(n.LogFormat), strings.Join(formats(), ", "))
	p.add(n.Pprof.Listen == "" || n.Pprof.AllowRemote || onLoopback(n.Pprof.Listen), "pprof.listen", quoted(n.Pprof.Listen),
		"an address of this machine alone, as in 127.0.0.1:6060, unless pprof.allow_remote is true")
	p.path("genesis", n.Genesis)
	p.path("keys", n.Keys)
	blockTime := time.Duration(n.Chain.BlockTime)
	p.peers(n.Chain.Peers)
	p.add(minimumBlockTime <= blockTime && blockTime <= maximumBlockTime, "chain.block_time", blockTime.String(),
		fmt.Sprintf("%s to %s", minimumBlockTime, maximumBlockTime))
	p.retention(n.Chain)
	p.relayChains(n.RelayChains)
	if n.Validator != nil {
		p.address("validator.key", n.Validator.Key)
	}
	p.add(len(n.Servicers) <= MaximumServicers, "servicers", fmt.Sprintf("%d of them", len(n.Servicers)),
		fmt.Sprintf("at most %d", MaximumServicers))
	for i, servicer := range n.Servicers {
		field := servicerField(i)
		p.address(field+".key", servicer.Key)
		p.add(len(servicer.Upstreams) > 0, field+".upstreams", "empty", "at least one relay chain")
		p.targets(field+".upstreams", servicer.Upstreams)
	}
	if n.Fisherman != nil {
		p.address("fisherman.key", n.Fisherman.Key)
		p.targets("fisherman.control_probes", n.Fisherman.ControlProbes)
		p.ignored("fisherman.ignored_fields", n.Fisherman.IgnoredFields)
		if n.Fisherman.Alerts != "" {
			p.path("fisherman.alerts", n.Fisherman.Alerts)
		}
		p.history("fisherman.history", n.Fisherman.Kept())
		if n.Fisherman.Feed != nil {
			p.feed("fisherman.feed", *n.Fisherman.Feed)
		}
	}
	p.distinct(n)
	return p.err()
}

func levels() []string { return []string{"error", "warn", "info", "debug"} }

func formats() []string { return []string{"text", "json"} }

// onLoopback reports whether a host:port can be reached from this machine only. The name localhost counts as such; its
// address is checked again when it is listened on.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func servicerField(i int) string { return fmt.Sprintf("servicers[%d]", i) }

func (p *problems) path(field, path string) {
	allowed := path != "" && len(path) <= maximumText && !strings.ContainsRune(path, 0)
	p.add(allowed, field, quoted(path), fmt.Sprintf("a path of 1 to %d bytes", maximumText))
}

func (p *problems) address(field, address string) {
	p.add(types.ValidateAddress(address) == nil, field, quoted(address), "an address of 40 lower-case hex digits")
}

func (p *problems) ignored(field string, ignored map[string][]string) {
	for _, chain := range slices.Sorted(maps.Keys(ignored)) {
		p.add(types.ValidateRelayChain(chain) == nil, field, "for relay chain "+quoted(chain), "four upper-case hex digits, as in 0001")
		p.add(len(ignored[chain]) <= types.MaxPointers, field+"."+short(chain), fmt.Sprintf("%d of them", len(ignored[chain])),
			fmt.Sprintf("at most %d", types.MaxPointers))
		for i, text := range ignored[chain] {
			_, err := types.ParsePointer(text)
			p.add(err == nil, fmt.Sprintf("%s.%s[%d]", field, short(chain), i), quoted(text),
				"a JSON pointer of at most 256 bytes, as in /block/header/time")
		}
	}
}

func (p *problems) peers(peers []string) {
	p.add(len(peers) <= MaximumPeers, "chain.peers", fmt.Sprintf("%d of them", len(peers)), fmt.Sprintf("at most %d", MaximumPeers))
	seen := make(map[string]bool, len(peers))
	for i, peer := range peers {
		field := fmt.Sprintf("chain.peers[%d]", i)
		id, at, _ := strings.Cut(peer, "@")
		p.add(isPeer(id, at), field, quoted(peer), "ID@HOST:PORT with an id of 40 lower-case hex digits (see 'pocket node id')")
		p.add(!seen[id], field, quoted(peer), "an id of its own")
		seen[id] = true
	}
}

// isPeer reports whether a peer has an id, which has the form of an actor's address, and a host:port.
func isPeer(id, at string) bool {
	port, valid := listenPort(at)
	return types.ValidateAddress(id) == nil && valid && port != 0 && hasHost(at) && !strings.Contains(at, ",")
}

// isLoopback reports whether only this machine can connect to an address. Malformed addresses are reported elsewhere.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err != nil || host == "localhost" || net.ParseIP(host).IsLoopback()
}

func hasHost(at string) bool { return !strings.HasPrefix(at, ":") }

// distinct checks that no two parts have the same address to listen on, and no two servicers the same key.
func (p *problems) distinct(n Node) {
	listens, keys := make(map[string]string), make(map[string]string)
	claim := func(claims map[string]string, field, value, want string) {
		other, taken := claims[value]
		p.add(!taken, field, quoted(value)+" like "+other, want)
		claims[value] = field
	}
	listen := func(field, address string) {
		port, valid := listenPort(address)
		p.add(valid, field, quoted(address), "HOST:PORT with a port of 0 to 65535")
		if valid && port != 0 {
			claim(listens, field, address, "an address of its own")
		}
	}
	listen("api.listen", n.API.Listen)
	if n.Pprof.Listen != "" {
		listen("pprof.listen", n.Pprof.Listen)
	}
	p.add(n.API.Public || isLoopback(n.API.Listen), "api.listen", quoted(n.API.Listen),
		"a loopback address, as in 127.0.0.1:50832, unless api.public is true")
	listen("chain.rpc_listen", n.Chain.RPCListen)
	p.add(n.Chain.RPCPublic || isLoopback(n.Chain.RPCListen), "chain.rpc_listen", quoted(n.Chain.RPCListen),
		"a loopback address, as in 127.0.0.1:26657, unless chain.rpc_public is true")
	listen("chain.p2p_listen", n.Chain.P2PListen)
	p.add(hasHost(n.Chain.P2PListen), "chain.p2p_listen", quoted(n.Chain.P2PListen), "an address with a host, as in 0.0.0.0:26656")
	for i, servicer := range n.Servicers {
		listen(servicerField(i)+".listen", servicer.Listen)
		claim(keys, servicerField(i)+".key", servicer.Key, "a key of its own")
	}
}

// listenPort returns the port of a host:port; 0 means any free port.
func listenPort(address string) (port uint64, valid bool) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil || len(address) > 300 || strings.ContainsAny(host, " /") {
		return 0, false
	}
	port, err = strconv.ParseUint(digits, 10, 16)
	return port, err == nil
}

// quoted returns text from a file as one bounded, quoted line.
func quoted(text string) string { return strconv.Quote(short(text)) }

func short(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

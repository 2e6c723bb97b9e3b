package localnet

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// CollectorName is the configuration file in the home of a Fleet's collector.
const CollectorName = "collector.yaml"

// IsCollector reports whether a node's name is a collector's, whose home has no key and needs no passphrase.
func IsCollector(name string) bool { return strings.HasPrefix(name, fleetCollector+"-") }

// published returns where the fisherman of a name publishes what it stores; nil for nowhere.
func (f Fleet) published(name string) *configs.Feed {
	if len(f.Feed) == 0 {
		return nil
	}
	feed := &configs.Feed{Replicas: f.FeedReplicas, Place: name}
	for _, server := range f.Feed {
		feed.NATS = append(feed.NATS, secret.Text(server))
	}
	return feed
}

// writeCollector writes the configuration of the collector, which trusts the fishermen's keys.
func (f Fleet) writeCollector(home string) error {
	listen := net.JoinHostPort(f.ListenHost, fleetAPIPort)
	var text strings.Builder
	fmt.Fprintf(&text, "listen: %q\npublic: %t\ndata: ./data\nfeed:\n  nats:\n", listen, !isLoopback(listen))
	for _, server := range f.Feed {
		fmt.Fprintf(&text, "    - %q\n", server)
	}
	fmt.Fprintf(&text, "verdicts: {replicas: %d}\nfishermen:\n", f.FeedReplicas)
	for i := range f.Fishermen {
		key := Key(f.Options.Seed, types.ActorType_ACTOR_TYPE_FISHERMAN, i)
		fmt.Fprintf(&text, "  - {name: %s, key: %s}\n", fleetName(fleetFisherman, i), key.PublicKeyHex())
	}
	if err := writeFile(filepath.Join(home, CollectorName), []byte(text.String())); err != nil {
		return unusable("write configuration", err)
	}
	return nil
}

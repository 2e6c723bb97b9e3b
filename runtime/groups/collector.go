package groups

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Collector is what a collector does: it reads what fishermen publish.
type Collector struct {
	// Listen, Public, Data, LogLevel, LogFormat and Alerts are those of a Config. History is for each fisherman; its Sessions
	// is the most sessions that are kept with their checks, 0 for 10 000.
	Listen              string
	Public              bool
	Data                string
	LogLevel, LogFormat string
	History             configs.History
	Alerts              Alerts
	// Feed is where what fishermen publish is read: NATS, Credentials, TLS and Stream of it.
	Feed configs.Feed
	// Durable is the name of the consumer; empty for one that follows from the relay chains.
	Durable string
	// Fishermen whose statements are taken, 1 to MaximumFishermen, in the file's order. Their names differ, and their keys.
	Fishermen []CollectorFisherman
	// RelayChains are those that are read, at most MaximumGroups; none for all.
	RelayChains []string
	// Takeover is for how long a fisherman's data folder has to be silent before another one with its key is taken, 1 min to
	// 24 h.
	Takeover time.Duration
	// Verdicts are written to a key-value bucket.
	Verdicts CollectorVerdicts
}

// CollectorFisherman is a vantage point.
type CollectorFisherman struct {
	// Name has the form of a group's.
	Name string
	// Key is its public key, 64 lower-case hex digits.
	Key string
}

// CollectorVerdicts are the newest verdicts, for gateways.
type CollectorVerdicts struct {
	// Enabled says whether they are written.
	Enabled bool
	// Bucket is the name of the key-value bucket.
	Bucket string
	// Replicas of the bucket, where it is made: 1 to 5.
	Replicas int
}

// MaximumFishermen is the maximum number of fishermen that a collector reads.
const MaximumFishermen = 64

const (
	minimumTakeover = time.Minute
	maximumTakeover = 24 * time.Hour
)

// DefaultCollector returns the configuration of a file without keys, which has no fishermen and is not valid.
func DefaultCollector() Collector {
	base := Default()
	return Collector{Listen: base.Listen, Data: "collector-data", LogLevel: base.LogLevel, LogFormat: base.LogFormat, History: base.History,
		Feed: configs.Feed{Stream: configs.DefaultFeedStream}, Takeover: 10 * time.Minute,
		Verdicts: CollectorVerdicts{Enabled: true, Bucket: "qos_verdicts", Replicas: 1}}
}

//go:embed collector.yaml
var collectorExample string

// CollectorExample returns the text of a complete configuration of a collector with comments. It needs the environment
// variable NATS_PASSWORD.
func CollectorExample() string { return collectorExample }

// LoadCollector reads the configuration file of a collector, the environment variables and the files that it names. The error
// is an *Error.
func LoadCollector(path string, env Environment) (Collector, error) {
	r := newReader(path, env)
	data, err := secret.ReadRegular(path, MaximumSize)
	if err != nil {
		r.file("cannot be read: " + secret.Reason(err))
		return Collector{}, r.err(path)
	}
	return r.parseCollector(data, path)
}

// ParseCollector reads the text of a collector's configuration, as Parse does that of a fisherman's.
func ParseCollector(data []byte, path string, env Environment) (Collector, error) {
	return newReader(path, env).parseCollector(data, path)
}

func (r *reader) parseCollector(data []byte, path string) (Collector, error) {
	config := DefaultCollector()
	r.example = "pocket collector config --print-example"
	if top := r.document(data); top != nil {
		r.collector(top, &config)
	}
	config.Data = secret.Within(r.dir, config.Data)
	if err := r.err(path); err != nil {
		return Collector{}, err
	}
	return config, nil
}

func (r *reader) collector(n *yaml.Node, c *Collector) {
	read, ok := r.object(n, "", r.ofCollector(c)...)
	if !ok {
		return
	}
	r.needs(read, "feed", "where fishermen publish, as in {nats: nats://127.0.0.1:4222}")
	r.needs(read, "fishermen", "a list of at least one, as in {name: frankfurt, key: PUBLIC KEY}")
	if read.fine("listen", "public") && !c.Public && !onLoopback(c.Listen) {
		r.add(read.at("listen"), "listen", "is "+shown(c.Listen)+"; allowed: a loopback address, as in 127.0.0.1:50832, unless public is true")
	}
}

// ofCollector is the keys of a collector's configuration.
func (r *reader) ofCollector(c *Collector) []field {
	return []field{
		{"listen", func(n *yaml.Node, key string) { c.Listen = r.listen(n, key) }},
		{"public", func(n *yaml.Node, key string) { c.Public = r.truth(n, key) }},
		{"data", func(n *yaml.Node, key string) { c.Data = r.path(n, key) }},
		{"log_level", func(n *yaml.Node, key string) { c.LogLevel = r.word(n, key, "error", "warn", "info", "debug") }},
		{"log_format", func(n *yaml.Node, key string) { c.LogFormat = r.word(n, key, "text", "json") }},
		{"history", func(n *yaml.Node, key string) { r.history(n, key, &c.History) }},
		{"feed", func(n *yaml.Node, key string) { r.collectorFeed(n, key, c) }},
		{"fishermen", func(n *yaml.Node, key string) {
			names, keys := make(claims), make(claims)
			r.list(n, key, MaximumFishermen, func(n *yaml.Node, key string) { c.Fishermen = append(c.Fishermen, r.fisherman(n, key, names, keys)) })
		}},
		{"relay_chains", func(n *yaml.Node, key string) {
			taken := make(claims)
			r.list(n, key, MaximumGroups, func(n *yaml.Node, key string) { c.RelayChains = append(c.RelayChains, r.relayChain(n, key, taken)) })
		}},
		{"takeover", func(n *yaml.Node, key string) { c.Takeover = r.duration(n, key, minimumTakeover, maximumTakeover) }},
		{"verdicts", func(n *yaml.Node, key string) { r.object(n, key, r.ofVerdicts(&c.Verdicts)...) }},
		{"alerts", func(n *yaml.Node, key string) { c.Alerts = r.alerts(n, key) }},
	}
}

func (r *reader) collectorFeed(n *yaml.Node, key string, c *Collector) {
	if read, ok := r.object(n, key, r.ofCollectorFeed(c)...); ok {
		r.needs(read, "nats", "as in nats://127.0.0.1:4222, or a list")
	}
	c.Feed = c.Feed.Within(r.dir)
}

// ofCollectorFeed is the keys of a feed that is read: those of one that is published to which say where it is.
func (r *reader) ofCollectorFeed(c *Collector) []field {
	where := []string{"nats", "credentials", "tls", "stream"}
	fields := slices.DeleteFunc(r.ofFeed(&c.Feed), func(f field) bool { return !slices.Contains(where, f.name) })
	return append(fields, field{"durable", func(n *yaml.Node, key string) { c.Durable = r.natsName(n, key) }})
}

// natsNames are the names that consumers and buckets may have.
var natsNames = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (r *reader) natsName(n *yaml.Node, key string) string {
	const want = "1 to 64 letters, digits, - and _"
	value, ok := r.text(n, key, want)
	if ok && !natsNames.MatchString(value) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+want)
	}
	return value
}

func (r *reader) fisherman(n *yaml.Node, key string, names, keys claims) CollectorFisherman {
	var f CollectorFisherman
	read, ok := r.object(n, key, r.ofFisherman(&f, names, keys)...)
	if ok {
		r.needs(read, "name", nameForm)
		r.needs(read, "key", keyForm)
	}
	return f
}

const keyForm = "its public key, 64 lower-case hex digits"

// ofFisherman is the keys of a fisherman.
func (r *reader) ofFisherman(f *CollectorFisherman, names, keys claims) []field {
	return []field{
		{"name", func(n *yaml.Node, key string) { f.Name = r.name(n, key); r.claim(names, n, key, f.Name) }},
		{"key", func(n *yaml.Node, key string) {
			value, ok := r.text(n, key, keyForm)
			if ok && types.ValidatePublicKey(value) != nil {
				r.add(n, key, "is not a public key; allowed: "+keyForm)
			}
			f.Key = value
			if line, is := keys[value]; is && ok {
				r.add(n, key, fmt.Sprintf("is the key of line %d too; allowed: a key of its own", line))
			}
			keys[value] = n.Line
		}},
	}
}

// relayChain reads the name of a relay chain, or of a group.
func (r *reader) relayChain(n *yaml.Node, key string, taken claims) string {
	const want = "1 to 128 bytes of printable text, as in 0001 in quotes, or ethereum"
	value, ok := r.text(n, key, want)
	if ok && types.ValidateOpaque(value) != nil {
		r.add(n, key, "is "+shown(value)+"; allowed: "+want)
	}
	r.claim(taken, n, key, value)
	return value
}

// ofVerdicts is the keys of verdicts.
func (r *reader) ofVerdicts(v *CollectorVerdicts) []field {
	return []field{
		{"enabled", func(n *yaml.Node, key string) { v.Enabled = r.truth(n, key) }},
		{"bucket", func(n *yaml.Node, key string) { v.Bucket = r.natsName(n, key) }},
		{"replicas", func(n *yaml.Node, key string) { v.Replicas = int(r.whole(n, key, 1, 5)) }},
	}
}

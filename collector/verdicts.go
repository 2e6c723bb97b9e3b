package collector

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/pause"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// DefaultBucket is the name of the bucket of verdicts.
	DefaultBucket = "qos_verdicts"
	// verdictInterval is how often verdicts are looked at, verdictRefresh after which time an unchanged one is written again,
	// and verdictLife how long one stays that is not written again. A gateway sees by that when its collector is gone.
	verdictInterval = 5 * time.Second
	verdictRefresh  = 2 * time.Minute
	verdictLife     = 10 * time.Minute
	// verdictBytes caps the bucket, and mostVerdicts how many there are.
	verdictBytes = 256 << 20
	mostVerdicts = 20_000
)

// VerdictVersion is the version of the form of Verdict.
const VerdictVersion = 1

// Verdict is what the bucket has of a servicer, as JSON.
type Verdict struct {
	// Version of this form.
	Version int `json:"version"`
	// Network, RelayChain, GeoZone and Servicer say what it is about; Network is empty if it is not known.
	Network    string `json:"network"`
	RelayChain string `json:"relay_chain"`
	GeoZone    string `json:"geo_zone"`
	Servicer   string `json:"servicer"`
	// Verdict is a word of the API's Verdict, Reason says why, for people.
	Verdict api.Verdict `json:"verdict"`
	Reason  string      `json:"reason"`
	// Rank among the servicers of the relay chain and geo zone, 1 for the best; nil for one without.
	Rank *int `json:"rank"`
	// Written is when it was written, by the collector's clock. It is written again at least every two minutes.
	Written time.Time `json:"written"`
	// Row is the row of GET /v1/qos, with what each vantage point saw.
	Row api.RollingServicer `json:"row"`
}

// VerdictKey returns the key of a servicer's verdict: <network>.<relay chain>.<geo zone>.<servicer>, each as in the subjects of
// the feed, with '=' in the place of '%', which keys of a bucket may not have.
func VerdictKey(network, relayChain, geoZone, servicer string) string {
	tokens := []string{network, relayChain, geoZone, servicer}
	for i, each := range tokens {
		tokens[i] = strings.ReplaceAll(protocol.Token(each), "%", "=")
	}
	return strings.Join(tokens, ".")
}

// VerdictsConfig lists what writes verdicts.
type VerdictsConfig struct {
	// Bucket is the name of the key-value bucket.
	Bucket string
	// Replicas of the bucket, where it is made.
	Replicas int
	// Rolling returns the merged verdicts, and Network the network of a relay chain.
	Rolling func() []api.RollingReport
	Network func(relayChain string) string
	// Logger takes the log; nil discards it.
	Logger *slog.Logger

	// interval and refresh are 0 for the defaults.
	interval, refresh time.Duration
}

// Verdicts keeps the newest verdict of each servicer in a key-value bucket.
type Verdicts struct {
	config VerdictsConfig
	// written is what the bucket has of us, by key.
	written map[string]writtenVerdict

	mu    sync.Mutex
	stats VerdictStats
}

// VerdictStats counts since the process began.
type VerdictStats struct{ Written, Failed uint64 }

type writtenVerdict struct {
	said string
	at   time.Time
}

// NewVerdicts makes one that has written nothing.
func NewVerdicts(config VerdictsConfig) *Verdicts {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.interval == 0 {
		config.interval = verdictInterval
	}
	if config.refresh == 0 {
		config.refresh = verdictRefresh
	}
	return &Verdicts{config: config, written: make(map[string]writtenVerdict)}
}

// Stats returns how much was written.
func (v *Verdicts) Stats() VerdictStats {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stats
}

// Run writes verdicts until the context ends. While there is no connection it waits.
func (v *Verdicts) Run(ctx context.Context, connection *broker.Connection) {
	failing := false
	for ; ctx.Err() == nil; _ = pause.For(ctx, v.config.interval) {
		if connection.Await(ctx) != nil {
			return
		}
		err := v.write(ctx, connection.JetStream())
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			v.count(func(s *VerdictStats) { s.Failed++ })
		}
		if (err != nil) != failing {
			failing = err != nil
			if failing {
				v.config.Logger.Warn("verdicts cannot be written to their bucket", "bucket", v.config.Bucket, "why", text.Line(err.Error(), longestProblem))
			} else {
				v.config.Logger.Info("verdicts are written to their bucket again", "bucket", v.config.Bucket)
			}
		}
	}
}

func (v *Verdicts) count(change func(*VerdictStats)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.stats)
}

// write writes what has changed, and what was written long ago.
func (v *Verdicts) write(ctx context.Context, js jetstream.JetStream) error {
	bucket, err := v.bucket(ctx, js)
	if err != nil {
		return err
	}
	now := time.Now()
	current := make(map[string]bool)
	for _, report := range v.config.Rolling() {
		for i := range report.Servicers {
			verdict := v.verdict(&report, &report.Servicers[i], now)
			key := VerdictKey(verdict.Network, verdict.RelayChain, verdict.GeoZone, verdict.Servicer)
			if len(current) == mostVerdicts {
				break
			}
			current[key] = true
			if err := v.put(ctx, bucket, key, verdict); err != nil {
				return err
			}
		}
	}
	for key := range v.written {
		if !current[key] {
			if err := bucket.Delete(ctx, key); err != nil {
				return err
			}
			delete(v.written, key)
		}
	}
	return nil
}

// verdict returns what is said of a servicer.
func (v *Verdicts) verdict(report *api.RollingReport, row *api.RollingServicer, now time.Time) Verdict {
	return Verdict{Version: VerdictVersion, Network: cmp.Or(report.Network, v.config.Network(report.RelayChain)), RelayChain: report.RelayChain, GeoZone: report.GeoZone,
		Servicer: row.Servicer, Verdict: row.Verdict, Reason: row.Reason, Rank: row.Rank, Written: now.UTC(), Row: *row}
}

// put writes a verdict unless the bucket has the same one, written not long ago.
func (v *Verdicts) put(ctx context.Context, bucket jetstream.KeyValue, key string, verdict Verdict) error {
	said := verdict.says()
	if before, known := v.written[key]; known && before.said == said && verdict.Written.Sub(before.at) < v.config.refresh {
		return nil
	}
	encoded, err := json.Marshal(verdict)
	if err != nil {
		return err
	}
	if _, err := bucket.Put(ctx, key, encoded); err != nil {
		return err
	}
	v.written[key] = writtenVerdict{said, verdict.Written}
	v.count(func(s *VerdictStats) { s.Written++ })
	return nil
}

// says returns what a gateway decides by: when it changes, the verdict is written at once.
func (v *Verdict) says() string {
	var said strings.Builder
	fmt.Fprintf(&said, "%s %t", v.Verdict, v.Row.Running)
	for _, each := range v.Row.Vantages {
		fmt.Fprintf(&said, "\n%s %s %s", each.Place, each.State, each.Verdict)
	}
	return said.String()
}

// bucket returns the bucket, made if need be. One that is there is taken as it is.
func (v *Verdicts) bucket(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	bucket, err := js.KeyValue(ctx, v.config.Bucket)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return bucket, err
	}
	clear(v.written)
	return js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: v.config.Bucket, Description: "newest merged verdict of each servicer, written by pocket collector",
		History: 1, TTL: verdictLife, MaxBytes: verdictBytes, Replicas: max(v.config.Replicas, 1)})
}

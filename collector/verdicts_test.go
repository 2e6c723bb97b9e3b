package collector

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// judged is what verdicts are written of.
type judged struct {
	mu      sync.Mutex
	reports []api.RollingReport
	// looked is told whenever they are looked at.
	looked chan struct{}
}

func (j *judged) rolling() []api.RollingReport {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.looked <- struct{}{}:
	default:
	}
	return j.reports
}

func (j *judged) set(servicers ...api.RollingServicer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reports = []api.RollingReport{{RelayChain: "my chains", GeoZone: "", Servicers: servicers}}
}

func TestVerdictsAreKept(t *testing.T) {
	b := newServer(t, nil)
	source := judged{looked: make(chan struct{}, 1)}
	source.set(api.RollingServicer{Servicer: "a.b", Verdict: api.VerdictHealthy, Samples: 1}, api.RollingServicer{Servicer: "c", Verdict: api.VerdictSlow})
	verdicts := NewVerdicts(VerdictsConfig{Bucket: DefaultBucket, Rolling: source.rolling, Network: func(string) string { return "endpoints" },
		interval: 5 * time.Millisecond, refresh: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { verdicts.Run(ctx, b.connect("")) })
	defer ended.Wait()
	defer cancel()
	var updates jetstream.KeyWatcher
	for updates == nil {
		<-source.looked // the bucket is there before
		if bucket, err := b.js.KeyValue(t.Context(), DefaultBucket); err == nil {
			if updates, err = bucket.WatchAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := func() (key string, verdict Verdict) {
		for update := range updates.Updates() {
			if update == nil {
				continue // what was there is told
			}
			if update.Operation() == jetstream.KeyValuePut {
				if err := json.Unmarshal(update.Value(), &verdict); err != nil {
					t.Fatal(err)
				}
			}
			return update.Key(), verdict
		}
		return "", verdict
	}
	keys := map[string]api.Verdict{}
	for range 2 {
		key, verdict := next()
		keys[key] = verdict.Verdict
		if verdict.Version != VerdictVersion || verdict.Network != "endpoints" || verdict.RelayChain != "my chains" || verdict.Row.Servicer != verdict.Servicer {
			t.Errorf("%+v", verdict)
		}
	}
	if keys["endpoints.my=20chains.=.a=2Eb"] != api.VerdictHealthy || keys["endpoints.my=20chains.=.c"] != api.VerdictSlow {
		t.Errorf("%v", keys)
	}
	// Numbers alone are no change.
	source.set(api.RollingServicer{Servicer: "a.b", Verdict: api.VerdictHealthy, Samples: 2}, api.RollingServicer{Servicer: "c", Verdict: api.VerdictHealthy})
	if key, verdict := next(); key != "endpoints.my=20chains.=.c" || verdict.Verdict != api.VerdictHealthy {
		t.Errorf("%s, %+v", key, verdict)
	}
	source.set(api.RollingServicer{Servicer: "a.b", Verdict: api.VerdictHealthy})
	if key, verdict := next(); key != "endpoints.my=20chains.=.c" || verdict.Version != 0 {
		t.Errorf("it is not removed: %s, %+v", key, verdict)
	}
	// A bucket that is removed is made again, with all verdicts.
	if err := b.js.DeleteKeyValue(t.Context(), DefaultBucket); err != nil {
		t.Fatal(err)
	}
	for verdicts.Stats().Written < 4 {
		<-source.looked
	}
	cancel()
	ended.Wait()
	bucket, err := b.js.KeyValue(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	if entry, err := bucket.Get(t.Context(), "endpoints.my=20chains.=.a=2Eb"); err != nil || entry.Revision() != 1 {
		t.Errorf("%v, %v", entry, err)
	}
}

// A verdict that does not change is written again, so that a gateway sees that its collector lives.
func TestVerdictsAreRefreshed(t *testing.T) {
	b := newServer(t, nil)
	var source judged
	source.set(api.RollingServicer{Servicer: "a", Verdict: api.VerdictHealthy})
	verdicts := NewVerdicts(VerdictsConfig{Bucket: DefaultBucket, Rolling: source.rolling, Network: func(string) string { return "" }, refresh: time.Nanosecond})
	for range 3 {
		if err := verdicts.write(t.Context(), b.js); err != nil {
			t.Fatal(err)
		}
	}
	bucket, err := b.js.KeyValue(t.Context(), DefaultBucket)
	if err != nil {
		t.Fatal(err)
	}
	if entry, err := bucket.Get(t.Context(), "=.my=20chains.=.a"); err != nil || entry.Revision() != 3 {
		t.Errorf("%v, %v", entry, err)
	}
	if status, err := bucket.Status(t.Context()); err != nil || status.History() != 1 || status.TTL() != verdictLife || status.Values() != 1 {
		t.Errorf("%+v, %v", status, err)
	}
}

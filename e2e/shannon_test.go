package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/e2e/pocketd"
	"github.com/pocket-fisherman/fisherman/localnet/port"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// shannonPatience bounds the start of a network, and whole sessions of it.
const shannonPatience = 5 * time.Minute

// shannonStory is the state of a story about the live network's software.
type shannonStory struct {
	far *pocketd.Network
	// fisherman is the program that samples it, said its log, and fished the client of its API at fishedAt.
	fisherman *exec.Cmd
	said      lockedBuffer
	fished    *client.Client
	fishedAt  string
	// left is the supplier that unstaked, and changed the height at which it or the application left.
	left    *pocketd.Supplier
	changed int64
}

func (s *story) shannonSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a Shannon network with (\d+) honest, (\d+) slow, (\d+) down and (\d+) lying suppliers$`, s.shannonNetwork)
	scenario.Given(`^a fisherman with the gateway's key samples the application's sessions$`, func() error { return s.fish(500_000) })
	scenario.Given(`^a fisherman with the gateway's key samples the application's sessions for at most (\d+) uPOKT each$`, s.fish)
	scenario.When(`^it has sampled (\d+) whole sessions?$`, func(count int) error {
		return s.fishedUntil(fmt.Sprintf("%d sessions are complete", count), func(done []api.SessionReport) bool { return len(done) >= count })
	})
	scenario.When(`^an honest supplier unstakes$`, func() error {
		s.left = s.suppliersOf("honest")[0]
		return s.change(func(ctx context.Context) (int64, error) { return s.far.Unstake(ctx, s.left) })
	})
	scenario.When(`^the application undelegates from the gateway$`, func() error { return s.change(s.far.Undelegate) })
	scenario.When(`^the session after that is complete$`, func() error {
		return s.fishedUntil("a later session is complete", func(done []api.SessionReport) bool {
			return len(done) > 0 && done[len(done)-1].Height > s.changed
		})
	})
	scenario.Then(`^the supplier is not in it$`, func() error {
		_, found := rowOf(s.session(), s.left)
		return expect(!found, "%s is in the session at height %d, it left at %d", s.left.Address, s.session().Height, s.changed)
	})
	scenario.Then(`^the report has each supplier of the session, with its owner and URL$`, s.suppliersAreShown)
	scenario.Then(`^the evidence of the fisherman's session verifies without a node$`, s.evidenceVerifies)
	scenario.Then(`^no supplier is blamed in later sessions$`, s.nobodyIsBlamed)
	scenario.Then(`^checks are dropped for the cause "([A-Z]+)"$`, func(cause string) error {
		return expect(slices.ContainsFunc(s.session().Reasons, func(r api.Reason) bool {
			return string(r.Cause) == cause && r.Status == api.ReasonStatusDropped && r.Checks > 0
		}), "%+v", s.session().Reasons)
	})
	scenario.Then(`^each (honest|slow|down|lying) supplier has the verdict "([a-z]+)"$`, func(kind, verdict string) error {
		return s.eachSupplier(kind, func(r api.ServicerReport) error {
			return expect(string(r.Verdict) == verdict, "verdict %s (%s)", r.Verdict, r.Reason)
		})
	})
	scenario.Then(`^each (honest) supplier has at most (\d+) samples$`, func(kind string, most int) error {
		return s.eachSupplier(kind, func(r api.ServicerReport) error {
			return expect(r.Samples > 0 && r.Samples <= most, "%d samples", r.Samples)
		})
	})
}

// shannonKinds are the faults by their names in a feature.
var shannonKinds = map[string]pocketd.Fault{"honest": pocketd.Honest, "slow": pocketd.Slow, "down": pocketd.Down, "lying": pocketd.Lying}

// shannonNetwork starts a network of the story's own.
func (s *story) shannonNetwork(honest, slow, down, lying int) error {
	if _, err := pocketd.Program(); err != nil {
		return godog.ErrSkip // TestFeatures has said why
	}
	var suppliers []pocketd.SupplierOptions
	for _, kind := range []struct {
		fault pocketd.Fault
		count int
	}{{pocketd.Honest, honest}, {pocketd.Slow, slow}, {pocketd.Down, down}, {pocketd.Lying, lying}} {
		suppliers = append(suppliers, slices.Repeat([]pocketd.SupplierOptions{{Fault: kind.fault}}, kind.count)...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), shannonPatience)
	defer cancel()
	far, err := pocketd.Start(ctx, pocketd.Options{Suppliers: suppliers})
	s.far = far
	return err
}

// fish imports the gateway's key and starts a fisherman as its operator would.
func (s *story) fish(budget int) (err error) {
	if s.home, err = os.MkdirTemp("", "e2e-home-"); err != nil {
		return err
	}
	if s.keys, err = os.MkdirTemp("", "e2e-keys-"); err != nil {
		return err
	}
	key := filepath.Join(s.home, "gateway.hex")
	if err := os.WriteFile(key, []byte(s.far.GatewayKey()), 0o600); err != nil {
		return err
	}
	if err := s.run("keys", "import", "--secp256k1", "--label", "watcher", "--file", key); err != nil {
		return err
	}
	if err := expect(s.exit == 0, "import the gateway's key: exit code %d: %s", s.exit, s.stderr); err != nil {
		return err
	}
	free, err := port.Free(context.Background(), "127.0.0.1", 1)
	if err != nil {
		return err
	}
	address := free[0]
	config := filepath.Join(s.home, "fisherman.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `listen: %s
data: %s
groups:
  - name: pocket
    shannon:
      rpc: [%s]
      application: %s
      service: %s
      signer: watcher
      allow_private: true
      max_upokt_per_session: %d
    chain: cometbft
    interval: 1s
    sla: 300ms
`, address, filepath.Join(s.home, "data"), s.far.RPC(), s.far.Application(), s.far.Service(), budget), 0o600); err != nil {
		return err
	}
	s.fisherman = exec.Command(s.networks.binary, "fisherman", "start", "--config", config)
	s.fisherman.Env = append(os.Environ(), "POCKET_KEYS="+s.keys, "POCKET_PASSPHRASE="+passphrase)
	s.fisherman.Stderr = &s.said
	if err := s.fisherman.Start(); err != nil {
		s.fisherman = nil
		return err
	}
	s.fishedAt = "http://" + address
	s.fished, err = client.New(s.fishedAt)
	return err
}

// fishedUntil waits until the complete sessions, oldest first, are as wanted, and keeps them.
func (s *story) fishedUntil(what string, wanted func([]api.SessionReport) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), shannonPatience)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		report, err := s.fished.QoS(ctx, client.QoSFilter{})
		s.sessions = slices.DeleteFunc(report.Sessions, func(r api.SessionReport) bool { return !r.Complete })
		if err == nil && wanted(s.sessions) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s: %w; the fisherman said %s", what, errors.Join(err, ctx.Err()), s.said.String())
		}
	}
}

// change does something to the network and keeps the height at which it took place.
func (s *story) change(change func(context.Context) (int64, error)) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.changed, err = change(ctx)
	return err
}

func (s *story) suppliersOf(kind string) []*pocketd.Supplier {
	return slices.DeleteFunc(slices.Clone(s.far.Suppliers()), func(supplier *pocketd.Supplier) bool {
		return supplier.Fault != shannonKinds[kind]
	})
}

// eachSupplier checks the rows of the suppliers of a kind in the newest session; one that has unstaked has none.
func (s *story) eachSupplier(kind string, holds func(api.ServicerReport) error) error {
	found := 0
	for _, supplier := range s.suppliersOf(kind) {
		if supplier == s.left {
			continue
		}
		row, is := rowOf(s.session(), supplier)
		if !is {
			return fmt.Errorf("%s supplier %s is not in the report", kind, supplier.Address)
		}
		if err := holds(row); err != nil {
			return fmt.Errorf("%s supplier %s: %w", kind, supplier.Address, err)
		}
		found++
	}
	return expect(found > 0, "the network has no %s supplier", kind)
}

func rowOf(session api.SessionReport, supplier *pocketd.Supplier) (api.ServicerReport, bool) {
	at := slices.IndexFunc(session.Servicers, func(r api.ServicerReport) bool { return r.Address == supplier.Address })
	if at < 0 {
		return api.ServicerReport{}, false
	}
	return session.Servicers[at], true
}

// suppliersAreShown compares the report with what the chain says of the session.
func (s *story) suppliersAreShown() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := s.far.Session(ctx, s.session().Height)
	if err != nil {
		return err
	}
	for _, supplier := range s.far.Suppliers() {
		row, found := rowOf(s.session(), supplier)
		if found != session.Has(supplier.Address) {
			return fmt.Errorf("supplier %s is in the session: %t, in the report: %t", supplier.Address, !found, found)
		}
		if found && !strings.HasPrefix(row.ServiceURL, supplier.URL) {
			return fmt.Errorf("supplier %s has the URL %s, not %s", supplier.Address, row.ServiceURL, supplier.URL)
		}
	}
	return nil
}

// evidenceVerifies saves the evidence of the newest session and checks it offline.
func (s *story) evidenceVerifies() error {
	file := filepath.Join(s.home, "evidence.json")
	if err := s.run("fisherman", "evidence", "--node", s.fishedAt, "--session", s.session().ID, "--out", file); err != nil {
		return err
	}
	if err := expect(s.exit == 0, "exit code %d: %s", s.exit, s.stderr); err != nil {
		return err
	}
	if err := s.run("fisherman", "verify", file); err != nil {
		return err
	}
	return expect(s.exit == 0, "exit code %d: %s", s.exit, s.stderr)
}

// nobodyIsBlamed lets two more sessions begin and looks at all that began after the change.
func (s *story) nobodyIsBlamed() error {
	ctx, cancel := context.WithTimeout(context.Background(), shannonPatience)
	defer cancel()
	running, err := s.far.Session(ctx, s.changed)
	if err != nil {
		return err
	}
	if err := s.far.AwaitHeight(ctx, running.End+(running.End-running.Start+1)+1); err != nil {
		return err
	}
	report, err := s.fished.QoS(ctx, client.QoSFilter{})
	if err != nil {
		return err
	}
	for _, session := range report.Sessions {
		for _, row := range session.Servicers {
			if session.Height > running.End && row.NullSamples > 0 {
				return fmt.Errorf("supplier %s has %d null samples in the session at height %d", row.Address, row.NullSamples, session.Height)
			}
		}
	}
	return nil
}

// endShannon ends fisherman and network.
func (s *story) endShannon() error {
	var failed error
	if s.fisherman != nil {
		failed = errors.Join(s.fisherman.Process.Signal(syscall.SIGTERM), s.fisherman.Wait())
		s.fisherman = nil
	}
	if s.fished != nil {
		s.fished.Close()
	}
	if s.far != nil {
		failed = errors.Join(failed, s.far.Close())
	}
	return failed
}

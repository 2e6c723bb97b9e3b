package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// passphrase of all keys that stories make.
	passphrase = "end to end, and no further"
	// relayChain is the one relay chain of a LocalNet.
	relayChain = "0001"
	// exitTransaction is the exit code of a transaction that was refused.
	exitTransaction = 11
	uPOKT           = 1_000_000
	// pauseBlocks is the minimum length of a pause on a LocalNet.
	pauseBlocks = 2
)

// actorStory is the state of a story about an actor that stakes.
type actorStory struct {
	// keys is the directory of the keys that the story made; the newest is the actor's.
	keys, address, publicKey string
	role                     string
	// receipt of the last transaction that was carried out.
	receipt api.Receipt
}

func (s *story) actorSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a new key with (\d+) POKT$`, s.newKey)
	scenario.Given(`^the network's validator has raised its stake to (\d+) POKT$`, s.raiseValidator)
	scenario.When(`^it stakes (\d+) POKT as (application|servicer|fisherman|validator)$`, s.stakes)
	scenario.When(`^it (pauses|unpauses|unstakes)$`, func(verb string) error {
		command := map[string]string{"pauses": "pause", "unpauses": "unpause", "unstakes": "unstake"}[verb]
		return s.carriedOut(command, "--from", s.address, "--type", s.role)
	})
	scenario.When(`^the least time of a pause has passed$`, func() error { return s.reach(s.receipt.Height + pauseBlocks) })
	scenario.Then(`^it is out of sessions from the following block on$`, func() error { return s.turns(false, s.receipt.Height+1) })
	scenario.Then(`^it is in sessions once a whole one has passed$`, func() error {
		return s.turns(true, s.inSessionOf(s.receipt.Height)+2*s.options.BlocksPerSession)
	})
	scenario.Then(`^it is out of sessions from that one on$`, func() error {
		return s.turns(false, s.inSessionOf(s.receipt.Height)+s.options.BlocksPerSession)
	})
	scenario.Then(`^it is (in|out of) the validator set from the second following block on$`, func(where string) error {
		return s.turns(where == "in", s.receipt.Height+2)
	})
	scenario.Then(`^it owns ([0-9.]+) POKT$`, func(pokt float64) error { return s.owns(pokt, s.receipt.Height) })
	scenario.Then(`^it owns ([0-9.]+) POKT from the end of (\d+) unbonding blocks on$`, func(pokt float64, blocks int64) error {
		return s.unbonds(pokt, s.receipt.Height+blocks)
	})
	scenario.Then(`^it owns ([0-9.]+) POKT from the end of (\d+) unbonding blocks after that session on$`, func(pokt float64, blocks int64) error {
		return s.unbonds(pokt, s.inSessionOf(s.receipt.Height)+s.options.BlocksPerSession-1+blocks)
	})
	scenario.Then(`^the transaction is refused as ([A-Z_]+)$`, func(code string) error {
		named := strings.Contains(s.stderr, code) || strings.Contains(s.stderr, "transaction_"+strings.ToLower(code))
		return expect(s.exit == exitTransaction && named, "exit code %d, %s", s.exit, s.stderr)
	})
}

// transact submits a transaction with the program, and waits for its block.
func (s *story) transact(arguments ...string) error {
	arguments = append([]string{"tx"}, arguments...)
	return s.run(append(arguments, "--node", s.network.RPCURL(), "--wait", "--output", "json")...)
}

// carriedOut calls transact for a transaction that has to succeed.
func (s *story) carriedOut(arguments ...string) error {
	if err := s.transact(arguments...); err != nil {
		return err
	}
	if s.exit != 0 {
		return fmt.Errorf("pocket tx %s: exit code %d, %s", arguments[0], s.exit, s.stderr)
	}
	if err := json.Unmarshal([]byte(s.stdout), &s.receipt); err != nil {
		return fmt.Errorf("read result %q: %w", s.stdout, err)
	}
	return expect(s.receipt.Height > 0 && s.receipt.Result == "OK", "%+v", s.receipt)
}

// newKey makes a key with the program. The application sends uPOKT to it.
func (s *story) newKey(pokt int64) (err error) {
	if s.keys, err = os.MkdirTemp("", "e2e-keys-"); err != nil {
		return err
	}
	if err := s.run("keys", "create", "--output", "json"); err != nil {
		return err
	}
	var made struct {
		Address   string `json:"address"`
		PublicKey string `json:"public_key"`
	}
	if err := json.Unmarshal([]byte(s.stdout), &made); err != nil || made.Address == "" {
		return fmt.Errorf("make a key: exit code %d, %q, %s", s.exit, s.stdout, s.stderr)
	}
	s.address, s.publicKey = made.Address, made.PublicKey
	return s.carriedOut("send", "--from", s.network.Application(), "--to", s.address, "--amount", amount(pokt))
}

func (s *story) stakes(pokt int64, role string) error {
	s.role = role
	arguments := []string{"stake", "--from", s.address, "--type", role, "--stake", amount(pokt)}
	if role != "validator" {
		arguments = append(arguments, "--chains", relayChain, "--zone", "local")
	}
	if role == "servicer" {
		// Nothing listens there: the life of an actor concerns the chain only.
		arguments = append(arguments, "--url", "http://127.0.0.1:1")
	}
	if err := s.transact(arguments...); err != nil || s.exit != 0 {
		return err // The next step sees a refusal.
	}
	return json.Unmarshal([]byte(s.stdout), &s.receipt)
}

// raiseValidator gives the running validator more than two thirds of the power, so that another may join without
// running.
func (s *story) raiseValidator(pokt int64) error {
	validator, err := s.validator()
	if err != nil {
		return err
	}
	return s.carriedOut("edit-stake", "--from", validator, "--type", "validator", "--stake", amount(pokt))
}

// validator returns the address of the network's first validator, which owns the parameters.
func (s *story) validator() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.reach(1); err != nil {
		return "", err
	}
	validators, err := s.network.api.Actors(ctx, "validator", 1)
	if err != nil || len(validators.Actors) != 1 {
		return "", fmt.Errorf("found %d validators at the first block, want 1 (%v)", len(validators.Actors), err)
	}
	return validators.Actors[0].Address, nil
}

// reach waits for a block.
func (s *story) reach(height int64) error {
	return s.network.await(fmt.Sprintf("block %d is there", height), func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		return status.Height >= height, err
	})
}

// turns checks that the actor is, or is not, a member from a block on, and that this was different in the previous
// block.
func (s *story) turns(in bool, height int64) error {
	if s.exit != 0 {
		return fmt.Errorf("the transaction failed with exit code %d: %s", s.exit, s.stderr)
	}
	if err := s.reach(height); err != nil {
		return err
	}
	for at, want := range map[int64]bool{height - 1: !in, height: in} {
		is, err := s.isMember(at)
		if err != nil {
			return fmt.Errorf("look for %s at block %d: %w", s.role, at, err)
		}
		if is != want {
			return fmt.Errorf("%s %s is a member at block %d: %v; the transaction is in block %d", s.role, s.address, at, is, s.receipt.Height)
		}
	}
	return nil
}

// isMember returns an error unless the actor takes part in a block.
func (s *story) isMember(height int64) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.role == "validator" {
		return s.validates(ctx, height)
	}
	application := s.network.Application()
	if s.role == "application" {
		application = s.address
	}
	session, err := s.network.api.Session(ctx, application, relayChain, height)
	var refused *client.Error
	absent := []api.ErrorCode{api.ErrorCodeUnknownApplication, api.ErrorCodeApplicationPaused, api.ErrorCodeApplicationNew}
	if s.role == "application" && errors.As(err, &refused) && slices.Contains(absent, refused.Code) {
		return false, nil
	}
	members := map[string][]api.Actor{"application": {session.Application}, "servicer": session.Servicers, "fisherman": session.Fishermen}
	return slices.ContainsFunc(members[s.role], func(a api.Actor) bool { return a.Address == s.address }), err
}

// validates asks the consensus engine itself.
func (s *story) validates(ctx context.Context, height int64) (bool, error) {
	target := fmt.Sprintf("%s/validators?height=%d&per_page=100", s.network.ChainRPCURL(), height)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	var set struct {
		Result struct {
			Validators []struct {
				PublicKey struct {
					Value string `json:"value"`
				} `json:"pub_key"`
			} `json:"validators"`
		} `json:"result"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&set)
	if err != nil || len(set.Result.Validators) == 0 {
		return false, fmt.Errorf("read the validators: HTTP status %d (%v)", response.StatusCode, err)
	}
	for _, validator := range set.Result.Validators {
		key, err := base64.StdEncoding.DecodeString(validator.PublicKey.Value)
		if err != nil {
			return false, err
		}
		if hex.EncodeToString(key) == s.publicKey {
			return true, nil
		}
	}
	return false, nil
}

// owns compares its balance after a block, to the last uPOKT.
func (s *story) owns(pokt float64, height int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := s.network.api.Account(ctx, s.address, height)
	if err != nil {
		return err
	}
	want := strconv.FormatInt(int64(math.Round(pokt*uPOKT)), 10)
	return expect(account.BalanceUPOKT == want, "balance of %s uPOKT after block %d, want %s", account.BalanceUPOKT, height, want)
}

// unbonds waits for the stake to be paid back: in the block where it is due, and not before.
func (s *story) unbonds(pokt float64, due int64) error {
	if err := s.reach(due); err != nil {
		return err
	}
	if err := s.owns(pokt, due); err != nil {
		return err
	}
	if s.owns(pokt, due-1) == nil {
		return fmt.Errorf("the stake was back before block %d", due)
	}
	return nil
}

// amount returns a number of POKT in uPOKT.
func amount(pokt int64) string { return strconv.FormatInt(pokt*uPOKT, 10) }

// inSessionOf returns the first height of the session that a block is in.
func (s *story) inSessionOf(height int64) int64 { return height - height%s.options.BlocksPerSession }

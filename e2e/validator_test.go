package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/localnet/port"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// validatorStory is the state of a story about validators in processes.
type validatorStory struct {
	// one is the node that the following lines refer to.
	one *nodeProcess
}

func (s *story) validatorSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a genesis with (\d+) staked validators, and the homes of (\d+) nodes$`, s.validatorHomes)
	scenario.When(`^the nodes of the (\d+) validators are started$`, s.startValidators)
	scenario.Then(`^all (\d+) commit blocks$`, func(count int) error { return s.reachAll(s.nodes[:count], 3) })
	scenario.When(`^the last of them is killed$`, func() error {
		s.one = s.nodes[3]
		return s.one.kill()
	})
	scenario.Then(`^the others commit (\d+) blocks more$`, func(blocks int64) error {
		return s.reachAll(s.nodes[:3], s.nodes[0].height()+blocks)
	})
	scenario.When(`^the killed one is started again$`, func() error { return s.one.start(s, s.nodes[:4]) })
	scenario.Then(`^it catches up, and its signature is on later blocks$`, func() error {
		if err := s.reachAll([]*nodeProcess{s.one}, s.nodes[0].height()); err != nil {
			return err
		}
		return s.signsBlocks()
	})
	scenario.When(`^the fifth node is started, and has caught up$`, func() error {
		s.one = s.nodes[4]
		if err := s.one.start(s, s.nodes[:1]); err != nil {
			return err
		}
		return s.reachAll([]*nodeProcess{s.one}, s.nodes[0].height())
	})
	scenario.Then(`^it has no power in the validator set, and no block has its signature$`, s.isNoValidator)
	scenario.When(`^the fifth stakes (\d+) POKT as validator$`, s.fifthStakes)
	scenario.Then(`^it has a power of (\d+) in the validator set from the second following block on, and none before$`, s.hasPower)
	scenario.Then(`^its signature is on later blocks$`, s.signsBlocks)
	scenario.Then(`^all (\d+) have committed the same blocks$`, s.sameBlocks)
	scenario.Then(`^each node ends within (\d+) seconds when it is interrupted$`, func(seconds int) error {
		for _, node := range s.nodes {
			if err := node.stop(time.Duration(seconds) * time.Second); err != nil {
				return err
			}
		}
		return nil
	})
}

// validatorHomes prepares nodes, of which only the first are validators of the genesis. Each can stake once.
func (s *story) validatorHomes(staked, homes int) (err error) {
	if s.home, err = os.MkdirTemp("", "e2e-validators-"); err != nil {
		return err
	}
	s.keys = filepath.Join(s.home, "keys")
	path := filepath.Join(s.home, "genesis.json")
	var actors, accounts []any
	// A key file takes a second of a processor; together they take less time.
	nodes := make([]*nodeProcess, homes)
	free, err := port.Free(context.Background(), "127.0.0.1", 3*homes)
	if err != nil {
		return err
	}
	var makers errgroup.Group
	for i := range nodes {
		makers.Go(func() (err error) {
			nodes[i], err = s.makeNode(fmt.Sprintf("validator-%d", i+1), path, free[3*i:], "validator")
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	s.nodes = nodes
	for i, node := range nodes {
		accounts = append(accounts, map[string]any{"address": node.address, "balance_upokt": amount(15_001)})
		if i < staked {
			actors = append(actors, map[string]any{"type": "ACTOR_TYPE_VALIDATOR", "address": node.address,
				"public_key": node.publicKey, "stake_upokt": amount(15_000)})
		}
	}
	return s.writeGenesis(path, actors, accounts)
}

func (s *story) startValidators(count int) error {
	for _, node := range s.nodes[:count] {
		if err := node.start(s, s.nodes[:count]); err != nil {
			return err
		}
	}
	return nil
}

// reachAll waits until all the nodes have committed a height.
func (s *story) reachAll(nodes []*nodeProcess, height int64) error {
	return s.holds(fmt.Sprintf("%d nodes are at height %d", len(nodes), height), func() bool {
		for _, node := range nodes {
			if node.height() < height {
				return false
			}
		}
		return true
	})
}

// holds waits for a condition, and reports the nodes' state if it never holds.
func (s *story) holds(what string, condition func() bool) error {
	err := eventually(what, condition)
	if err == nil {
		return nil
	}
	var are []string
	for _, node := range s.nodes {
		are = append(are, node.outcome())
	}
	return fmt.Errorf("%w\n%s", err, strings.Join(are, "\n"))
}

// signsBlocks waits until a new block has the node's signature, as seen by the first node.
func (s *story) signsBlocks() error {
	from := s.nodes[0].height()
	return s.holds(s.one.home+" signs", func() bool {
		height, signed, err := s.lastCommit()
		return err == nil && height > from && signed
	})
}

// lastCommit asks the first node whether its newest block has its signature.
func (s *story) lastCommit() (height int64, signed bool, err error) {
	var answer struct {
		Result struct {
			SignedHeader struct {
				Header struct {
					Height int64 `json:",string"`
				}
				Commit struct {
					Signatures []struct {
						Address string `json:"validator_address"`
						Value   []byte `json:"signature"`
					}
				}
			} `json:"signed_header"`
		}
	}
	if err := askChain(s.nodes[0].chain+"/commit", &answer); err != nil {
		return 0, false, err
	}
	for _, signature := range answer.Result.SignedHeader.Commit.Signatures {
		signed = signed || strings.EqualFold(signature.Address, s.one.address) && len(signature.Value) > 0
	}
	return answer.Result.SignedHeader.Header.Height, signed, nil
}

func (s *story) isNoValidator() error {
	height, signed, err := s.lastCommit()
	if err != nil || signed {
		return fmt.Errorf("block %d has the signature of %s: %v (%v)", height, s.one.home, signed, err)
	}
	power, err := s.power(height)
	if err != nil {
		return err
	}
	return expect(power == 0, "power of %d at block %d", power, height)
}

// power returns the node's power in the validator set of a block; 0 if it is not a member.
func (s *story) power(height int64) (int64, error) {
	var answer struct {
		Result struct {
			Validators []struct {
				Address string
				Power   int64 `json:"voting_power,string"`
			}
		}
	}
	if err := askChain(fmt.Sprintf("%s/validators?height=%d&per_page=100", s.nodes[0].chain, height), &answer); err != nil {
		return 0, err
	}
	if len(answer.Result.Validators) == 0 {
		return 0, fmt.Errorf("no validators at block %d", height)
	}
	for _, validator := range answer.Result.Validators {
		if strings.EqualFold(validator.Address, s.one.address) {
			return validator.Power, nil
		}
	}
	return 0, nil
}

func (s *story) fifthStakes(pokt int64) error {
	err := s.told(&s.receipt, "tx", "stake", "--from", s.one.address, "--type", "validator", "--stake", amount(pokt), "--wait",
		"--node", s.nodes[0].api, "--output", "json")
	if err != nil {
		return err
	}
	if s.receipt.Result != "OK" || s.receipt.Height == 0 {
		return fmt.Errorf("receipt is %+v", s.receipt)
	}
	var found api.Actors
	if err := s.told(&found, "query", "actors", "--type", "validator", "--node", s.nodes[0].api, "--output", "json"); err != nil {
		return err
	}
	return expect(len(found.Actors) == len(s.nodes), "%d validators are staked", len(found.Actors))
}

func (s *story) hasPower(want int64) error {
	if err := s.reachAll(s.nodes, s.receipt.Height+2); err != nil {
		return err
	}
	for ahead, want := range map[int64]int64{1: 0, 2: want} {
		power, err := s.power(s.receipt.Height + ahead)
		if err != nil {
			return err
		}
		if power != want {
			return fmt.Errorf("power of %d at block %d, want %d; it staked in block %d", power, s.receipt.Height+ahead, want, s.receipt.Height)
		}
	}
	return nil
}

// sameBlocks compares, at a block that all have and at the one of the stake, the hashes that the nodes have. A block's
// hash covers the state before it.
func (s *story) sameBlocks(count int) error {
	if len(s.nodes) != count {
		return fmt.Errorf("there are %d nodes", len(s.nodes))
	}
	last := s.nodes[0].height()
	if err := s.reachAll(s.nodes, last); err != nil {
		return err
	}
	for _, height := range []int64{s.receipt.Height + 1, last} {
		hashes := map[string]bool{}
		for _, node := range s.nodes {
			var answer struct {
				Result struct {
					BlockID struct{ Hash string } `json:"block_id"`
				}
			}
			if err := askChain(fmt.Sprintf("%s/block?height=%d", node.chain, height), &answer); err != nil {
				return err
			}
			hashes[answer.Result.BlockID.Hash] = true
		}
		if len(hashes) != 1 || hashes[""] {
			return fmt.Errorf("block %d has the hashes %v", height, hashes)
		}
	}
	return nil
}

// askChain sends a request to a node's chain RPC.
func askChain(target string, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), relayTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(answer); err != nil {
		return fmt.Errorf("read %s: HTTP status %d: %w", target, response.StatusCode, err)
	}
	return nil
}

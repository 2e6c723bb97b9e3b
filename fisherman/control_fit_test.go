package fisherman

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// node is one of an Ethereum chain. What it says of a block follows from the name of the chain and the question.
type node struct {
	chain string
	head  func() int64
	// keeps so many states; 0 keeps all. Older ones are an error, blocks above the head are null.
	keeps int64
}

var stateMethods = []string{"eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getStorageAt", "eth_call"}

var quantities = regexp.MustCompile(`"0x[0-9a-f]{1,12}"`)

// answer is what the node says: the member of a JSON-RPC answer beside the id.
func (n node) answer(method string, params []byte) string {
	if method == "eth_blockNumber" {
		return fmt.Sprintf(`"result":"0x%x"`, n.head())
	}
	height := int64(0)
	for _, quantity := range quantities.FindAll(params, -1) {
		read, _ := strconv.ParseInt(string(quantity[3:len(quantity)-1]), 16, 64)
		height = max(height, read)
	}
	switch head := n.head(); {
	case height > head:
		return `"result":null`
	case n.keeps > 0 && height <= head-n.keeps && slices.Contains(stateMethods, method):
		return `"error":{"code":-32000,"message":"missing trie node"}`
	}
	return fmt.Sprintf(`"result":"0x%x"`, sha256.Sum256(append([]byte(n.chain+method), params...)))
}

// reply is the node's answer to a request.
func (n node) reply(request []byte) []byte {
	var asked struct {
		ID, Params json.RawMessage
		Method     string
	}
	_ = json.Unmarshal(request, &asked)
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, asked.ID, n.answer(asked.Method, asked.Params))
}

// probe asks the node as a control probe.
func (n node) probe(_ context.Context, payload types.Payload) (Answer, error) {
	return Answer{Status: 200, Body: n.reply(payload.JSONRPC)}, nil
}

// servicer passes the node's answers on.
func (n node) servicer() memory.Fault {
	return func(servicer string, asked *memory.Question) []byte {
		return asked.Answer(servicer, 200, n.reply(asked.Payload.JSONRPC))
	}
}

// saying is a servicer whose node says one thing, whatever it is asked.
func saying(answer string) memory.Fault {
	return func(servicer string, asked *memory.Question) []byte {
		var request struct{ ID json.RawMessage }
		_ = json.Unmarshal(asked.Payload.JSONRPC, &request)
		return asked.Answer(servicer, 200, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, request.ID, answer))
	}
}

// growing is a head that grows from a height by so many blocks a second, from now on.
func growing(from int64, perSecond float64) func() int64 {
	started := time.Now()
	return func() int64 { return from + int64(perSecond*time.Since(started).Seconds()) }
}

// still is a head that stands still.
func still(height int64) func() int64 { return func() int64 { return height } }

// stoppingAt is a head that stands still for a while.
func stoppingAt(head func() int64, after, until time.Duration) func() int64 {
	started, stopped := time.Now(), int64(0)
	var mu sync.Mutex
	return func() int64 {
		mu.Lock()
		defer mu.Unlock()
		switch passed := time.Since(started); {
		case passed < after || passed >= until:
			return head()
		case stopped == 0:
			stopped = head()
		}
		return stopped
	}
}

// foreign is a network whose session is one of an Ethereum chain, served by some servicers.
func foreignChain(servicers memory.Servicers, probe Probe) *network {
	n := newNetwork()
	n.interval = 3 * time.Second
	n.asksOther(probe)
	n.catalogues[chain] = question.EVM(2)
	n.dial = servicers.Dial
	n.members = func(int64) []*types.Actor {
		var members []*types.Actor
		for _, name := range slices.Sorted(maps.Keys(servicers)) {
			members = append(members, memory.Actor(name))
		}
		return members
	}
	return n
}

// session runs one session from its first block on, of 30 seconds.
func (n *network) session(t *testing.T, then func()) {
	t.Helper()
	n.while(t, func() {
		time.Sleep(time.Second)
		n.blocks(10, 20, n.interval)
		if then != nil {
			then()
		}
	})
}

// roundsOf returns what was stored of a session.
func (n *network) roundsOf(t *testing.T, start int64) []*types.QoSRound {
	t.Helper()
	rounds, err := n.store.Rounds(context.Background(), idOf(start))
	if err != nil || len(rounds) != n.policy.Checks {
		t.Fatalf("%d rounds, %v", len(rounds), err)
	}
	return rounds
}

// nulls counts the samples of each servicer that speak against it.
func nulls(rounds []*types.QoSRound) map[string]int {
	counts := make(map[string]int)
	for _, round := range rounds {
		for _, sample := range round.GetSamples() {
			if blame := sample.GetBlame(); blame == types.Blame_BLAME_BACKEND || blame == types.Blame_BLAME_SERVICER {
				counts[sample.GetServicer()]++
			}
		}
	}
	return counts
}

// nobodyIsBlamed checks that no sample speaks against anybody, and nobody lags.
func nobodyIsBlamed(t *testing.T, rounds []*types.QoSRound) {
	t.Helper()
	for _, round := range rounds {
		for _, sample := range round.GetSamples() {
			if blame := sample.GetBlame(); blame == types.Blame_BLAME_BACKEND || blame == types.Blame_BLAME_SERVICER ||
				sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE || sample.GetLag() > 5 {
				t.Errorf("check %d, %s: %v", round.GetIndex(), round.GetQuestion(), sample)
			}
		}
	}
}

// kindsAsked are the kinds of checks, and how many of each there are.
func kindsAsked(rounds []*types.QoSRound) map[types.RoundKind]int {
	kinds := make(map[types.RoundKind]int)
	for _, round := range rounds {
		kinds[round.GetKind()]++
	}
	return kinds
}

func (n *network) fitnessIs(t *testing.T, want types.ControlFitness) {
	t.Helper()
	states := n.running.Controls()
	if len(states) != 1 || states[0].RelayChain != chain || states[0].Fitness != want || (states[0].Why == "") != (want == types.ControlFitness_CONTROL_FITNESS_FIT) {
		t.Errorf("after %v: %+v", time.Now(), states)
	}
}

const (
	fitnessFit      = types.ControlFitness_CONTROL_FITNESS_FIT
	fitnessUnproven = types.ControlFitness_CONTROL_FITNESS_UNPROVEN
	fitnessBehind   = types.ControlFitness_CONTROL_FITNESS_BEHIND
	fitnessForeign  = types.ControlFitness_CONTROL_FITNESS_FOREIGN
)

// three are servicers with nodes of their own alike.
func three(n node) memory.Servicers {
	return memory.Servicers{"a": n.servicer(), "b": n.servicer(), "c": n.servicer()}
}

// A control probe that follows the chain is unproven until the first checks, which ask for heights; then it is fit.
func TestControlIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 4), 128}
		n := foreignChain(three(live), live.probe)
		n.while(t, func() {
			time.Sleep(time.Second)
			n.fitnessIs(t, fitnessUnproven)
			n.blocks(10, 20, n.interval)
			n.fitnessIs(t, fitnessFit)
			if state := n.running.Controls()[0]; state.Head < 1100 {
				t.Errorf("%+v", state)
			}
		})
		rounds := n.roundsOf(t, 10)
		nobodyIsBlamed(t, rounds)
		if statuses(rounds) != "dddddddddd" || rounds[0].GetKind() != types.RoundKind_ROUND_KIND_HEAD {
			t.Errorf("%s, %v", statuses(rounds), kindsAsked(rounds))
		}
	})
}

// A control probe whose head stands still convicts nobody (agave 5071): from its first comparison on, questions are drawn
// below the servicers' height, so that honest ones answer them.
func TestStuckControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 4), 128}
		stuck := node{"one", still(800), 0}
		n := foreignChain(three(live), stuck.probe)
		n.session(t, func() { n.fitnessIs(t, fitnessBehind) })
		rounds := n.roundsOf(t, 10)
		nobodyIsBlamed(t, rounds)
		if statuses(rounds) != "dddddddddd" || rounds[0].GetKind() != types.RoundKind_ROUND_KIND_HEAD {
			t.Errorf("%s, %v", statuses(rounds), kindsAsked(rounds))
		}
	})
}

// The same, where nodes forget so quickly that the servicers' height of the last comparison is too old: void, and why.
func TestStuckControlAndForgetfulNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 40), 128}
		stuck := node{"one", still(800), 0}
		n := foreignChain(three(live), stuck.probe)
		n.session(t, nil)
		rounds := n.roundsOf(t, 10)
		nobodyIsBlamed(t, rounds)
		for _, round := range rounds {
			if round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID && round.GetCause() != types.Cause_CAUSE_CONTROL_UNFIT && round.GetCause() != types.Cause_CAUSE_NO_DATA {
				t.Errorf("%v: %s", round.GetCause(), round.GetReason())
			}
		}
	})
}

// A control probe that stops later on is found out by its own head, before questions drawn by it get too old, and is heard
// again when it moves.
func TestControlStopsAndMovesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 4), 128}
		control := node{"one", stoppingAt(live.head, 40*time.Second, 100*time.Second), 0}
		n := foreignChain(three(live), control.probe)
		n.while(t, func() {
			time.Sleep(time.Second)
			n.blocks(10, 22, n.interval) // to 40 s
			n.fitnessIs(t, fitnessFit)
			n.blocks(23, 25, n.interval) // to 49 s
			n.fitnessIs(t, fitnessBehind)
			n.blocks(26, 60, n.interval)
			n.fitnessIs(t, fitnessFit)
		})
		for _, start := range []int64{10, 20, 30, 40} {
			rounds := n.roundsOf(t, start)
			nobodyIsBlamed(t, rounds)
			if statuses(rounds) != "dddddddddd" {
				t.Errorf("from %d: %s", start, statuses(rounds))
			}
		}
	})
}

// A chain that itself stands still blames nobody and keeps its control probe: the servicers stand where it does.
func TestChainStandsStillEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := node{"one", still(1000), 128}
		n := foreignChain(three(dead), dead.probe)
		n.session(t, func() { n.fitnessIs(t, fitnessFit) })
		rounds := n.roundsOf(t, 10)
		nobodyIsBlamed(t, rounds)
		if statuses(rounds) != "dddddddddd" {
			t.Errorf("%s", statuses(rounds))
		}
	})
}

// Looks that take long say what the head was, and are no delay of the chain.
func TestSlowLooks(t *testing.T) {
	for name, test := range map[string]struct{ before, after time.Duration }{
		"to be asked":  {4 * time.Second, 0},
		"to answer":    {0, 4 * time.Second},
		"both of them": {2 * time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				live := node{"one", growing(1000, 4), 128}
				n := foreignChain(three(live), func(ctx context.Context, payload types.Payload) (Answer, error) {
					time.Sleep(test.before)
					answer, err := live.probe(ctx, payload)
					time.Sleep(test.after)
					return answer, err
				})
				n.while(t, func() {
					time.Sleep(10 * time.Second)
					for height := int64(10); height < 30; height++ {
						n.blocks(height, height, n.interval)
						if height > 11 {
							n.fitnessIs(t, fitnessFit)
						}
					}
				})
				nobodyIsBlamed(t, n.roundsOf(t, 10))
			})
		})
	}
}

// A control probe on another chain is found out by its data, whatever its heights are; nobody is convicted by it, neither
// before nor after (ethereum-lists 8635).
func TestForeignControl(t *testing.T) {
	for name, other := range map[string]struct {
		from      int64
		perSecond float64
		fitness   types.ControlFitness
	}{
		"of the same height": {1000, 4, fitnessForeign},
		"far ahead":          {1_000_000, 4, fitnessForeign},
		"ahead and quicker":  {1_000_000, 20, 0}, // may not be known yet
		"a little ahead":     {1020, 4, fitnessForeign},
		"far behind":         {100, 4, fitnessBehind}, // it has none of the blocks that servicers are asked about
	} {
		for _, catalogue := range []question.Catalogue{question.EVM(2), question.EVMValues(2)} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					live := node{"one", growing(1000, 4), 0}
					control := node{"two", growing(other.from, other.perSecond), 0}
					n := foreignChain(three(live), control.probe)
					n.catalogues[chain] = catalogue
					n.session(t, func() {
						if state := n.running.Controls()[0]; state.Fitness == fitnessFit || other.fitness != 0 && state.Fitness != other.fitness {
							t.Errorf("%+v", state)
						}
					})
					rounds := n.roundsOf(t, 10)
					nobodyIsBlamed(t, rounds)
					if done := statuses(rounds); done != "dddddddddd" && other.perSecond == 4 {
						t.Errorf("%s: %s", done, rounds[2].GetReason())
					}
				})
			})
		}
	}
}

// A control probe that is ahead of servicers whose data is its own is heard: they are behind, be it all of them.
func TestControlIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := node{"one", growing(1000, 4), 0}
		control := node{"one", growing(1200, 4), 0}
		n := foreignChain(three(behind), control.probe)
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 30, n.interval); n.fitnessIs(t, fitnessFit) })
		nobodyIsBlamed(t, n.roundsOf(t, 10)[:2])
		if counts := nulls(n.roundsOf(t, 20)); counts["a"] == 0 || counts["b"] == 0 {
			t.Errorf("servicers that are 200 blocks behind the control probe: %v", counts)
		}
	})
}

// What makes the probe foreign is data that differs, and makes it known, data that does not: but neither zero nor code that
// many chains have, nor what nodes agree on that have forgotten.
func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const zero = `"result":"0x0"`
		live := node{"one", growing(1000, 4), 0}
		servicers := memory.Servicers{"a": saying(zero), "b": saying(zero), "c": saying(zero)}
		n := foreignChain(servicers, node{"two", live.head, 0}.probe)
		n.session(t, nil)
		if state := n.running.Controls()[0]; state.Fitness == fitnessForeign {
			t.Errorf("%+v", state)
		}
	})
}

// The probe is asked about data once a minute, and no check waits for its answer: neither for its release, nor to be stored,
// nor for room among the requests under way.
func TestWitnessDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 4), 0}
		var mu sync.Mutex
		var asked []time.Time
		n := foreignChain(three(live), nil)
		n.probe = func(ctx context.Context, payload types.Payload) (Answer, error) {
			answer, err := live.probe(ctx, payload)
			if !quantities.Match(payload.JSONRPC) {
				return answer, err // a look
			}
			mu.Lock()
			asked = append(asked, time.Now())
			mu.Unlock()
			<-ctx.Done()
			return Answer{}, ctx.Err()
		}
		n.mostRequests, n.policy.Timeout = 3, time.Hour
		n.while(t, func() {
			time.Sleep(time.Second)
			n.blocks(10, 19, n.interval)
			n.head(20)
			time.Sleep(time.Millisecond)
			if rounds, _ := n.store.Rounds(t.Context(), idOf(10)); statuses(rounds) != "dddddddddd" {
				t.Errorf("%s", statuses(rounds))
			}
			time.Sleep(n.interval)
			n.blocks(21, 50, n.interval)
		})
		for _, round := range n.roundsOf(t, 20) {
			if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || round.GetReleasedUnixNano() != round.GetPlannedUnixNano() {
				t.Errorf("%v", round)
			}
		}
		if len(asked) < 2 || len(asked) > 3 { // in two minutes
			t.Errorf("asked at %v", asked)
		}
		for i := range len(asked) - 1 {
			if between := asked[i+1].Sub(asked[i]); between < witnessEvery {
				t.Errorf("asked again after %v", between)
			}
		}
	})
}

// What servicers that are no majority of the origins say of heights and data makes no control probe unfit, moves no
// question, and gets them no voids (ADR 0032).
func TestMinorityKeepsNoControlFromBeingHeard(t *testing.T) {
	live := func() node { return node{"one", growing(1000, 4), 128} }
	for name, liar := range map[string]func() memory.Fault{
		"too high":              func() memory.Fault { return node{"two", growing(1<<40, 4), 0}.servicer() },
		"a little too high":     func() memory.Fault { return node{"two", growing(1050, 4), 0}.servicer() },
		"too low":               func() memory.Fault { return node{"two", still(3), 0}.servicer() },
		"null":                  func() memory.Fault { return saying(`"result":null`) },
		"an error":              func() memory.Fault { return saying(`"error":{"code":-32000,"message":"missing trie node"}`) },
		"an empty list":         func() memory.Fault { return saying(`"result":[]`) },
		"a failure":             func() memory.Fault { return memory.Refusing(memory.NodeDown) },
		"busy":                  func() memory.Fault { return memory.Refusing(memory.Busy) },
		"silent":                func() memory.Fault { return memory.Silent() },
		"a dispute":             func() memory.Fault { return memory.Refusing(memory.Disputed) },
		"heads, but never data": func() memory.Fault { return headsOnly(live()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				honest := live()
				servicers := three(honest)
				servicers["x"], servicers["y"] = liar(), liar()
				n := foreignChain(servicers, honest.probe)
				n.session(t, func() { n.fitnessIs(t, fitnessFit) })
				rounds := n.roundsOf(t, 10)
				if statuses(rounds) != "dddddddddd" {
					t.Errorf("%s", statuses(rounds))
				}
				counts := nulls(rounds)
				if counts["a"]+counts["b"]+counts["c"] > 0 {
					t.Errorf("honest servicers are blamed: %v", counts)
				}
				for _, round := range rounds {
					for _, sample := range round.GetSamples() {
						honest := sample.GetServicer() < "x"
						good := sample.GetOutcome() == types.Outcome_OUTCOME_OK && sample.GetConsistency() != types.Consistency_CONSISTENCY_DISAGREE
						if honest && !good || !honest && (sample.GetOutcome() == types.Outcome_OUTCOME_VOID || good && round.GetKind() == types.RoundKind_ROUND_KIND_SETTLED) {
							t.Errorf("check %d, %s: %v", round.GetIndex(), round.GetQuestion(), sample)
						}
					}
				}
			})
		})
	}
}

// headsOnly is a servicer that claims the newest height and has nothing else.
func headsOnly(n node) memory.Fault {
	return func(servicer string, asked *memory.Question) []byte {
		if quantities.Match(asked.Payload.JSONRPC) {
			return saying(`"result":null`)(servicer, asked)
		}
		return n.servicer()(servicer, asked)
	}
}

// Servicers that claim no heights, so that the control probe cannot be compared with them, do not keep it from being heard
// for ever: it is enough then that it moves. It is not where it stands still.
func TestTooFewHeadsToProveTheControl(t *testing.T) {
	live := func() node { return node{"one", growing(1000, 4), 0} }
	const broken = `"error":{"code":-32000,"message":"missing trie node"}`
	for name, test := range map[string]struct {
		servicers func() memory.Servicers
		control   func() node
		fitness   types.ControlFitness
		blamed    []string
	}{
		"one servicer alone, whose node is broken": {
			func() memory.Servicers { return memory.Servicers{"a": saying(broken)} }, live, fitnessFit, []string{"a"}},
		"all of their nodes are broken": {
			func() memory.Servicers {
				return memory.Servicers{"a": saying(broken), "b": saying(`"result":null`)}
			}, live, fitnessFit, []string{"a", "b"}},
		"one of two": {
			func() memory.Servicers { return memory.Servicers{"a": live().servicer(), "b": saying(broken)} }, live, fitnessFit, []string{"b"}},
		"nobody is blamed by a probe that stands still": {
			func() memory.Servicers { return memory.Servicers{"a": saying(broken)} },
			func() node { return node{"one", still(1000), 0} }, fitnessUnproven, nil},
		"who is honest alone is not blamed": {
			func() memory.Servicers { return memory.Servicers{"a": live().servicer()} }, live, fitnessFit, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := foreignChain(test.servicers(), test.control().probe)
				n.session(t, func() { n.fitnessIs(t, test.fitness) })
				counts := nulls(n.roundsOf(t, 10))
				if len(counts) != len(test.blamed) {
					t.Errorf("blamed %v", counts)
				}
				for _, servicer := range test.blamed {
					if counts[servicer] < 8 {
						t.Errorf("%s has %d nulls of 10", servicer, counts[servicer])
					}
				}
			})
		})
	}
}

// A servicer in front of a node that no longer follows the chain is found within one session, by its lag; so is one that
// claims the newest height and lacks the blocks, by questions near the tip or about what it has not got.
func TestStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(100_000, 1), 0}
		servicers := three(live)
		servicers["still"] = node{"one", still(99_940), 0}.servicer()
		servicers["boasting"] = func(servicer string, asked *memory.Question) []byte {
			if quantities.Match(asked.Payload.JSONRPC) {
				return node{"one", still(99_940), 0}.servicer()(servicer, asked)
			}
			return live.servicer()(servicer, asked)
		}
		n := foreignChain(servicers, live.probe)
		n.policy.Checks = 24
		n.session(t, nil)
		rounds := n.roundsOf(t, 10)
		lagging, times := make(map[string]int), 0
		for _, round := range rounds {
			for _, sample := range round.GetSamples() {
				if sample.GetLag() > 5 {
					lagging[sample.GetServicer()]++
				}
				if sample.GetServicer() == "still" && round.GetKind() == types.RoundKind_ROUND_KIND_HEAD && sample.LagTime != nil {
					times++
					if lag := sample.GetLag(); lag < 60 || lag > 100 || sample.GetLagTime().AsDuration().Round(time.Second) != time.Duration(lag)*time.Second {
						t.Errorf("%d blocks, %v", lag, sample.GetLagTime().AsDuration())
					}
				}
			}
		}
		kinds := kindsAsked(rounds)
		if tips := kinds[types.RoundKind_ROUND_KIND_TIP]; tips == 0 || lagging["boasting"] != tips || lagging["still"] != tips+kinds[types.RoundKind_ROUND_KIND_HEAD] {
			t.Errorf("%v of %v", lagging, kinds)
		}
		if len(lagging) != 2 || times < 4 {
			t.Errorf("%v, %d times", lagging, times)
		}
	})
}

// A control probe that is gone costs checks and is heard no more; it speaks against nobody.
func TestControlGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := node{"one", growing(1000, 4), 128}
		started := time.Now()
		n := foreignChain(three(live), nil)
		n.probe = func(ctx context.Context, payload types.Payload) (Answer, error) {
			if time.Since(started) > 15*time.Second {
				return Answer{}, errors.New("refused")
			}
			return live.probe(ctx, payload)
		}
		n.while(t, func() { time.Sleep(time.Second); n.blocks(10, 30, n.interval) })
		for _, start := range []int64{10, 20} {
			nobodyIsBlamed(t, n.roundsOf(t, start))
		}
		if got := statuses(n.roundsOf(t, 20)); got[5:] != "xxxxx" {
			t.Errorf("%s", got)
		}
	})
}

package fisherman

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// hostileVariable makes the long tests of `make test_hostile` run.
const hostileVariable = "POCKET_TEST_HOSTILE"

// aloneVariable makes a test that measures its process the only one in it.
const aloneVariable = "POCKET_TEST_ALONE"

// alone runs the test in a process of its own, unless this is that process, and reports whether it did.
func alone(t *testing.T) bool {
	if os.Getenv(aloneVariable) != "" {
		return false
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inside := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	inside.Env = append(os.Environ(), aloneVariable+"=1")
	output, err := inside.CombinedOutput()
	t.Logf("%s", output)
	if err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Error("the test in a process of its own: ", err)
	}
	return true
}

// residentKiB returns the value of a line of this process's status, in KiB.
func residentKiB(t *testing.T, line string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// Twelve servicers answer each check, about settled blocks, blocks near the tip, and heights, with a mebibyte of what is dear
// to compare; twelve are honest, and there is a check a second. The honest ones answer all checks in time, and the
// fisherman's memory stays flat.
func TestDearAnswers(t *testing.T) {
	besideDear(t, farCommand{}, 1, types.Outcome_OUTCOME_TOO_LARGE)
}

// The same, with four checks a second, and the last byte of each dear answer kept back, so that twenty checks hold twelve
// mebibytes each until they time out, or would.
func TestHangingAnswers(t *testing.T) {
	besideDear(t, farCommand{Hang: true}, 4, types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_VOID)
}

// besideDear samples twelve dear servicers and twelve honest ones, each times a second; samples of the former have the
// outcomes wanted. Such tests mostly wait, so they run beside each other.
func besideDear(t *testing.T, command farCommand, each int, wanted ...types.Outcome) {
	if os.Getenv(hostileVariable) == "" {
		t.Skip("runs for 40 s and measures its process: make test_hostile")
	}
	t.Parallel()
	if alone(t) {
		return
	}
	const servicers, dear, seconds, most = 24, 12, 36, 300 << 10
	command.Start, command.Dear = servicers, dear
	far := startFar(t, command)
	n := newNetwork()
	n.ask, n.dial = seal, (&wire.Dialer{AllowPrivate: true}).Dial
	n.policy.Checks, n.policy.SamplesRequired = each*sessionBlocks, uint32(each*sessionBlocks/2)
	n.policy.MaxStall, n.policy.Timeout, n.policy.LatencySLA = 0, 5*time.Second, 3*time.Second // the far side has to make its answers on this machine too
	if command.Hang {
		n.policy.MaxStall = time.Second // what the machine does meanwhile is not looked at
	}
	n.members = func(int64) []*types.Actor { return far.actors }
	var early int
	n.while(t, func() {
		n.blocks(20, 20+seconds/3, time.Second)
		early = residentKiB(t, "VmRSS")
		n.blocks(21+seconds/3, 20+seconds, time.Second)
	})
	honest := make(map[string]bool)
	for _, actor := range far.actors[dear:] {
		honest[actor.GetAddress()] = true
	}
	checks, void := 0, 0
	outcomes, kinds := make(map[types.Outcome]int), make(map[types.RoundKind]int)
	for start := int64(20); start < 20+seconds; start += sessionBlocks {
		rounds, err := n.store.Rounds(t.Context(), idOf(start))
		if err != nil {
			t.Fatal(err)
		}
		for _, round := range rounds {
			if round.GetCause() == types.Cause_CAUSE_STOPPED {
				continue
			}
			checks++
			kinds[round.GetKind()]++
			if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
				void++
				t.Logf("check %d is %v: %s", round.GetIndex(), round.GetStatus(), round.GetReason())
				continue
			}
			if round.GetKind() == types.RoundKind_ROUND_KIND_HEAD && round.ReferenceHeight == nil && !command.Hang { // half of the session cut off leaves no majority
				t.Errorf("check %d has no reference", round.GetIndex())
			}
			for _, sample := range round.GetSamples() {
				if !honest[sample.GetServicer()] {
					outcomes[sample.GetOutcome()]++
				} else if sample.GetOutcome() != types.Outcome_OUTCOME_OK || sample.GetOverSla() || sample.GetLag() > 0 || sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE {
					t.Errorf("check %d: an honest servicer is %v, %v, over SLA %t: %s", round.GetIndex(), sample.GetOutcome(), sample.GetConsistency(), sample.GetOverSla(), sample.GetDetail())
				}
			}
		}
	}
	peak, end := residentKiB(t, "VmHWM"), residentKiB(t, "VmRSS")
	t.Logf("%d checks, %d void; %d MiB resident after a third, %d at the end, at most %d; of kinds %v, hostile samples %v", checks, void, early>>10, end>>10, peak>>10, kinds, outcomes)
	if len(kinds) < 3 {
		t.Errorf("kinds of checks: %v", kinds)
	}
	if checks < each*(seconds-2) || void > max(1, checks/50) {
		t.Errorf("%d checks of %d seconds, %d of them void", checks, seconds, void)
	}
	if peak > most {
		t.Errorf("%d KiB resident, more than %d", peak, most)
	}
	for _, outcome := range wanted {
		if outcomes[outcome] == 0 {
			t.Errorf("hostile samples %v, none of them %v", outcomes, outcome)
		}
	}
}

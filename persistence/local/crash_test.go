package local

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writerDirectory is the variable that makes the test binary a writer into a directory.
const writerDirectory = "POCKET_TEST_SAMPLE_WRITER"

const writerEvidence = 30_000

// runWriter stores a session and rounds in it until it is killed. It prints a line before it opens the store, and one for
// each acknowledged round.
func runWriter(dir string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	fmt.Println("starting")
	s, err := Open(dir, DefaultOptions())
	if err != nil {
		return fail(err)
	}
	sessions, err := s.Sessions(ctx)
	if err != nil {
		return fail(err)
	}
	n := len(sessions)
	if err := s.PutSession(ctx, sessionOf(n)); err != nil {
		return fail(err)
	}
	for index := uint32(0); ; index++ {
		if err := s.PutRound(ctx, roundOf(n, index, writerEvidence)); err != nil {
			return fail(err)
		}
		fmt.Println(n, index)
	}
}

// killWriter starts a writer, kills it with SIGKILL after some lines, and returns how many rounds of which session it
// had acknowledged.
func killWriter(t *testing.T, dir string, lines int) (session, acknowledged int) {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	writer := exec.CommandContext(t.Context(), program)
	writer.Env = append(os.Environ(), writerDirectory+"="+dir)
	writer.Stderr = os.Stderr
	output, err := writer.StdoutPipe()
	must(t, err)
	must(t, writer.Start())
	scanner := bufio.NewScanner(output)
	for line := 0; scanner.Scan(); line++ {
		if line == lines {
			must(t, writer.Process.Kill())
		}
		if line == 0 {
			continue
		}
		var index int
		_, err := fmt.Sscan(scanner.Text(), &session, &index)
		must(t, err)
		if index != acknowledged {
			t.Fatalf("round %d was acknowledged after %d others", index, acknowledged)
		}
		acknowledged++
	}
	must(t, scanner.Err())
	// Killed, which is no success.
	if err := writer.Wait(); err == nil || writer.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", writer.ProcessState)
	}
	return session, acknowledged
}

// A fisherman that is killed at any moment keeps every acknowledged round, once and intact, and can go on.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	random := rand.New(rand.NewPCG(9, 9))
	acknowledged := map[int]int{} // session → rounds
	for _, lines := range []int{0, 1, random.IntN(8), random.IntN(40), 0, random.IntN(40), random.IntN(120), random.IntN(120)} {
		session, rounds := killWriter(t, dir, lines)
		if rounds > 0 {
			acknowledged[session] = rounds
		}
		s, err := Open(dir, DefaultOptions())
		must(t, err)
		sessions, err := s.Sessions(t.Context())
		must(t, err)
		for n := range sessions {
			stored, err := s.Rounds(t.Context(), idOf(n))
			must(t, err)
			// One more may have been stored without being acknowledged.
			if got := len(stored); got != acknowledged[n] && got != acknowledged[n]+1 {
				t.Fatalf("session %d: %d rounds are stored, %d were acknowledged", n, got, acknowledged[n])
			}
			wantRounds(t, s, n, writerEvidence, upTo(len(stored))...)
			acknowledged[n] = len(stored)
		}
		if len(acknowledged) != len(sessions) {
			t.Fatalf("%d sessions are stored, %d have acknowledged rounds", len(sessions), len(acknowledged))
		}
		must(t, s.Close())
	}
	if len(acknowledged) < 5 {
		t.Errorf("the writers got to store only %v", acknowledged)
	}
	t.Log(acknowledged)
}

// A kill leaves what was written in the system's cache. A power failure loses everything that was not synced.
func TestPowerFailure(t *testing.T) {
	ctx, random := t.Context(), rand.New(rand.NewPCG(4, 4))
	for _, percent := range []int{0, 30, 70} {
		files := vfs.NewCrashableMem()
		s := openIn(t, "store", smallTables(), files)
		must(t, s.PutSession(ctx, sessionOf(1)))
		for index := range 24 {
			must(t, s.PutRound(ctx, roundOf(1, uint32(index), largeEvidence)))
			if index%4 > 0 {
				continue
			}
			crashed := files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: random})
			after, err := open("store", smallTables(), crashed)
			must(t, err)
			wantRounds(t, after, 1, largeEvidence, upTo(index+1)...)
			must(t, after.Close())
		}
	}
}

package fisherman

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// samplerVariable makes the test binary a fisherman; it holds a sampler in JSON. killsVariable says how often one is
// killed, 10 times by default.
const (
	samplerVariable = "POCKET_TEST_SAMPLER"
	killsVariable   = "POCKET_TEST_KILLS"
)

// A session of the killed fisherman: 60 checks in 40 blocks of 50 ms each.
const (
	killedBlocks   = 40
	killedChecks   = 60
	killedInterval = 50 * time.Millisecond
	// busyKills bounds the kills on a busy machine, in multiples of those asked for.
	busyKills = 20
)

// sampler is a fisherman in a process of its own. The height of its chain follows from the clock, so that the chain goes
// on while the fisherman is dead.
type sampler struct {
	// Directory of its store.
	Directory string
	// Epoch is when the chain had height 0, in Unix nanoseconds.
	Epoch    int64
	Services []*types.Actor
}

// runSampler samples until it is killed.
func runSampler(told string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var s sampler
	if err := json.Unmarshal([]byte(told), &s); err != nil {
		return fail(err)
	}
	store, err := local.OpenSamples(s.Directory, local.DefaultOptions())
	if err != nil {
		return fail(err)
	}
	made, err := New(Config{
		Secret:        [32]byte{7},
		Chains:        map[string]Chain{chain: {Catalogue: own(question.CometBFT())}},
		BlockInterval: killedInterval,
	}, s, (&wire.Dialer{AllowPrivate: true}).Dial, telling{store})
	if err != nil {
		return fail(err)
	}
	fmt.Println("up")
	return fail(made.Run(context.Background()))
}

// Subscribe implements Heads.
func (s sampler) Subscribe() (<-chan types.Head, func()) {
	heads := make(chan types.Head, 1)
	ticker := time.NewTicker(killedInterval)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				heads <- types.Head{Height: (now.UnixNano() - s.Epoch) / int64(killedInterval)}
			case <-ctx.Done():
				return
			}
		}
	}()
	return heads, cancel
}

// Sessions implements Sessions.
func (s sampler) Sessions(_ context.Context, height int64) ([]*types.Session, error) {
	return []*types.Session{sessionOf(height-height%killedBlocks, killedBlocks, height, s.Services...)}, nil
}

// Ask implements Network.
func (s sampler) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error) {
	return seal(session, servicer, payload)
}

// Policy implements Sessions.
func (s sampler) Policy(context.Context, *types.Session) (Policy, error) {
	policy := testPolicy()
	policy.Checks, policy.SessionsRetained = killedChecks, 1000
	return policy, nil
}

// telling is a store that tells of each round before it is stored and after it was acknowledged, and of closed sessions.
type telling struct{ *local.Samples }

// PutAll implements Store.
func (s telling) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	for _, round := range rounds {
		tell("put %s %d", round.GetSessionId(), round.GetIndex())
	}
	errs := s.Samples.PutAll(ctx, sessions, rounds)
	for i, round := range rounds {
		switch err := errs[len(sessions)+i]; {
		case err != nil:
			tell("failed: %v", err)
		case !s.Health().Durable:
			tell("failed: %s", s.Health().Reason)
		default:
			tell("acknowledged %s %d %s", round.GetSessionId(), round.GetIndex(), fingerprint(round))
		}
	}
	for i, session := range sessions {
		if errs[i] == nil && session.GetClosed() {
			tell("closed %s", session.GetHeader().GetId())
		}
	}
	return errs
}

// tell writes one line at once, so that a kill leaves whole lines.
func tell(format string, args ...any) {
	_, _ = os.Stdout.WriteString(fmt.Sprintf(format, args...) + "\n")
}

func fingerprint(round *types.QoSRound) string {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(round)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// check names a check of a session.
type check struct {
	session string
	index   uint32
}

// ledger is what is known of rounds over all lives of the fisherman.
type ledger struct {
	t         *testing.T
	directory string
	services  int
	// acknowledged rounds and their fingerprints; stored are those that were found in the store.
	acknowledged map[check]string
	stored       map[check]bool
	// begun are the rounds of the present life that were put, and lives counts the lives that a session was sampled in.
	begun map[check]bool
	lives map[string]int
	done  int
}

// line takes one line of the fisherman's; it returns the session that the line says is closed.
func (l *ledger) line(text string) (closed string) {
	l.t.Helper()
	var id, print string
	var index uint32
	switch {
	case text == "up":
	case scan(text, "put %s %d", &id, &index):
		one := check{id, index}
		if l.stored[one] || l.begun[one] {
			l.t.Fatalf("check %d of session %s was asked again", index, id)
		}
		l.begun[one] = true
	case scan(text, "acknowledged %s %d %s", &id, &index, &print):
		l.acknowledged[check{id, index}] = print
	case scan(text, "closed %s", &id):
		return id
	default:
		l.t.Fatalf("the fisherman says %q", text)
	}
	return ""
}

func scan(text, format string, into ...any) bool {
	found, err := fmt.Sscanf(text, format, into...)
	return err == nil && found == len(into)
}

// live starts the fisherman and kills it at a random moment, or, as its last life, once a session has ended that it was
// seen to sample.
func (l *ledger) live(told sampler, random *rand.Rand, last bool) {
	l.t.Helper()
	l.begun = make(map[check]bool)
	content, err := json.Marshal(told)
	l.must(err)
	program, err := os.Executable()
	l.must(err)
	process := exec.CommandContext(l.t.Context(), program)
	process.Env = append(os.Environ(), samplerVariable+"="+string(content))
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	l.must(err)
	l.must(process.Start())
	lines := bufio.NewScanner(output)
	kill := func() { _ = process.Process.Kill() }
	for lines.Scan() {
		if closed := l.line(lines.Text()); last && l.sampled(closed) {
			kill()
		}
		if lines.Text() == "up" && !last {
			defer time.AfterFunc(time.Duration(random.Int64N(int64(4*killedInterval))), kill).Stop()
		}
	}
	l.must(lines.Err())
	if err := process.Wait(); err == nil || process.ProcessState.ExitCode() != -1 {
		l.t.Fatalf("the fisherman ended by itself: %v", process.ProcessState)
	}
}

// sampled tells whether the present life put a round of a session.
func (l *ledger) sampled(id string) bool {
	for one := range l.begun {
		if one.session == id {
			return true
		}
	}
	return false
}

// inspect opens the store that the fisherman left behind, and compares the sessions of its last life.
func (l *ledger) inspect() {
	l.t.Helper()
	store, err := local.Open(l.directory, local.DefaultOptions())
	l.must(err)
	defer func() { l.must(store.Close()) }()
	seen := make(map[string]bool)
	for one := range l.begun {
		if !seen[one.session] {
			seen[one.session] = true
			l.lives[one.session]++
			l.compare(store, one.session)
		}
	}
}

// compare checks the stored rounds of a session: every acknowledged one is there, once and as it was, and whole are those
// whose acknowledgement was cut off.
func (l *ledger) compare(store *local.Store, id string) {
	l.t.Helper()
	rounds, err := store.Rounds(l.t.Context(), id)
	l.must(err)
	found := make(map[uint32]bool)
	for _, round := range rounds {
		one := check{id, round.GetIndex()}
		want, acknowledged := l.acknowledged[one]
		switch {
		case found[one.index]:
			l.t.Fatalf("round %v is stored twice", one)
		case acknowledged && fingerprint(round) != want:
			l.t.Fatalf("round %v is not what was acknowledged", one)
		case !acknowledged && !l.begun[one] && !l.stored[one]:
			l.t.Fatalf("round %v was never put", one)
		case round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE && len(round.GetSamples()) != l.services:
			l.t.Fatalf("round %v has %d samples", one, len(round.GetSamples()))
		}
		if found[one.index] = true; !l.stored[one] && round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE {
			l.done++
		}
		l.stored[one] = true
	}
	for one := range l.acknowledged {
		if one.session == id && !found[one.index] {
			l.t.Fatalf("round %v was acknowledged and is lost", one)
		}
	}
}

// whole checks that the session that the last life ended with has a round for each check.
func (l *ledger) whole() {
	l.t.Helper()
	rounds := make(map[string]int)
	for one := range l.stored {
		rounds[one.session]++
	}
	for one := range l.begun {
		if rounds[one.session] == killedChecks {
			return
		}
	}
	l.t.Errorf("no session of the last life has all of its %d checks: %v", killedChecks, rounds)
}

func (l *ledger) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// A fisherman that is killed at any moment keeps every acknowledged round, once and as it was; when it is started again
// it makes the checks that remain, and none that is finished.
func TestKilledFisherman(t *testing.T) {
	kills := 10
	if told := os.Getenv(killsVariable); told != "" {
		var err error
		if kills, err = strconv.Atoi(told); err != nil || kills < 1 {
			t.Fatalf("%s is %q, not a number of kills", killsVariable, told)
		}
	}
	servicers := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Down())}
	told := sampler{
		Directory: filepath.Join(t.TempDir(), "samples"),
		Epoch:     time.Now().Add(-killedBlocks * killedInterval).UnixNano(),
		Services:  actorsOf(servicers...),
	}
	l := &ledger{t: t, directory: told.Directory, services: len(servicers), acknowledged: make(map[check]string),
		stored: make(map[check]bool), lives: make(map[string]int)}
	random := rand.New(rand.NewPCG(9, uint64(kills)))
	// On a busy machine a start takes so long that lives share no session, and few checks are done: then there are more lives.
	killed := 0
	for ; killed < kills || killed < busyKills*kills && !l.enough(kills); killed++ {
		l.live(told, random, false)
		l.inspect()
	}
	l.live(told, random, true)
	l.inspect()
	l.whole()
	t.Logf("%d kills: %d rounds acknowledged, %d stored, %d of them done; %d sessions, resumed %d times", killed, len(l.acknowledged),
		len(l.stored), l.done, len(l.lives), l.resumed())
	if !l.enough(kills) {
		t.Error("too little was sampled to tell")
	}
}

// resumed returns how often a session was sampled in a further life.
func (l *ledger) resumed() (times int) {
	for _, lives := range l.lives {
		times += lives - 1
	}
	return times
}

// enough reports whether sessions were resumed and checks done often enough for a number of kills.
func (l *ledger) enough(kills int) bool { return l.resumed() >= kills/4 && l.done >= kills }

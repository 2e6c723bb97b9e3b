package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

func contains(line, want string) bool { return strings.Contains(line, want) }

func namesOf(vantage string, session string, from, to uint32) (names []string) {
	for index := from; index < to; index++ {
		names = append(names, fmt.Sprintf("%s %s/%d", vantage, session, index))
	}
	return names
}

func (s *speaker) rounds(id string, from, to uint32) (messages []Message) {
	for index := from; index < to; index++ {
		messages = append(messages, s.round(id, index))
	}
	return messages
}

// What is published before, during and after the collector runs is stored once, across restarts of the collector and of the
// server.
func TestAStreamIsFollowed(t *testing.T) {
	one, two := newSpeaker(1), newSpeaker(2)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"), two.fisherman("tokyo"))
	b.publish(one.session("s", false), two.session("s", false))
	b.publish(one.rounds("s", 0, 300)...)
	r := run(t, h, b.connect(""), nil)
	r.expect(namesOf("frankfurt", "s", 0, 300)...)
	b.publish(two.rounds("s", 0, 5)...)
	r.expect(namesOf("tokyo", "s", 0, 5)...)
	r.stop()
	h.restart()
	b.publish(one.rounds("s", 300, 310)...)
	r = run(t, h, b.connect(""), nil)
	r.expect(namesOf("frankfurt", "s", 300, 310)...)
	b.stop()
	b.start()
	b.publish(one.rounds("s", 310, 320)...)
	r.expect(namesOf("frankfurt", "s", 310, 320)...)
	r.stop()
	consumer, err := b.js.Consumer(t.Context(), "qos", "collector")
	if err != nil {
		t.Fatal(err)
	}
	if info := consumer.CachedInfo(); info.NumPending != 0 || info.NumAckPending != 0 {
		t.Errorf("%d pending, %d not acknowledged", info.NumPending, info.NumAckPending)
	}
	for i, want := range []int{320, 5} {
		if state := h.vantages[i].State(); len(h.rounds(i, "s")) != want || state.Gaps+state.Missing != 0 || state.Rejected != [rejections]uint64{} {
			t.Errorf("%d rounds, %+v", len(h.rounds(i, "s")), state)
		}
	}
}

// The process ends after each step of a batch in turn, without a word to the server.
func TestCrashesBetweenStoringAndAcknowledging(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"))
	b.publish(one.session("s", false))
	told := make(map[string]int)
	for at := range steps {
		b.publish(one.rounds("s", 100*uint32(at), 100*uint32(at)+100)...)
		crashed := make(chan struct{}, 1000)
		h.intake.step = func(done step) error {
			if done == at {
				crashed <- struct{}{}
				return errors.New("crash")
			}
			return nil
		}
		r := run(t, h, b.connect(""), func(c *Config) { c.patience = 200 * time.Millisecond })
		<-crashed
		r.stop()
		close(r.heard)
		for each := range r.heard {
			told[each]++
		}
		h.restart()
	}
	r := run(t, h, b.connect(""), nil)
	for len(told) < 100*int(steps) {
		told[<-r.heard]++
	}
	r.stop()
	for each, n := range told {
		if n != 1 {
			t.Errorf("%s was told %d times", each, n)
		}
	}
	if state := h.vantages[0].State(); len(h.rounds(0, "s")) != 100*int(steps) || state.Gaps+state.Missing != 0 || state.Rejected != [rejections]uint64{} {
		t.Errorf("%d rounds, %+v", len(h.rounds(0, "s")), state)
	}
}

func TestNoServerAtTheStart(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	b.publish(one.session("s", false), one.round("s", 0))
	b.stop()
	h := newHome(t, one.fisherman("frankfurt"))
	r := run(t, h, b.connect(""), nil)
	r.logs("problem=" + Unreachable.Label())
	if status := r.Status(); status.Problem != Unreachable || status.Why == "" || status.Pending != nil {
		t.Errorf("%+v", status)
	}
	b.start()
	r.expect("frankfurt s/0")
	r.stop()
	if status := r.Status(); status.Problem != NoProblem || status.Why != "" || status.Lag == nil {
		t.Errorf("%+v", status)
	}
}

func TestCredentialsThatAreRefused(t *testing.T) {
	deny := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.CONSUMER.>"}}}
	b := newServer(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "publisher", Password: "publisher"}, {Username: "weak", Password: "weak", Permissions: deny}}
	})
	one := newSpeaker(1)
	r := run(t, newHome(t, one.fisherman("frankfurt")), b.connect("nobody"), nil)
	r.logs("problem=" + Refused.Label())
	r.stop()
	r = run(t, newHome(t, one.fisherman("frankfurt")), b.connect("weak"), nil)
	r.logs("problem=" + Refused.Label())
}

func TestAStreamThatIsMadeLater(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	if err := b.js.DeleteStream(t.Context(), "qos"); err != nil {
		t.Fatal(err)
	}
	r := run(t, newHome(t, one.fisherman("frankfurt")), b.connect(""), nil)
	r.logs("problem=" + NoStream.Label())
	if _, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "qos", Subjects: []string{protocol.AllSubjects}}); err != nil {
		t.Fatal(err)
	}
	b.publish(one.session("s", false), one.round("s", 0))
	r.expect("frankfurt s/0")
}

// What the stream dropped before it was read is missing, and is counted when it stays so.
func TestAStreamThatWasPurged(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"))
	b.publish(one.session("s", false), one.round("s", 0))
	r := run(t, h, b.connect(""), nil)
	r.expect("frankfurt s/0")
	r.stop()
	b.publish(one.rounds("s", 1, 9)...)
	stream, err := b.js.Stream(t.Context(), "qos")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.publish(one.round("s", 9))
	r = run(t, h, b.connect(""), nil)
	r.expect("frankfurt s/9")
	r.stop()
	if state := h.vantages[0].State(); state.Missing != 8 || state.Gaps != 0 {
		t.Errorf("%+v", state)
	}
	h.take(one.rounds("s", 10, 1200)...)
	if state := h.vantages[0].State(); state.Missing != 0 || state.Gaps != 8 {
		t.Errorf("%+v", state)
	}
}

// A consumer belongs to one data directory: a second collector with it is refused, and takes nothing.
func TestTwoCollectorsOfOnePartition(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	first := run(t, newHome(t, one.fisherman("frankfurt")), b.connect(""), nil)
	first.logs("the feed is read")
	other := newHome(t, one.fisherman("frankfurt"))
	second := run(t, other, b.connect(""), func(c *Config) { c.Identity = "them" })
	second.logs("problem=" + ForeignConsumer.Label())
	b.publish(one.session("s", false))
	b.publish(one.rounds("s", 0, 20)...)
	first.expect(namesOf("frankfurt", "s", 0, 20)...)
	second.stop()
	if state := other.vantages[0].State(); state.Taken != 0 {
		t.Errorf("%+v", state)
	}
}

// Collectors with other relay chains share a stream, and each relay chain is whole in one of them.
func TestPartitions(t *testing.T) {
	eth, sol := newSpeaker(1), newSpeaker(1)
	sol.place.RelayChain = "a group * of > mine."
	b := newServer(t, nil)
	one, two := newHome(t, eth.fisherman("frankfurt")), newHome(t, eth.fisherman("frankfurt"))
	first := run(t, one, b.connect(""), func(c *Config) { c.Partition = Partition{"eth"} })
	second := run(t, two, b.connect(""), func(c *Config) { c.Partition, c.Identity = Partition{sol.place.RelayChain, "bsc"}, "them" })
	b.publish(eth.session("s", false), sol.session("t", false), eth.round("s", 0), sol.round("t", 0), eth.round("s", 1))
	first.expect("frankfurt s/0", "frankfurt s/1")
	second.expect("frankfurt t/0")
	first.stop()
	second.stop()
	if a, b := one.vantages[0].State(), two.vantages[0].State(); a.Taken != 3 || b.Taken != 2 || a.Missing+b.Missing != 0 {
		t.Errorf("%+v\n%+v", a, b)
	}
	if p := (Partition{"b", "a"}); p.Durable() != (Partition{"a", "b", "a"}).Durable() || p.Durable() == (Partition{"a"}).Durable() || (Partition{}).Durable() != "collector" {
		t.Error("the name of a consumer is not that of its partition")
	}
}

func TestAConsumerThatIsRemoved(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"))
	b.publish(one.session("s", false), one.round("s", 0))
	r := run(t, h, b.connect(""), nil)
	r.expect("frankfurt s/0")
	if err := b.js.DeleteConsumer(t.Context(), "qos", "collector"); err != nil {
		t.Fatal(err)
	}
	b.publish(one.round("s", 1))
	r.expect("frankfurt s/1")
	r.stop()
	if state := h.vantages[0].State(); !slices.Equal(h.rounds(0, "s"), []uint32{0, 1}) || state.Rejected != [rejections]uint64{} {
		t.Errorf("%+v", state)
	}
}

// A collector whose disk is slow holds one batch; what it has not taken waits in the stream.
func TestASlowDisk(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"))
	b.publish(one.session("s", false))
	b.publish(one.rounds("s", 0, 1200)...)
	stalled, goOn := make(chan struct{}), make(chan struct{})
	once := false
	h.intake.step = func(done step) error {
		if done == stepJudged && !once {
			once = true
			close(stalled)
			<-goOn
		}
		return nil
	}
	r := run(t, h, b.connect(""), func(c *Config) { c.patience = time.Minute })
	<-stalled
	consumer, err := b.js.Consumer(t.Context(), "qos", "collector")
	if err != nil {
		t.Fatal(err)
	}
	if info := consumer.CachedInfo(); info.NumAckPending > underWay || info.NumPending < 1201-underWay {
		t.Errorf("%d under way, %d pending", info.NumAckPending, info.NumPending)
	}
	close(goOn)
	r.expect(namesOf("frankfurt", "s", 0, 1200)...)
}

// A disk that fails: nothing is lost, and the status says why nothing is taken.
func TestADiskThatFailsForAWhile(t *testing.T) {
	one := newSpeaker(1)
	b := newServer(t, nil)
	h := newHome(t, one.fisherman("frankfurt"))
	var broken error = errors.New("no space left on device")
	h.intake.step = func(step) error { return broken }
	b.publish(one.session("s", false))
	b.publish(one.rounds("s", 0, 20)...)
	r := run(t, h, b.connect(""), func(c *Config) { c.patience = 100 * time.Millisecond })
	r.logs("problem=" + Unstorable.Label())
	r.stop()
	broken = nil
	r = run(t, h, b.connect(""), nil)
	r.expect(namesOf("frankfurt", "s", 0, 20)...)
}

func TestARunEndsWithItsContext(t *testing.T) {
	b := newServer(t, nil)
	h := newHome(t, newSpeaker(1).fisherman("frankfurt"))
	for range 3 {
		r := run(t, h, b.connect(""), nil)
		r.logs("the feed is read")
		r.stop()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	New(Config{Connection: b.connect(""), Stream: "qos", Identity: "us", Intake: h.intake}).Run(ctx)
}

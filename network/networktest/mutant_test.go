package networktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// recorder is a test that may fail.
type recorder struct {
	testing.TB

	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, arguments...))
}

func (r *recorder) Error(arguments ...any) { r.Errorf("%s", fmt.Sprint(arguments...)) }

func (r *recorder) Fatalf(format string, arguments ...any) {
	r.Errorf(format, arguments...)
	runtime.Goexit()
}

func (r *recorder) Fatal(arguments ...any) { r.Fatalf("%s", fmt.Sprint(arguments...)) }

// mutant is a network with something wrong; nil functions are right.
type mutant struct {
	fisherman.Network
	subscribe func() (<-chan types.Head, func())
	sessions  func(ctx context.Context, height int64) ([]*types.Session, error)
	policy    func() fisherman.Policy
	ask       func(session *types.Session, servicer *types.Actor) (fisherman.Request, error)
	request   func(fisherman.Request) fisherman.Request
}

func (m *mutant) Subscribe() (<-chan types.Head, func()) {
	if m.subscribe != nil {
		return m.subscribe()
	}
	return m.Network.Subscribe()
}

func (m *mutant) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	if m.sessions != nil {
		return m.sessions(ctx, height)
	}
	return m.Network.Sessions(ctx, height)
}

func (m *mutant) Policy(ctx context.Context, session *types.Session) (fisherman.Policy, error) {
	policy, err := m.Network.Policy(ctx, session)
	if m.policy != nil {
		policy = m.policy()
	}
	return policy, err
}

func (m *mutant) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (fisherman.Request, error) {
	if m.ask != nil {
		return m.ask(session, servicer)
	}
	request, err := m.Network.Ask(session, servicer, payload)
	if err == nil && m.request != nil {
		request = m.request(request)
	}
	return request, err
}

// opening is a request whose answers are opened wrongly.
type opening struct {
	fisherman.Request
	open func(right fisherman.Request, answer *wire.Answer) (fisherman.Reply, *wire.Failure)
}

func (o opening) Open(answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
	return o.open(o.Request, answer)
}

// opened makes every request open its answers wrongly.
func opened(m *mutant, open func(right fisherman.Request, answer *wire.Answer) (fisherman.Reply, *wire.Failure)) {
	m.request = func(right fisherman.Request) fisherman.Request { return opening{right, open} }
}

// believing takes every answer for the good one.
func believing(fisherman.Request, *wire.Answer) (fisherman.Reply, *wire.Failure) {
	return fisherman.Reply{Status: sampleStatus, Payload: samplePayload}, nil
}

// failing changes the failures of answers that are wrong.
func failing(change func(*wire.Failure)) func(fisherman.Request, *wire.Answer) (fisherman.Reply, *wire.Failure) {
	return func(right fisherman.Request, answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
		reply, failure := right.Open(answer)
		if failure != nil {
			change(failure)
		}
		return reply, failure
	}
}

// evident is a request with other evidence.
type evident struct {
	fisherman.Request
	evidence []byte
}

func (e evident) Evidence() []byte { return e.evidence }

// changedSessions changes what sessions a network has, by how often it was asked.
func changedSessions(m *mutant, change func(times int, session *types.Session)) {
	times := 0
	m.sessions = func(ctx context.Context, height int64) ([]*types.Session, error) {
		sessions, err := m.Network.Sessions(ctx, height)
		var changed []*types.Session
		for _, session := range sessions {
			session = proto.CloneOf(session)
			change(times, session)
			changed = append(changed, session)
		}
		times++
		return changed, err
	}
}

// mutants are networks with one thing wrong each, by the clause that has to notice.
var mutants = []struct {
	clause, name string
	change       func(s *Subject, m *mutant)
}{
	{"heads/latest wins", "the oldest wins", func(s *Subject, m *mutant) {
		heads := make(chan types.Head, 1)
		m.subscribe = func() (<-chan types.Head, func()) { return heads, func() {} }
		s.Publish = func(head types.Head) {
			select {
			case heads <- head:
			default:
			}
		}
	}},
	{"heads/rise", "a head from the future", func(_ *Subject, m *mutant) {
		m.subscribe = func() (<-chan types.Head, func()) {
			heads := make(chan types.Head, 2)
			heads <- headAt(9)
			heads <- headAt(8)
			return heads, func() {}
		}
	}},
	{"heads/subscribers are apart", "a channel that is closed", func(_ *Subject, m *mutant) {
		m.subscribe = func() (<-chan types.Head, func()) {
			heads := make(chan types.Head, 1)
			return heads, sync.OnceFunc(func() { close(heads) })
		}
	}},
	{"heads/late subscriber", "nothing at once", func(s *Subject, m *mutant) {
		s.Publish(types.Head{Height: 2_000_000, CatchingUp: true})
	}},
	{"sessions/members", "two sessions of one id", func(_ *Subject, m *mutant) {
		m.sessions = func(ctx context.Context, height int64) ([]*types.Session, error) {
			sessions, err := m.Network.Sessions(ctx, height)
			return append(sessions, sessions...), err
		}
	}},
	{"sessions/members", "a servicer twice", func(_ *Subject, m *mutant) {
		changedSessions(m, func(_ int, session *types.Session) { session.Servicers[1] = session.Servicers[0] })
	}},
	{"sessions/members", "an id that does not print", func(_ *Subject, m *mutant) {
		changedSessions(m, func(_ int, session *types.Session) { session.Header.Id = "a\x1b[2J" })
	}},
	{"sessions/members", "another height's", func(_ *Subject, m *mutant) {
		changedSessions(m, func(_ int, session *types.Session) { session.Header.StartHeight = 8 })
	}},
	{"sessions/same at one height", "members that change", func(_ *Subject, m *mutant) {
		changedSessions(m, func(times int, session *types.Session) { session.Servicers[0].ServiceUrl = fmt.Sprint(times) })
	}},
	{"sessions/unknown height", "nothing instead of an error", func(_ *Subject, m *mutant) {
		m.sessions = func(context.Context, int64) ([]*types.Session, error) { return nil, nil }
	}},
	{"sessions/policy", "no checks", func(_ *Subject, m *mutant) {
		m.policy = func() fisherman.Policy { return fisherman.Policy{} }
	}},
	{"sessions/policy", "another each time", func(_ *Subject, m *mutant) {
		right, _ := m.Network.Policy(context.Background(), nil)
		m.policy = func() fisherman.Policy { right.Checks++; return right }
	}},
	{"requests/addressed to one servicer", "always the first", func(_ *Subject, m *mutant) {
		m.ask = func(session *types.Session, _ *types.Actor) (fisherman.Request, error) {
			return m.Network.Ask(session, session.GetServicers()[0], sampleQuestion)
		}
	}},
	{"requests/no two alike", "one for all", func(_ *Subject, m *mutant) {
		var first fisherman.Request
		m.request = func(right fisherman.Request) fisherman.Request {
			if first == nil {
				first = right
			}
			return first
		}
	}},
	{"requests/unusable URL", "our fault", func(_ *Subject, m *mutant) {
		m.ask = func(*types.Session, *types.Actor) (fisherman.Request, error) { return nil, errors.New("no URL") }
	}},
	{"requests/unusable URL", "the URL is shown", func(_ *Subject, m *mutant) {
		m.ask = func(_ *types.Session, servicer *types.Actor) (fisherman.Request, error) {
			return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, errors.New(servicer.GetServiceUrl()))
		}
	}},
	{"requests/at once", "the last one's answers only", func(_ *Subject, m *mutant) {
		opened(m, func(fisherman.Request, *wire.Answer) (fisherman.Reply, *wire.Failure) { return fisherman.Reply{}, nil })
	}},
	{"answers/own", "a remark for nothing", func(_ *Subject, m *mutant) {
		opened(m, func(right fisherman.Request, answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
			reply, failure := right.Open(answer)
			reply.Remark = "looks odd"
			return reply, failure
		})
	}},
	{"answers/foreign", "anybody's", func(_ *Subject, m *mutant) { opened(m, believing) }},
	{"answers/foreign", "nobody is blamed", func(_ *Subject, m *mutant) {
		opened(m, failing(func(failure *wire.Failure) { failure.Blame = types.Blame_BLAME_UNSPECIFIED }))
	}},
	{"answers/foreign", "a secret is shown", func(s *Subject, m *mutant) {
		s.Secrets = []string{"hush"}
		opened(m, failing(func(failure *wire.Failure) { failure.Err = errors.New("not by hush") }))
	}},
	{"answers/foreign", "an escape sequence is shown", func(_ *Subject, m *mutant) {
		opened(m, failing(func(failure *wire.Failure) { failure.Err = errors.New("by \x1b[2J") }))
	}},
	{"answers/replayed", "any request's", func(_ *Subject, m *mutant) { opened(m, believing) }},
	{"answers/altered", "one bit aside", func(_ *Subject, m *mutant) { opened(m, believing) }},
	{"answers/cut, empty, oversized", "an answer out of nothing", func(_ *Subject, m *mutant) { opened(m, believing) }},
	{"answers/cut, empty, oversized", "an unsigned answer out of nothing", func(s *Subject, m *mutant) {
		s.Unsigned = true
		opened(m, func(fisherman.Request, *wire.Answer) (fisherman.Reply, *wire.Failure) {
			return fisherman.Reply{Payload: []byte("out of nothing")}, nil
		})
	}},
	{"refusals/meaning", "no refusal", func(_ *Subject, m *mutant) {
		opened(m, failing(func(failure *wire.Failure) { failure.Refusal = nil }))
	}},
	{"refusals/meaning", "all disputing", func(_ *Subject, m *mutant) {
		opened(m, failing(func(failure *wire.Failure) { failure.Refusal.DisputesRequest = true }))
	}},
	{"refusals/bound", "anybody's", func(s *Subject, m *mutant) {
		opened(m, func(fisherman.Request, *wire.Answer) (fisherman.Reply, *wire.Failure) {
			return fisherman.Reply{}, &wire.Failure{
				Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
				Refusal: &types.Refusal{Code: 2, Label: "OVER"}, Err: errors.New("over"),
			}
		})
	}},
	{"evidence/checks offline", "nothing kept", func(_ *Subject, m *mutant) {
		m.request = func(right fisherman.Request) fisherman.Request { return evident{Request: right} }
	}},
	{"evidence/checks offline", "a secret kept", func(s *Subject, m *mutant) {
		s.Secrets = []string{"ann"} // the servicer's name
	}},
	{"evidence/altered", "anything convinces", func(s *Subject, _ *mutant) {
		s.Verify = func([]byte, []byte) error { return nil }
	}},
}

// Each clause of the contract notices what it is there for.
func TestContractNoticesMutants(t *testing.T) {
	noticed := make(map[string]bool)
	for _, test := range mutants {
		t.Run(test.clause+" "+test.name, func(t *testing.T) {
			subject := memorySubject(t)
			network := &mutant{Network: subject.Network}
			subject.Network = network
			test.change(&subject, network)
			record := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, clause := range contract() {
					if clause.name == test.clause {
						clause.run(record, subject)
					}
				}
			}()
			<-done
			if len(record.failures) == 0 {
				t.Error("not noticed")
			}
			noticed[test.clause] = true
		})
	}
	for _, clause := range contract() {
		if !noticed[clause.name] {
			t.Errorf("no mutant for %q", clause.name)
		}
	}
}

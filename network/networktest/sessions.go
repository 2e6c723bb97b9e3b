package networktest

import (
	"context"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// longestIdentifier bounds identifiers, in bytes.
const longestIdentifier = 128

// identifier checks that a name can be opaque to the fisherman.
func (s *Subject) identifier(t testing.TB, what, name string) {
	t.Helper()
	if name == "" || len(name) > longestIdentifier {
		t.Errorf("%s has %d bytes: %q", what, len(name), name)
	}
	s.showable(t, what, name)
}

// members: sessions have identifiers of their own, and servicers that can be told apart and asked.
func members(t testing.TB, s Subject) {
	s.session(t)
	sessions, err := s.Network.Sessions(t.Context(), s.Height)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, session := range sessions {
		header := session.GetHeader()
		s.identifier(t, "session id", header.GetId())
		s.identifier(t, "relay chain", header.GetRelayChain())
		s.identifier(t, "application", header.GetApplication())
		if ids[header.GetId()] {
			t.Errorf("two sessions have the id %q", header.GetId())
		}
		ids[header.GetId()] = true
		if start := header.GetStartHeight(); !s.Heightless && (start > s.Height || start+session.GetBlocks() <= s.Height) {
			t.Errorf("session %q covers %d blocks from %d on, not height %d", header.GetId(), session.GetBlocks(), start, s.Height)
		}
		addresses := make(map[string]bool)
		for _, servicer := range session.GetServicers() {
			s.identifier(t, "servicer", servicer.GetAddress())
			if addresses[servicer.GetAddress()] {
				t.Errorf("servicer %q is twice in session %q", servicer.GetAddress(), header.GetId())
			}
			addresses[servicer.GetAddress()] = true
			if servicer.GetServiceUrl() == "" {
				t.Errorf("servicer %q cannot be reached", servicer.GetAddress())
			}
		}
	}
}

// sameAtOneHeight: who asks twice about one height is told the same.
func sameAtOneHeight(t testing.TB, s Subject) {
	first, err := s.Network.Sessions(t.Context(), s.Height)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Network.Sessions(t.Context(), s.Height)
	if err != nil || len(first) != len(second) {
		t.Fatalf("%d sessions, then %d: %v", len(first), len(second), err)
	}
	byID := make(map[string]*types.Session)
	for _, session := range first {
		byID[session.GetHeader().GetId()] = session
	}
	for _, session := range second {
		if !proto.Equal(byID[session.GetHeader().GetId()], session) {
			t.Errorf("session %q differs the second time", session.GetHeader().GetId())
		}
	}
}

// unknownHeight: "not known" is an error, which is never taken for "no sessions". So is a context that has ended.
func unknownHeight(t testing.TB, s Subject) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if sessions, err := s.Network.Sessions(ended, s.Height); err == nil && len(sessions) == 0 {
		t.Error("no sessions, because the context had ended")
	} else if err != nil {
		s.showable(t, "ended context", err.Error())
	}
	if s.Heightless {
		return
	}
	sessions, err := s.Network.Sessions(t.Context(), s.Height+1_000_000)
	if err == nil {
		t.Fatalf("%d sessions at a height that is not committed", len(sessions))
	}
	s.showable(t, "unknown height", err.Error())
}

// policy: a session can be sampled and judged, in the same way for its whole length.
func policy(t testing.TB, s Subject) {
	session := s.session(t)
	policy, err := s.Network.Policy(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	if policy.Checks <= 0 || policy.Timeout <= 0 || policy.LatencySLA <= 0 || policy.MaxSkew <= 0 || policy.Quorum <= 0 ||
		policy.SessionsRetained <= 0 || policy.ServicerOffset < 0 || policy.ChecksOnDemand < 0 {
		t.Errorf("a policy by which nothing can be sampled: %+v", policy)
	}
	if again, err := s.Network.Policy(t.Context(), session); err != nil || !reflect.DeepEqual(policy, again) {
		t.Errorf("a policy of %+v, then of %+v, %v", policy, again, err)
	}
	if planned := uint64(policy.Checks + policy.ChecksOnDemand); policy.Reserve > 0 && policy.Reserve < planned {
		t.Errorf("%d checks of a reserve of %d", planned, policy.Reserve)
	}
}

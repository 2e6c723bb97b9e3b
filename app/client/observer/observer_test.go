package observer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// newNode is in the third block of its second session.
func newNode() *clienttest.Node { return &clienttest.Node{Started: time.Now(), From: 12} }

// observed runs an Observer for a time and returns what it showed.
func observed(t *testing.T, node Node, choice Choice, span time.Duration) (shown []Observation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	observer := New(node, choice)
	first, err := observer.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	shown = []Observation{first}
	observer.Run(ctx, func(seen Observation) { shown = append(shown, seen) })
	return shown
}

func TestObserverSeesEveryCheckOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newNode()
		shown := observed(t, node, Choice{}, 9900*time.Millisecond)
		last := shown[len(shown)-1]
		if len(last.Sessions) != 3 || last.Sessions[0].Report.Height != 20 || last.Status.Height != 21 {
			t.Fatalf("%d sessions, the newest from %d, at height %d", len(last.Sessions), last.Sessions[0].Report.Height, last.Status.Height)
		}
		for _, session := range last.Sessions {
			if len(session.Rounds) != session.Report.ChecksDone || firstMissing(session.Rounds) != uint32(len(session.Rounds)) {
				t.Errorf("session from %d: %d checks seen, %d done", session.Report.Height, len(session.Rounds), session.Report.ChecksDone)
			}
		}
		if last.Sessions[0].BlocksLeft(last.Status.Height) != 8 {
			t.Errorf("%d blocks left", last.Sessions[0].BlocksLeft(last.Status.Height))
		}
		// Three pages of the first session, then one look for each block, and three more when the last session begins.
		if node.Pages > 24 {
			t.Errorf("%d pages asked for in ten blocks: rounds are read again and again", node.Pages)
		}
	})
}

func TestObserverTellsAnUnreachableNodeAtOnce(t *testing.T) {
	observer := New(&clienttest.Node{Started: time.Now(), DownUntil: time.Hour}, Choice{})
	if _, err := observer.Begin(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("begin: %v", err)
	}
}

func TestObserverComesBackToALostNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newNode()
		node.DownFrom, node.DownUntil = 2*time.Second, 62*time.Second
		shown := observed(t, node, Choice{}, 75100*time.Millisecond)
		var lost []Observation
		for _, seen := range shown {
			if seen.Lost != nil {
				lost = append(lost, seen)
			}
		}
		if len(lost) < 8 || len(lost) > 13 {
			t.Fatalf("%d attempts in a minute", len(lost))
		}
		last := lost[len(lost)-1]
		if pause := last.Lost.Next.Sub(last.At); pause != longestBackoff || !last.Lost.Since.Equal(lost[0].At) || len(last.Sessions) == 0 {
			t.Errorf("last attempt %+v with %d sessions", last.Lost, len(last.Sessions))
		}
		if end := shown[len(shown)-1]; end.Lost != nil || end.Status.Height < 80 {
			t.Errorf("in the end lost is %v at height %d", end.Lost, end.Status.Height)
		}
	})
}

func TestObserverTellsAChainThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newNode()
		node.FrozenFrom = 5 * time.Second
		for _, seen := range observed(t, node, Choice{}, 60*time.Second) {
			standing := seen.At.Sub(node.Started.Add(5 * time.Second))
			if tells := seen.Still > 0; tells && standing < 9*time.Second || !tells && standing > 13*time.Second {
				t.Errorf("%s after the last block still is %s", standing, seen.Still)
			}
		}
	})
}

func TestObserverEndsWithItsOnlySession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		shown := observed(t, newNode(), Choice{ID: clienttest.SessionID("0001", 10)}, time.Minute)
		if last := shown[len(shown)-1]; !last.Sessions[0].Report.Complete || time.Since(began) > 10*time.Second {
			t.Errorf("ended after %s with complete %t", time.Since(began), last.Sessions[0].Report.Complete)
		}
	})
}

func TestObserverChooses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newNode()
		node.Chains = []string{"0001", "0021"}
		for _, test := range []struct {
			choice Choice
			want   int
		}{{Choice{Chain: "0021"}, 2}, {Choice{Chain: "0002"}, 0}, {Choice{Application: strings.Repeat("00", 20)}, 0}, {Choice{}, 4}} {
			shown := observed(t, node, test.choice, time.Second)
			if got := len(shown[0].Sessions); got != test.want {
				t.Errorf("%+v: %d sessions, want %d", test.choice, got, test.want)
			}
		}
	})
}

// endpointsNode has no chain, so no height that could stand still, and no sessions of a chain.
type endpointsNode struct{ asked int }

func (n *endpointsNode) Status(context.Context) (api.Status, error) {
	return clienttest.EndpointsStatus(), nil
}

func (n *endpointsNode) QoS(context.Context, client.QoSFilter) (api.Report, error) {
	return clienttest.Endpoints(), nil
}

func (n *endpointsNode) Session(context.Context, string, string, int64) (api.Session, error) {
	n.asked++
	return api.Session{}, &client.Error{Status: 404, Code: api.ErrorCodeNoChain, Message: "there is no chain"}
}

func (n *endpointsNode) Rounds(_ context.Context, filter client.RoundFilter) (api.RoundPage, error) {
	page := api.RoundPage{Session: filter.SessionID, Stored: 20}
	for index := filter.From; index < 20; index++ {
		page.Rounds = append(page.Rounds, clienttest.EndpointsRound(index))
	}
	return page, nil
}

func TestObserverOfAListOfEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &endpointsNode{}
		for _, seen := range observed(t, node, Choice{Chain: "ethereum"}, 2*time.Minute) {
			if seen.Still != 0 || seen.Lost != nil || len(seen.Sessions) != 1 || len(seen.Sessions[0].Rounds) != 20 {
				t.Fatalf("%+v", seen)
			}
		}
		if node.asked != 0 {
			t.Errorf("a session of a chain was asked for %d times", node.asked)
		}
	})
}

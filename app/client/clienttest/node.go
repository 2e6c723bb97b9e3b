package clienttest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// Node runs sessions of ten blocks from a height on, one block and one check a second. A session is complete with its
// last block. From one time since it was started to another one the node does not answer; from a time on its height does
// not grow any more. A time of 0 is never.
type Node struct {
	Started                         time.Time
	From                            int64
	DownFrom, DownUntil, FrozenFrom time.Duration
	// Chains of the network, each completed a block after the one before; nil for the one of every network.
	Chains []string
	// Pages counts the pages of rounds that were asked for.
	Pages int
}

// SessionID is the id of the session of a chain that begins at a height.
func SessionID(chain string, start int64) string {
	return chain[2:] + strings.Repeat(string(rune('a'+start/10)), 62)
}

func (n *Node) height() int64 { return n.From + int64(time.Since(n.Started)/time.Second) }

// Status tells the height.
func (n *Node) Status(ctx context.Context) (api.Status, error) {
	passed := time.Since(n.Started)
	if ctx.Err() != nil || n.DownFrom <= passed && passed < n.DownUntil {
		return api.Status{}, fmt.Errorf("%w: connection refused", client.ErrUnreachable)
	}
	height := n.height()
	if n.FrozenFrom > 0 && passed > n.FrozenFrom {
		height = n.From + int64(n.FrozenFrom/time.Second)
	}
	return api.Status{ChainID: "test", Height: height}, nil
}

// QoS has the newest sessions, or the one that is asked for.
func (n *Node) QoS(ctx context.Context, filter client.QoSFilter) (api.Report, error) {
	if ctx.Err() != nil {
		return api.Report{}, ctx.Err()
	}
	var report api.Report
	chains, last := n.Chains, filter.Last
	if chains == nil {
		chains = []string{"0001"}
	}
	if filter.SessionID != "" {
		last = 100
	}
	newest := n.height() - n.height()%10
	for start := max(newest-10*int64(last-1), 0); start <= newest; start += 10 {
		done := min(int(n.height()-start), 10)
		for late, chain := range chains {
			session := api.SessionReport{ID: SessionID(chain, start), Height: start, RelayChain: chain, ChecksPlanned: 10, ChecksDone: done,
				Complete: n.height() >= start+10+int64(late), Servicers: Report().Sessions[0].Servicers}
			if filter.SessionID == "" || filter.SessionID == session.ID {
				report.Sessions = append(report.Sessions, session)
			}
		}
	}
	if filter.SessionID != "" && len(report.Sessions) == 0 {
		return report, &client.Error{Status: 404, Code: "unknown_session", Message: "none"}
	}
	return report, nil
}

// Session has no members.
func (n *Node) Session(_ context.Context, application, chain string, height int64) (api.Session, error) {
	return api.Session{ID: SessionID(chain, height), Blocks: 10, Application: api.Actor{Address: application}}, nil
}

// Rounds has pages of four.
func (n *Node) Rounds(ctx context.Context, filter client.RoundFilter) (api.RoundPage, error) {
	n.Pages++
	report, err := n.QoS(ctx, client.QoSFilter{SessionID: filter.SessionID})
	if err != nil {
		return api.RoundPage{}, err
	}
	page := api.RoundPage{Session: filter.SessionID, Stored: report.Sessions[0].ChecksDone}
	for index := filter.From; index < uint32(page.Stored); index++ {
		if len(page.Rounds) == 4 {
			page.Next = &index
			break
		}
		page.Rounds = append(page.Rounds, Round(filter.SessionID, index))
	}
	return page, nil
}

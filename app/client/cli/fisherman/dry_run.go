package fisherman

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"strconv"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/quote"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// dryRunView is what a day of a configuration's groups would cost, in uPOKT.
type dryRunView struct {
	Groups []groupCost `json:"groups"`
	Day    uint64      `json:"day_upokt"`
}

// groupCost is what sampling a group costs. A list of endpoints costs nothing.
type groupCost struct {
	Group string `json:"group"`
	// Asked is how many suppliers or targets there are.
	Asked int    `json:"asked"`
	Relay uint64 `json:"relay_upokt"`
	Check uint64 `json:"check_upokt"`
	// Checks of a session, Paid those that the limits pay for.
	Checks  uint64 `json:"checks_per_session"`
	Paid    uint64 `json:"paid_checks_per_session"`
	Session uint64 `json:"session_upokt"`
	Day     uint64 `json:"day_upokt"`
}

// dryRun says what a day of a configuration's groups would cost. Full nodes are asked for sessions and prices; suppliers and
// targets are asked nothing, and no key is opened.
func dryRun(ctx context.Context, io command.Streams, path, output string) error {
	config, err := groups.Load(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	view := &dryRunView{Groups: []groupCost{}}
	for _, group := range config.Groups {
		if group.Shannon == nil {
			checks := uint64(group.Checks())
			view.Groups = append(view.Groups, groupCost{Group: group.Name, Asked: len(group.Targets), Checks: checks, Paid: checks})
			continue
		}
		asked, cost, err := costOf(ctx, group)
		if err != nil {
			return err
		}
		sum, carry := bits.Add64(view.Day, cost.Day, 0)
		if view.Day = sum; carry > 0 {
			view.Day = ^uint64(0)
		}
		view.Groups = append(view.Groups, groupCost{Group: group.Name, Asked: asked, Relay: cost.Relay, Check: cost.Check, Checks: cost.Checks, Paid: cost.Paid,
			Session: cost.Session, Day: cost.Day})
	}
	return command.WriteResult(io.Out, output, view, view.text, view.rows)
}

func (v *dryRunView) text() string {
	rows := make([][]string, 0, len(v.Groups))
	for _, g := range v.Groups {
		checks := strconv.FormatUint(g.Checks, 10)
		if g.Paid < g.Checks {
			checks = fmt.Sprintf("%d of %d", g.Paid, g.Checks)
		}
		rows = append(rows, []string{g.Group, strconv.Itoa(g.Asked), strconv.FormatUint(g.Relay, 10), strconv.FormatUint(g.Check, 10), checks,
			strconv.FormatUint(g.Session, 10), strconv.FormatUint(g.Day, 10)})
	}
	return terminal.Table([]string{"GROUP", "ASKED", "RELAY", "CHECK", "CHECKS", "SESSION", "DAY"}, rows) +
		fmt.Sprintf("\nA day would cost %d uPOKT. Nobody was asked but full nodes; nothing was spent.\n", v.Day)
}

// rows is the CSV form. Scripts depend on it: columns are only ever added at the end.
func (v *dryRunView) rows() [][]string {
	rows := [][]string{{"group", "asked", "relay_upokt", "check_upokt", "checks_per_session", "paid_checks_per_session", "session_upokt", "day_upokt"}}
	for _, g := range v.Groups {
		row := []string{command.CSVText(g.Group), strconv.Itoa(g.Asked)}
		for _, number := range []uint64{g.Relay, g.Check, g.Checks, g.Paid, g.Session, g.Day} {
			row = append(row, strconv.FormatUint(number, 10))
		}
		rows = append(rows, row)
	}
	return rows
}

// costOf reads how many suppliers of a group are asked, and what that costs.
func costOf(ctx context.Context, group groups.Group) (asked int, cost shannon.Estimate, err error) {
	source := quote.OfGroup(group)
	client, err := source.Client()
	if err != nil {
		return 0, cost, fmt.Errorf("group %s: %w", group.Name, err)
	}
	defer client.Close()
	read, err := source.Read(ctx, client)
	if err != nil {
		return 0, cost, fmt.Errorf("group %s: %w", group.Name, err)
	}
	return read.Asked(), source.Estimate(read), nil
}

package fisherman

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/quote"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// dayCost is what a day of a configuration costs.
type dayCost struct {
	Groups []groupCost `json:"groups"`
	// Day is the sum over the groups that could be read, in uPOKT.
	Day uint64 `json:"day_upokt"`
	// Complete is false when a group could not be read.
	Complete bool `json:"complete"`

	// first is the error of the first group that could not be read, and failed how many could not.
	first  error
	failed int
}

// groupCost is what a group costs, in uPOKT; all of it is 0 for a group of targets, and for one that could not be read.
type groupCost struct {
	Group string `json:"group"`
	// Asked are the targets, or the suppliers of the session, that a check asks.
	Asked   int    `json:"asked"`
	Relay   uint64 `json:"relay_upokt"`
	Check   uint64 `json:"check_upokt"`
	Checks  uint64 `json:"checks_per_session"`
	Paid    uint64 `json:"paid_checks_per_session"`
	Session uint64 `json:"session_upokt"`
	Day     uint64 `json:"day_upokt"`
	// Problem is the label of a shannon.Problem, and Reason what it is and what to do about it.
	Problem string `json:"problem,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// dryRun says what a day of a configuration's groups would cost. Full nodes are asked for sessions and prices; suppliers and
// targets are asked nothing, and no key is opened. A group that cannot be read keeps no other from being read; it is named,
// and the command ends with the exit code of the first.
func dryRun(ctx context.Context, io command.Streams, path, output string) error {
	config, err := groups.Load(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	cost := &dayCost{Groups: []groupCost{}, Complete: true}
	for _, group := range config.Groups {
		cost.add(ctx, group)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := command.WriteResult(io.Out, output, cost, cost.text, cost.rows); err != nil {
		return err
	}
	switch further := cost.failed - 1; {
	case further < 1:
		return cost.first
	default:
		return fmt.Errorf("%w; %s cannot be read either", cost.first, counted(further, "further group"))
	}
}

// add reads a group.
func (c *dayCost) add(ctx context.Context, group groups.Group) {
	if group.Shannon == nil {
		checks := uint64(group.Checks())
		c.Groups = append(c.Groups, groupCost{Group: group.Name, Asked: len(group.Targets), Checks: checks, Paid: checks})
		return
	}
	asked, cost, err := costOf(ctx, group)
	if err != nil {
		c.Groups = append(c.Groups, groupCost{Group: group.Name, Problem: shannon.ProblemOf(err).Label(), Reason: terminal.Clean(err.Error())})
		if c.failed++; c.first == nil {
			c.first = fmt.Errorf("group %s: %w", group.Name, err)
		}
		c.Complete = false
		return
	}
	sum, carry := bits.Add64(c.Day, cost.Day, 0)
	if c.Day = sum; carry > 0 {
		c.Day = ^uint64(0)
	}
	c.Groups = append(c.Groups, groupCost{Group: group.Name, Asked: asked, Relay: cost.Relay, Check: cost.Check, Checks: cost.Checks, Paid: cost.Paid,
		Session: cost.Session, Day: cost.Day})
}

func (c *dayCost) text() string {
	var rows [][]string
	var problems strings.Builder
	for _, of := range c.Groups {
		if of.Problem != "" {
			rows = append(rows, []string{of.Group, "-", "-", "-", "-", "-", "-"})
			fmt.Fprintf(&problems, "%s: %s\n", of.Group, of.Reason)
			continue
		}
		rows = append(rows, []string{of.Group, strconv.Itoa(of.Asked), strconv.FormatUint(of.Relay, 10), strconv.FormatUint(of.Check, 10),
			of.checks(), strconv.FormatUint(of.Session, 10), strconv.FormatUint(of.Day, 10)})
	}
	var out strings.Builder
	out.WriteString(terminal.Table([]string{"GROUP", "ASKED", "RELAY", "CHECK", "CHECKS", "SESSION", "DAY"}, rows))
	whose := ""
	if !c.Complete {
		fmt.Fprintf(&out, "\n%s", &problems)
		whose = " of the other groups"
	}
	fmt.Fprintf(&out, "\nA day%s would cost %d uPOKT. Nobody was asked but full nodes; nothing was spent.\n", whose, c.Day)
	return out.String()
}

// rows is the CSV form. Scripts depend on it: columns are only ever added at the end.
func (c *dayCost) rows() [][]string {
	rows := [][]string{{"group", "asked", "relay_upokt", "check_upokt", "checks_per_session", "paid_checks_per_session", "session_upokt", "day_upokt", "problem"}}
	for _, of := range c.Groups {
		row := []string{command.CSVText(of.Group), strconv.Itoa(of.Asked)}
		for _, number := range []uint64{of.Relay, of.Check, of.Checks, of.Paid, of.Session, of.Day} {
			row = append(row, strconv.FormatUint(number, 10))
		}
		rows = append(rows, append(row, of.Problem))
	}
	return rows
}

// checks says how many checks a session has, and how many of them the limits pay for.
func (g *groupCost) checks() string {
	if g.Paid < g.Checks {
		return fmt.Sprintf("%d of %d", g.Paid, g.Checks)
	}
	return strconv.FormatUint(g.Checks, 10)
}

// costOf reads how many suppliers of a group are asked, and what that costs.
func costOf(ctx context.Context, group groups.Group) (asked int, cost shannon.Estimate, err error) {
	source := quote.OfGroup(group)
	client, err := source.Client()
	if err != nil {
		return 0, cost, err
	}
	defer client.Close()
	read, err := source.Read(ctx, client)
	if err != nil {
		return 0, cost, err
	}
	return read.Asked(), source.Estimate(read), nil
}

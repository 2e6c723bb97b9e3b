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

// dryRun says what a day of a configuration's groups would cost. Full nodes are asked for sessions and prices; suppliers and
// targets are asked nothing, and no key is opened.
func dryRun(ctx context.Context, io command.Streams, path string) error {
	config, err := groups.Load(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	var rows [][]string
	day := uint64(0)
	for _, group := range config.Groups {
		if group.Shannon == nil {
			rows = append(rows, []string{group.Name, strconv.Itoa(len(group.Targets)), "0", "0", strconv.Itoa(group.Checks()), "0", "0"})
			continue
		}
		asked, cost, err := costOf(ctx, group)
		if err != nil {
			return err
		}
		sum, carry := bits.Add64(day, cost.Day, 0)
		if day = sum; carry > 0 {
			day = ^uint64(0)
		}
		rows = append(rows, []string{group.Name, strconv.Itoa(asked), strconv.FormatUint(cost.Relay, 10), strconv.FormatUint(cost.Check, 10),
			checksOf(cost), strconv.FormatUint(cost.Session, 10), strconv.FormatUint(cost.Day, 10)})
	}
	var out strings.Builder
	out.WriteString(terminal.Table([]string{"GROUP", "ASKED", "RELAY", "CHECK", "CHECKS", "SESSION", "DAY"}, rows))
	fmt.Fprintf(&out, "\nA day would cost %d uPOKT. Nobody was asked but full nodes; nothing was spent.\n", day)
	return command.WriteText(io.Out, out.String())
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

// checksOf says how many checks a session has, and how many of them the limits pay for.
func checksOf(cost shannon.Estimate) string {
	if cost.Paid < cost.Checks {
		return fmt.Sprintf("%d of %d", cost.Paid, cost.Checks)
	}
	return strconv.FormatUint(cost.Checks, 10)
}

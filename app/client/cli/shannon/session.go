package shannon

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

func newSession(s surroundings) *cobra.Command {
	var a access
	var output string
	cmd := &cobra.Command{
		Use:   "session",
		Short: "Show who is in an application's session now, and what sampling it costs",
		Long: `Shows the application's session at the newest block: its suppliers with their owners, stakes and staked URLs, who may sign
for the application, and what a relay, a check of all suppliers, a session and a day cost, in uPOKT, when suppliers are
asked every --interval. No supplier is asked, and nothing is spent.

A supplier without a key on the chain has sent no transaction yet: its answers cannot be verified, so it is not asked.
ALLOWANCE is what one supplier serves of a session before the application's stake is used up, as poktroll's RelayMiner
computes it.`,
		Example: `  pocket shannon session --rpc URL --application ADDRESS --service eth
  pocket shannon session --config fisherman.yaml --group eth-on-pocket --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.settle(cmd, s.io); err != nil {
				return err
			}
			return showSession(cmd.Context(), s, &a, output)
		},
	}
	flags := cmd.Flags()
	a.addFlags(flags)
	a.addInterval(flags)
	command.AddTable(flags, &output)
	return cmd
}

func showSession(ctx context.Context, s surroundings, a *access, output string) error {
	client, err := a.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	quoted, err := a.Read(ctx, client)
	if err != nil {
		return err
	}
	view := newSessionView(a, quoted, client.ChainID())
	return command.WriteResult(s.io.Out, output, view, func() string { return view.text(terminal.Spacious(s.io.Out)) }, view.rows)
}

// sessionView is a session as 'pocket shannon session' shows it. Amounts are uPOKT.
type sessionView struct {
	ChainID     string `json:"chain_id"`
	Height      int64  `json:"height"`
	Application string `json:"application"`
	Service     string `json:"service"`
	SessionID   string `json:"session_id"`
	StartHeight int64  `json:"start_height"`
	// EndHeight is the session's last.
	EndHeight int64 `json:"end_height"`
	// BlockTimeMS is how long blocks took in the session before.
	BlockTimeMS int64 `json:"block_time_ms"`
	// Signers are the addresses of which one has to sign relays.
	Signers []string `json:"signers"`
	Stake   uint64   `json:"stake_upokt"`
	// MinStake is what an application is unstaked below.
	MinStake uint64 `json:"min_stake_upokt"`
	// Allowance of one supplier in a session.
	Allowance uint64         `json:"allowance_upokt"`
	Cost      costView       `json:"cost"`
	Suppliers []supplierView `json:"suppliers"`
}

// costView is what sampling costs.
type costView struct {
	ComputeUnits uint64 `json:"compute_units_per_relay"`
	Relay        uint64 `json:"relay_upokt"`
	// Check asks every supplier once.
	Check uint64 `json:"check_upokt"`
	// Checks of a session, Paid those that the limits pay for.
	Checks         uint64 `json:"checks_per_session"`
	Paid           uint64 `json:"paid_checks_per_session"`
	Session        uint64 `json:"session_upokt"`
	SessionsPerDay uint64 `json:"sessions_per_day"`
	Day            uint64 `json:"day_upokt"`
}

// supplierView is a supplier.
type supplierView struct {
	Supplier string `json:"supplier"`
	Owner    string `json:"owner"`
	Stake    uint64 `json:"stake_upokt"`
	// URL is the staked one; empty without an endpoint of the kind.
	URL     string `json:"url"`
	RPCType string `json:"rpc_type,omitempty"`
	// HasKey: the operator's key is on the chain, so that answers can be verified.
	HasKey bool `json:"has_key"`
}

func newSessionView(a *access, quoted *shannon.Quote, chainID string) *sessionView {
	header, estimate := quoted.Session.GetHeader(), a.Estimate(quoted)
	view := &sessionView{
		ChainID: chainID, Height: quoted.Height, Application: a.Application, Service: a.Service, SessionID: header.GetSessionId(),
		StartHeight: header.GetSessionStartBlockHeight(), EndHeight: header.GetSessionEndBlockHeight(), BlockTimeMS: quoted.BlockTime.Milliseconds(),
		Signers: signersOf(quoted), Stake: quoted.Terms.Stake, MinStake: quoted.Terms.MinStake, Allowance: quoted.Allowance(),
		Cost: costView{ComputeUnits: quoted.Terms.ComputeUnits, Relay: estimate.Relay, Check: estimate.Check, Checks: estimate.Checks, Paid: estimate.Paid,
			Session: estimate.Session, SessionsPerDay: estimate.SessionsPerDay, Day: estimate.Day},
		Suppliers: []supplierView{},
	}
	for _, supplier := range quoted.Suppliers {
		shown := supplierView{Supplier: supplier.Operator, Owner: supplier.Owner, Stake: supplier.Stake, URL: supplier.URL, HasKey: supplier.Key != nil}
		if supplier.URL != "" {
			shown.RPCType = labelOf(supplier.RPCType)
		}
		view.Suppliers = append(view.Suppliers, shown)
	}
	return view
}

// signersOf returns who may sign in a session, the application first.
func signersOf(quoted *shannon.Quote) (signers []string) {
	for i, address := range protocol.RingAddresses(quoted.Session.GetApplication(), quoted.Session.GetHeader().GetSessionEndBlockHeight()) {
		if i == 0 || address != signers[0] {
			signers = append(signers, address)
		}
	}
	return signers
}

// rows is the CSV form. Scripts depend on it: columns are only ever added at the end.
func (v *sessionView) rows() [][]string {
	rows := [][]string{{"session_id", "start_height", "end_height", "height", "application", "service", "supplier", "owner", "stake_upokt", "has_key",
		"rpc_type", "url", "relay_upokt"}}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, s := range v.Suppliers {
		rows = append(rows, []string{command.CSVText(v.SessionID), number(v.StartHeight), number(v.EndHeight), number(v.Height), command.CSVText(v.Application),
			command.CSVText(v.Service), command.CSVText(s.Supplier), command.CSVText(s.Owner), strconv.FormatUint(s.Stake, 10), strconv.FormatBool(s.HasKey),
			s.RPCType, command.CSVText(s.URL), strconv.FormatUint(v.Cost.Relay, 10)})
	}
	return rows
}

// text is for a person; where there is room, addresses of owners are whole.
func (v *sessionView) text(spacious bool) string {
	var out strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("application", "%s for %s, stake %s (least %s)", v.Application, terminal.Clean(v.Service), upokt(v.Stake), upokt(v.MinStake))
	left := time.Duration(v.EndHeight-v.Height+1) * time.Duration(v.BlockTimeMS) * time.Millisecond
	line("session", "%s, blocks %d to %d of chain %s, now at %d, about %s left", terminal.ID(v.SessionID), v.StartHeight, v.EndHeight,
		terminal.Clean(v.ChainID), v.Height, left.Round(time.Second))
	line("signers", "%s", terminal.Clean(strings.Join(v.Signers, ", ")))
	cost := v.Cost
	line("cost", "%s a relay, %s a check of all, %s a session of %d checks, %s a day of %d sessions",
		upokt(cost.Relay), grouped(cost.Check), grouped(cost.Session), cost.Paid, grouped(cost.Day), cost.SessionsPerDay)
	if cost.Paid < cost.Checks {
		line("", "the limits pay for %d of %d checks of a session", cost.Paid, cost.Checks)
	}
	line("allowance", "%s a supplier and session, which is %d relays", upokt(v.Allowance), v.Allowance/max(cost.Relay, 1))
	out.WriteByte('\n')
	rows := make([][]string, 0, len(v.Suppliers))
	for _, s := range v.Suppliers {
		owner, key, url := terminal.Name(s.Owner), "yes", s.URL
		if spacious {
			owner = terminal.Clean(s.Owner)
		}
		if s.Owner == s.Supplier {
			owner = "itself"
		}
		if !s.HasKey {
			key = "no"
		}
		if url == "" {
			url = "no endpoint of the kind"
		}
		rows = append(rows, []string{terminal.Clean(s.Supplier), owner, grouped(s.Stake), key, terminal.Short(url)})
	}
	out.WriteString(terminal.Table([]string{"SUPPLIER", "OWNER", "STAKE", "KEY", "URL"}, rows))
	return out.String()
}

// upokt is an amount with its unit.
func upokt(amount uint64) string { return grouped(amount) + " uPOKT" }

// grouped is a number with a space between each three digits.
func grouped(number uint64) string {
	digits := strconv.FormatUint(number, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + " " + digits[at:]
	}
	return digits
}

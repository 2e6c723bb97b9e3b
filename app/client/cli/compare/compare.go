package compare

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// options are what 'pocket compare' was told.
type options struct {
	targets      []string
	headers      []string
	allowPrivate bool
	timing       timing
	chain        string
	catalogue    string
	sla, timeout time.Duration
	output       string
	failOn       []string
}

// New makes the command 'pocket compare'.
func New(io command.Streams) *cobra.Command {
	var o options
	defaults := groups.DefaultGroup()
	cmd := &cobra.Command{
		Use:   "compare [NAME=]URL [[NAME=]URL ...]",
		Short: "Compare RPC endpoints: the same questions, at the same moments",
		Long: `Asks all endpoints the same question at the same moment, again and again for a short time, and reports for each how
often it answered, how fast, how far it was behind, and whether it answered as most did. It needs no chain, no key and no
node of one's own. Each endpoint is asked first who it is: one of another chain than most is named, and not compared.

A target is called NAME, or by its host. A URL without a scheme is https, or http if it is this machine's or has a private
address; these are asked only with --allow-private. What follows host and port in a URL is taken for a key: it is shown
nowhere, and neither are values of headers. Answers are compared from 3 targets of different origins on; with fewer, times
and availability are measured.

--for, --checks and --interval follow from each other; two of them say everything. The report goes to standard output,
progress to standard error. Ctrl-C ends early, with the report of what was asked by then.`,
		Example: `  pocket compare https://a.example/v2/KEY https://b.example/rpc mine=http://127.0.0.1:8545 --allow-private
  pocket compare --for 60s --output markdown a=https://a.example b=https://b.example c=https://c.example
  pocket compare a=https://a.example b=https://b.example --header 'b: Authorization: Bearer ${TOKEN}'
  pocket compare --fail-on unavailable,behind https://a.example https://b.example https://c.example`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.targets = args
			o.timing.given(cmd.Flags().Changed)
			return compare(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddSpan(flags, &o.timing.length, flagFor, defaultChecks*defaultInterval, time.Second, longest, "how long to compare, rounded up to whole seconds")
	command.AddNumber(flags, &o.timing.checks, flagChecks, defaultChecks, 1, mostChecks, "how often every target is asked")
	command.AddSpan(flags, &o.timing.interval, flagInterval, defaultInterval, leastInterval, longest/2, "time between two checks")
	command.AddDecimal(flags, &o.timing.rate, "rate", defaults.Rate, leastRate, mostRate, "most requests a second to each target")
	command.AddChoice(flags, &o.chain, "chain", groups.ChainAuto, "kind of the targets' chain; auto finds it by asking", groups.Kinds()...)
	flags.StringVar(&o.catalogue, flagCatalogue, "", "`FILE` of questions, as a group's in a configuration, or the name of a catalogue (default that of the chain)")
	command.AddSpan(flags, &o.sla, "sla", defaults.SLA, time.Millisecond, time.Minute, "round-trip time above which an answer is slow")
	command.AddSpan(flags, &o.timeout, "timeout", defaultTimeout, 10*time.Millisecond, time.Minute, "time after which an answer is missing")
	flags.Var((*headerList)(&o.headers), "header", "header of one target; VALUE may be @FILE, or have ${VARIABLE} of the environment in it (may be repeated)")
	flags.BoolVar(&o.allowPrivate, "allow-private", false, "ask targets on this machine or in a private network too")
	command.AddOutput(flags, &o.output, command.OutputTable, command.OutputJSON, command.OutputCSV, outputMarkdown)
	command.AddChoices(flags, &o.failOn, "fail-on", "exit with code 14 if a target's verdict is one of these", failures...)
	return cmd
}

// headerList is the values of --header. It takes every text: what is wrong with one is said later, by its place.
type headerList []string

func (l *headerList) String() string     { return "" }
func (l *headerList) Set(v string) error { *l = append(*l, v); return nil }

// Type is what the help calls a value.
func (l *headerList) Type() string { return "'NAME: HEADER: VALUE'" }

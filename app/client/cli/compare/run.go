package compare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

const (
	// groupName is what the targets are called together.
	groupName = "compare"
	// patience is how long a target may take to say who it is.
	patience = 1500 * time.Millisecond
	// lookEvery is the pause between two looks at what was measured.
	lookEvery = 200 * time.Millisecond
)

// compare runs the command. What can be wrong with the options is found before anybody is asked.
func compare(ctx context.Context, io command.Streams, o options) error {
	group, err := o.group()
	if err != nil {
		return err
	}
	if !o.allowPrivate {
		if err := refusePrivate(ctx, group.Targets); err != nil {
			return err
		}
	}
	measured, err := measure(ctx, io, group)
	if err != nil {
		return err
	}
	if err := write(io.Out, o.output, measured); err != nil {
		return err
	}
	if !measured.Over {
		return command.Fail(command.ExitInterrupted, "interrupted after %d of %d checks", measured.decided(), group.Checks())
	}
	return failing(measured.Session, o.failOn)
}

// group returns the targets with how they are asked and judged.
func (o options) group() (groups.Group, error) {
	group := groups.DefaultGroup()
	group.Name, group.Chain, group.Rate, group.SLA, group.Timeout, group.Spread = groupName, o.chain, o.timing.rate, o.sla, o.timeout, groups.SpreadEven
	var err error
	if group.Targets, err = parseTargets(o.targets, o.allowPrivate); err != nil {
		return group, err
	}
	if err := addHeaders(group.Targets, o.headers); err != nil {
		return group, err
	}
	if o.timeout <= o.sla {
		return group, command.Fail(command.ExitUsage, "--timeout %s is not above --sla %s; want a longer --timeout", short(o.timeout), short(o.sla))
	}
	length, checks, err := o.timing.plan()
	if err != nil {
		return group, err
	}
	group.Session, group.Interval = length, length/time.Duration(checks)
	group.NullsAllowed, group.LaggingAllowed, group.SamplesRequired = groups.Allowances(checks)
	return withQuestions(group, o.catalogue)
}

// measure samples the group for one session, or until the context ends, and shows how far it is. Nothing of it is left on
// the disk.
func measure(ctx context.Context, io command.Streams, group groups.Group) (m measurement, err error) {
	data, err := os.MkdirTemp("", "pocket-compare-")
	if err != nil {
		return m, fmt.Errorf("make temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	progress := terminal.NewComparing(io.Err)
	defer progress.Close()
	return sample(ctx, progress, group, data)
}

// sample is measure in a directory.
func sample(ctx context.Context, progress terminal.Comparing, group groups.Group, data string) (m measurement, err error) {
	built, err := node.NewEndpoints(node.EndpointsConfig{Groups: []groups.Group{group}, Data: data, Once: true, Patience: patience,
		Logger: command.NewLogger(progress, "text", "error")})
	if err != nil {
		return m, fmt.Errorf("compare: %w", err)
	}
	defer func() { err = errors.Join(err, built.Close()) }()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- built.Run(running) }()
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return m, fmt.Errorf("compare: %w", err)
			}
			m, err = look(context.WithoutCancel(ctx), built, group, true)
			m.Over = m.Over && ctx.Err() == nil
			return m, err
		case <-looks.C:
			if seen, err := look(ctx, built, group, false); err == nil {
				progress.Show(seen.Comparison)
			}
		}
	}
}

// measurement is what was measured.
type measurement struct {
	terminal.Comparison
	report api.Report
}

// decided is how many checks were asked, or are dropped.
func (m measurement) decided() int {
	return m.Session.ChecksDone + m.Session.ChecksVoid + m.Session.ChecksDropped
}

// mostRounds is how many rounds the skew in the middle is taken from.
const mostRounds = mostChecks

// look reads what is known: who the targets are, what was measured, and for the last look the skew of each check.
func look(ctx context.Context, built *node.Endpoints, group groups.Group, last bool) (measurement, error) {
	m := measurement{Comparison: terminal.Comparison{At: time.Now(), Planned: group.Checks(), Length: group.Session}}
	report, err := built.Report(ctx, 1)
	if err != nil {
		return m, err
	}
	m.report = report
	said := built.Said(groupName)
	for _, t := range group.Targets {
		target := terminal.Compared{Name: t.Name, Origin: t.Origin()}
		if who, asked := said[t.Name]; asked {
			target.Asked, target.Chain, target.Client, target.Head = true, who.Chain, who.Client, who.Head
			if who.Kind.String() != groups.ChainAuto {
				target.Kind = who.Kind.String()
			}
			if who.Err != nil {
				target.Problem = who.Err.Error()
			}
		}
		m.Targets = append(m.Targets, target)
	}
	if len(report.Sessions) > 0 {
		m.Session = report.Sessions[0]
		m.Over = m.Session.Complete
	}
	if last && len(report.Sessions) > 0 {
		m.Skews, err = built.Skews(ctx, m.Session.ID, mostRounds)
	}
	return m, err
}

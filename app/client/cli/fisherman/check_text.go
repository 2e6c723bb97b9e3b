package fisherman

import (
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// text shows verdict and reasons first, then what they stand on.
func (r *checkResult) text() string {
	var text strings.Builder
	report := r.Check
	fmt.Fprintf(&text, "%s  servicer %s\n", terminal.Clean(r.Verdict), r.subject())
	for _, sentence := range r.Explanation {
		fmt.Fprintf(&text, "  %s\n", terminal.Clean(sentence))
	}
	text.WriteString("\n")
	if report.Session.ID != "" {
		fmt.Fprintf(&text, "session     %s (chain %s, application %s)\n", terminal.Clean(report.Session.ID), terminal.Clean(report.Session.RelayChain),
			terminal.Clean(report.Session.Application))
	}
	fmt.Fprintf(&text, "question    %s\nasked       %s\n", terminal.Clean(report.Question), terminal.Clean(report.AskedAt))
	if sample := report.Sample(report.Servicer); sample != nil {
		text.WriteString(sampleText(*sample))
	}
	if len(report.Samples) > 1 {
		fmt.Fprintf(&text, "skew        %d µs between the first request and the last\n\n", report.SkewMicros)
		text.WriteString(samplesTable(report))
	}
	return text.String()
}

// subject is the servicer's address, or where it was asked when it did not say who it is.
func (r *checkResult) subject() string {
	if r.Check.Servicer == "" && len(r.Check.Samples) > 0 {
		return "at " + terminal.Clean(r.Check.Samples[0].ServiceURL)
	}
	return terminal.Clean(r.Check.Servicer)
}

// against says whom an outcome speaks against.
func against(blame string) string {
	switch blame {
	case "SERVICER":
		return "the servicer"
	case "BACKEND":
		return "the node behind the servicer"
	case "SELF":
		return "who asked"
	}
	return "nobody that can be told"
}

// sampleText shows every phase of one servicer's answer.
func sampleText(sample client.CheckSample) string {
	var text strings.Builder
	fmt.Fprintf(&text, "service URL %s\n", terminal.Clean(sample.ServiceURL))
	outcome := sample.Outcome
	if sample.Blame != "" {
		outcome += ", which speaks against " + against(sample.Blame)
	}
	if sample.Detail != "" {
		outcome += ": " + sample.Detail
	}
	fmt.Fprintf(&text, "outcome     %s\n", terminal.Clean(outcome))
	from, read := "from before the write", ""
	if sample.Timing == types.TimingSource_TIMING_SOURCE_KERNEL.Label() && sample.UserLastByteMS != nil {
		from, read = "by the kernel, from when it sent the request", fmt.Sprintf("; %s ms as this program saw it", phase(sample.UserLastByteMS))
	}
	for _, line := range []struct {
		name, note string
		ms         *float64
	}{
		{"DNS", "", sample.DNSMS}, {"connect", "", sample.ConnectMS}, {"TLS", "", sample.TLSMS},
		{"write", "", sample.WriteMS}, {"first byte", from, sample.FirstByteMS},
		{"last byte", from + ": the round-trip time" + read, sample.LastByteMS},
	} {
		shown := phase(line.ms)
		if line.ms != nil {
			shown = strings.TrimRight(fmt.Sprintf("%8s ms  %s", shown, line.note), " ")
		}
		fmt.Fprintf(&text, "%-11s %s\n", line.name, shown)
	}
	fmt.Fprintf(&text, "signature   %s\nbinding     %s\nconsistency %s\n", word(sample.Signature), word(sample.Binding),
		word(strings.ToLower(sample.Consistency)))
	return text.String()
}

func samplesTable(report client.CheckReport) string {
	rows := make([][]string, 0, len(report.Samples))
	for _, sample := range report.Samples {
		rows = append(rows, []string{terminal.Clean(sample.Servicer), terminal.Clean(sample.Outcome), word(strings.ToLower(sample.Consistency)), phase(sample.LastByteMS),
			word(terminal.ID(sample.Digest)), terminal.Clean(sample.Detail)})
	}
	return terminal.Table([]string{"SERVICER", "OUTCOME", "CONSISTENCY", "RTT ms", "DIGEST", "DETAIL"}, rows)
}

// phase shows milliseconds, with whole microseconds.
func phase(ms *float64) string {
	if ms == nil {
		return terminal.Absent
	}
	return fmt.Sprintf("%.3f", *ms)
}

func word(text string) string {
	if text == "" {
		return terminal.Absent
	}
	return terminal.Clean(text)
}

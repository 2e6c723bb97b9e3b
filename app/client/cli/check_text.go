package cli

import (
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// text shows verdict and reasons first, then what they stand on.
func (r *checkResult) text() string {
	var text strings.Builder
	report := r.Check
	fmt.Fprintf(&text, "%s  servicer %s\n", clean(r.Verdict), clean(report.Servicer))
	for _, sentence := range r.Explanation {
		fmt.Fprintf(&text, "  %s\n", clean(sentence))
	}
	text.WriteString("\n")
	if report.Session.ID != "" {
		fmt.Fprintf(&text, "session     %s (chain %s, application %s)\n", clean(report.Session.ID), clean(report.Session.RelayChain), clean(report.Session.Application))
	}
	fmt.Fprintf(&text, "question    %s\nasked       %s\n", clean(report.Question), clean(report.AskedAt))
	if sample := report.Sample(report.Servicer); sample != nil {
		text.WriteString(sampleText(*sample))
	}
	if len(report.Samples) > 1 {
		fmt.Fprintf(&text, "skew        %d µs between the first request and the last\n\n", report.SkewMicros)
		text.WriteString(samplesTable(report))
	}
	return text.String()
}

// sampleText shows every phase of one servicer's answer.
func sampleText(sample client.CheckSample) string {
	var text strings.Builder
	fmt.Fprintf(&text, "service URL %s\n", clean(sample.ServiceURL))
	outcome := sample.Outcome
	if sample.Blame != "" {
		outcome += ", which speaks against " + strings.ToLower(sample.Blame)
	}
	if sample.Detail != "" {
		outcome += ": " + sample.Detail
	}
	fmt.Fprintf(&text, "outcome     %s\n", clean(outcome))
	for _, line := range []struct {
		name, note string
		ms         *float64
	}{
		{"DNS", "", sample.DNSMS}, {"connect", "", sample.ConnectMS}, {"TLS", "", sample.TLSMS},
		{"write", "", sample.WriteMS}, {"first byte", "from before the write", sample.FirstByteMS},
		{"last byte", "from before the write: the round-trip time", sample.LastByteMS},
	} {
		note := line.note
		if line.ms == nil {
			note = ""
		}
		fmt.Fprintf(&text, "%s\n", strings.TrimRight(fmt.Sprintf("%-11s %8s ms  %s", line.name, phase(line.ms), note), " "))
	}
	fmt.Fprintf(&text, "signature   %s\nbinding     %s\nconsistency %s\n", word(sample.Signature), word(sample.Binding), word(strings.ToLower(sample.Consistency)))
	return text.String()
}

func samplesTable(report client.CheckReport) string {
	rows := make([][]string, 0, len(report.Samples))
	for _, sample := range report.Samples {
		rows = append(rows, []string{clean(sample.Servicer), clean(sample.Outcome), word(strings.ToLower(sample.Consistency)), phase(sample.LastByteMS),
			word(abbreviate(sample.Digest)), clean(sample.Detail)})
	}
	return renderTable([]string{"SERVICER", "OUTCOME", "CONSISTENCY", "RTT ms", "DIGEST", "DETAIL"}, rows, plain)
}

// phase shows milliseconds, with whole microseconds.
func phase(ms *float64) string {
	if ms == nil {
		return absent
	}
	return fmt.Sprintf("%.3f", *ms)
}

func word(text string) string {
	if text == "" {
		return absent
	}
	return clean(text)
}

package fisherman

import (
	"fmt"
	"math"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// text shows verdict and reasons first, then what they stand on.
func (r *checkResult) text() string {
	var text strings.Builder
	report := r.Check
	fmt.Fprintf(&text, "%s  %s %s\n", terminal.Clean(r.Verdict), r.whom(), r.subject())
	for _, sentence := range r.Explanation {
		fmt.Fprintf(&text, "  %s\n", terminal.Clean(sentence))
	}
	text.WriteString("\n")
	switch {
	case report.Session.ID == "":
	case report.Network == api.NetworkShannon:
		fmt.Fprintf(&text, "session     %s (group %s, application %s)\n", terminal.Clean(report.Session.ID), terminal.Clean(report.Session.RelayChain),
			terminal.Clean(report.Session.Application))
	case report.Network == api.NetworkEndpoints:
		fmt.Fprintf(&text, "session     %s (group %s)\n", terminal.Clean(report.Session.ID), terminal.Clean(report.Session.RelayChain))
	default:
		fmt.Fprintf(&text, "session     %s (chain %s, application %s)\n", terminal.Clean(report.Session.ID), terminal.Clean(report.Session.RelayChain),
			terminal.Clean(report.Session.Application))
	}
	fmt.Fprintf(&text, "question    %s\nasked       %s\n", terminal.Clean(report.Question), terminal.Clean(report.AskedAt))
	if sample := report.Sample(report.Servicer); sample != nil {
		text.WriteString(sampleText(report.Network, *sample))
	}
	if len(report.Samples) > 1 {
		fmt.Fprintf(&text, "skew        %d µs between the first request and the last\n\n", report.SkewMicros)
		text.WriteString(samplesTable(report))
	}
	return text.String()
}

// whom is what the network calls the one that was checked.
func (r *checkResult) whom() string { return whomOf(r.Check.Network) }

func whomOf(network api.Network) string {
	switch network {
	case api.NetworkEndpoints:
		return "target"
	case api.NetworkShannon:
		return "supplier"
	}
	return "servicer"
}

// subject is the servicer's address, or where it was asked when it did not say who it is.
func (r *checkResult) subject() string {
	if r.Check.Servicer == "" && len(r.Check.Samples) > 0 {
		return "at " + terminal.Clean(r.Check.Samples[0].ServiceURL)
	}
	return terminal.Clean(r.Check.Servicer)
}

// against says whom an outcome speaks against.
func against(network api.Network, blame api.Blame) string {
	if network == api.NetworkEndpoints && (blame == api.BlameServicer || blame == api.BlameBackend) {
		return "the target"
	}
	switch blame {
	case api.BlameServicer:
		return "the " + whomOf(network)
	case api.BlameBackend:
		return "the node behind the " + whomOf(network)
	case api.BlameSelf:
		return "who asked"
	}
	return "nobody that can be told"
}

// sampleText shows every phase of one servicer's answer.
func sampleText(network api.Network, sample api.CheckSample) string {
	var text strings.Builder
	fmt.Fprintf(&text, "service URL %s\n", terminal.Clean(sample.ServiceURL))
	outcome := string(sample.Outcome)
	if sample.Blame != nil && sample.Outcome != api.OutcomeThrottled {
		outcome += ", which speaks against " + against(network, *sample.Blame)
	}
	if sample.Detail != "" {
		outcome += ": " + sample.Detail
	}
	fmt.Fprintf(&text, "outcome     %s\n", terminal.Clean(outcome))
	from, read := "from before the write", ""
	if api.Value(sample.Timing) == api.TimingSourceKernel && sample.UserRoundTripTime != nil {
		from, read = "by the kernel, from when it sent the request", fmt.Sprintf("; %s ms as this program saw it", phase(sample.UserRoundTripTime))
	}
	for _, line := range []struct {
		name, note string
		ms         *float64
	}{
		{"DNS", "", sample.DNS}, {"connect", "", sample.Connect}, {"TLS", "", sample.TLS},
		{"write", "", sample.WriteMS}, {"first byte", from, sample.TimeToFirstByte},
		{"last byte", from + ": the round-trip time" + read, sample.RoundTripTime},
	} {
		shown := phase(line.ms)
		if line.ms != nil {
			shown = strings.TrimRight(fmt.Sprintf("%8s ms  %s", shown, line.note), " ")
		}
		fmt.Fprintf(&text, "%-11s %s\n", line.name, shown)
	}
	if sample.Answer != nil {
		fmt.Fprintf(&text, "answer      %s\n", terminal.Clean(classWords(*sample.Answer)))
	}
	if sample.Head != nil {
		fmt.Fprintf(&text, "head        %d\n", *sample.Head)
	}
	if sample.Lag != nil {
		fmt.Fprintf(&text, "lag         %d\n", *sample.Lag)
	}
	if network != api.NetworkEndpoints {
		fmt.Fprintf(&text, "signature   %s\n", word(sample.Signature))
	}
	fmt.Fprintf(&text, "binding     %s\nconsistency %s\n", word(sample.Binding), word(strings.ToLower(string(api.Value(sample.Consistency)))))
	return text.String()
}

// classWords is a class of answers as people write it: "agreed error".
func classWords(class api.AnswerClass) string {
	return strings.ToLower(strings.ReplaceAll(string(class), "_", " "))
}

func samplesTable(report api.CheckReport) string {
	rows := make([][]string, 0, len(report.Samples))
	for _, sample := range report.Samples {
		rows = append(rows, []string{terminal.Clean(sample.Servicer), terminal.Clean(sample.Outcome), word(strings.ToLower(string(api.Value(sample.Consistency)))), phase(sample.RoundTripTime),
			word(terminal.ID(api.Value(sample.AnswerDigest))), terminal.Clean(sample.Detail)})
	}
	return terminal.Table([]string{strings.ToUpper(whomOf(report.Network)), "OUTCOME", "CONSISTENCY", "RTT ms", "DIGEST", "DETAIL"}, rows)
}

// phase shows milliseconds, with whole microseconds.
func phase(ms *float64) string {
	if ms == nil {
		return terminal.Absent
	}
	return fmt.Sprintf("%.3f", *ms)
}

func word[Text ~string](text Text) string {
	if text == "" {
		return terminal.Absent
	}
	return terminal.Clean(text)
}

// explainReport says in sentences what a fisherman's check found of the servicer that it was made for.
func explainReport(report api.CheckReport) []string {
	sample := report.Sample(report.Servicer)
	if sample == nil {
		return []string{fmt.Sprintf("The %s left the session before it was asked.", whomOf(report.Network))}
	}
	return append(explainVerdict(report, sample), explainAnswer(sample.Sample)...)
}

// explainAnswer says of an answer what its node answered, unless that is data, and how far the node is behind.
func explainAnswer(sample api.Sample) (said []string) {
	switch class := api.Value(sample.Answer); {
	case class == api.AnswerClassAgreedError:
		said = append(said, "Its node answered with an error or with nothing, and so did most others and the control probe: that is the answer.")
	case class == api.AnswerClassMissing && sample.Outcome == api.OutcomeOK:
		said = append(said, "Its node says that it does not have the block yet.")
	case class == api.AnswerClassFailure:
		said = append(said, "Its node answered with an error that is not the answer of most others: it failed, or does not keep what was asked for.")
	}
	if sample.Head == nil {
		return said
	}
	text := fmt.Sprintf("Its node is at height %d", *sample.Head)
	switch {
	case sample.Lag == nil:
		text += "; what height most others have reached is not known"
	case *sample.Lag == 0:
		text += ", not behind the height that most others have reached"
	case sample.LagMS != nil:
		text += fmt.Sprintf(", %s what most others have reached (about %g s)", terminal.Behind(*sample.Lag), math.Round(*sample.LagMS/1000))
	default:
		text += fmt.Sprintf(", %s what most others have reached", terminal.Behind(*sample.Lag))
	}
	return append(said, text+".")
}

func explainVerdict(report api.CheckReport, sample *api.CheckSample) []string {
	switch report.Verdict {
	case api.CheckVerdictVoid:
		if report.Reason != "" {
			return []string{"The check counts for nobody: " + report.Reason + ". Run it again."}
		}
		said := []string{"This sample counts for nobody: " + sample.Detail + "."}
		if report.Network == api.NetworkShannon {
			return said
		}
		return append(said, explainCode(api.Value(sample.RelayError))...)
	case api.CheckVerdictThrottled:
		return []string{
			fmt.Sprintf("The %s says that it is asked too often, or asked to be left alone for a while that is not over: the check counts for nobody.", whomOf(report.Network)),
			"Ask it again later; a lower rate, or an account that allows more, keeps it from happening.",
		}
	case api.CheckVerdictNull:
		switch report.Network {
		case api.NetworkEndpoints:
			return explainTarget(*sample, report.TimeoutMS)
		case api.NetworkShannon:
			return explainSupplier(*sample, report.TimeoutMS)
		}
		return explainOutcome(*sample, report.TimeoutMS)
	case api.CheckVerdictInconsistent:
		return []string{
			fmt.Sprintf("Its answer is not that of the majority: %s.", votes(report)),
			"Its node may be on another fork, behind, pruned or faulty, or something between them alters answers.",
			"Ask the node for the same thing and compare; 'pocket fisherman evidence' shows both answers of scheduled checks.",
		}
	case api.CheckVerdictSlow:
		return append([]string{fmt.Sprintf("It answered, but its round-trip time of %s ms is above the latency SLA of %g ms.",
			phase(sample.RoundTripTime), report.LatencySLAMS)}, explainTimes(report.Network, *sample)...)
	case api.CheckVerdictUndecidable:
		return []string{
			fmt.Sprintf("It answered in time, but there is no majority to compare it with: %s; a majority needs %d votes and more than half of them.",
				votes(report), report.Quorum),
			whomsOf(report.Network) + " behind one origin (scheme, host and port), or in one network (/24 of IPv4, /48 of IPv6), have one vote together.",
		}
	}
	return []string{fmt.Sprintf("It answered in %s ms, within the latency SLA of %g ms, as the majority did: %s.",
		phase(sample.RoundTripTime), report.LatencySLAMS, votes(report))}
}

// votes counts what all servicers said.
func votes(report api.CheckReport) string {
	counts := make(map[api.Agreement]int)
	for _, sample := range report.Samples {
		counts[api.Value(sample.Consistency)]++
	}
	return fmt.Sprintf("of %d %ss %d agree, %d disagree, %d are undecidable, %d gave no answer", len(report.Samples), whomOf(report.Network),
		counts[api.AgreementAgree], counts[api.AgreementDisagree], counts[api.AgreementUndecidable], counts[""])
}

// whomsOf begins a sentence about all that are checked.
func whomsOf(network api.Network) string {
	switch network {
	case api.NetworkEndpoints:
		return "Targets of one operator,"
	case api.NetworkShannon:
		return "Suppliers of one owner,"
	}
	return "Servicers"
}

// explainTimes says where the time went.
func explainTimes(network api.Network, sample api.CheckSample) []string {
	if sample.TimeToFirstByte == nil || sample.RoundTripTime == nil {
		return nil
	}
	first, last := *sample.TimeToFirstByte, *sample.RoundTripTime
	whom := whomOf(network)
	text := fmt.Sprintf("Almost all of it passed before the first byte: the way to the %s and back, the %s, or the node behind it.", whom, whom)
	if last-first > first {
		text = "Most of it passed between the first and the last byte: the answer is large or drips, or the line is narrow."
	}
	if sample.Connect != nil && first < 3**sample.Connect {
		text += " Connecting took about as long, so it is the distance rather than the " + whom + "."
	}
	return []string{text}
}

// explainOutcome says what it means that there was no valid answer, and what to look at.
func explainOutcome(sample api.CheckSample, timeoutMS float64) []string {
	var text string
	switch sample.Outcome {
	case api.OutcomeTimeout:
		text = fmt.Sprintf("There was no complete answer within %g ms. Look at the phases: one without a time is where it hung. "+
			"Without a connect time, packets are dropped on the way (a firewall, a wrong address); with one, the servicer or its node hangs.", timeoutMS)
	case api.OutcomeDNS:
		text = "The host name of the service URL does not exist. Check the URL that is staked, and the name's records."
	case api.OutcomeConnect:
		text = "No connection was made: nothing listens there, it cannot be reached, or its address is not public and is not dialled."
	case api.OutcomeTLS:
		text = "The TLS handshake failed. Check the certificate's names, dates and chain, and that the servicer takes TLS 1.2 or newer " +
			"at this port."
	case api.OutcomeReset:
		text = "The connection broke after the request was sent. The servicer or a proxy before it crashed, restarted, or refuses such requests."
	case api.OutcomeHTTPStatus:
		text = "Something answered with an HTTP status other than 200: a proxy, or not a servicer. Servicers answer 200 " +
			"even when they refuse; check path and proxy."
	case api.OutcomeMalformed:
		text = "What came back is not a signed answer to the question. Something else than a servicer may listen there, " +
			"or its node answers something that is no JSON-RPC."
	case api.OutcomeTooLarge:
		text = "The answer is larger than is read: 16 KiB of header, 1 MiB of body."
	case api.OutcomeBadSignature:
		text = "The answer is not signed by the key that is staked for the servicer's address. Another key is configured, or " +
			"something alters answers on the way."
	case api.OutcomeWrongBinding:
		text = "The answer is signed, but for another request or in another servicer's name: a cache or proxy gives out " +
			"old answers, or two servicers share an address."
	case api.OutcomeMissing:
		text = "Its node answered that there is nothing, where others have data: it is behind, has pruned what was asked for, or serves another chain."
	case api.OutcomeBackendError:
		text = "The servicer answered, but the node behind it did not: it failed, timed out, or returned a JSON-RPC error."
	case api.OutcomeThrottled:
		text = "It says that it is asked too often, or asked to be left alone for a while that is not over: the sample counts for nobody."
	case api.OutcomeRelayError:
		text = "The servicer refused the request, and signed the refusal."
	default:
		text = "The sample counts for nobody: the fault may be here."
	}
	said := []string{text}
	if sample.Detail != "" {
		said = append(said, "What was seen: "+sample.Detail+".")
	}
	return append(said, explainCode(api.Value(sample.RelayError))...)
}

// explainTarget is explainOutcome for a target of a list of endpoints, which is a node and signs nothing.
func explainTarget(sample api.CheckSample, timeoutMS float64) []string {
	text := ""
	switch sample.Outcome {
	case api.OutcomeTimeout:
		text = fmt.Sprintf("There was no complete answer within %g ms. Look at the phases: one without a time is where it hung. "+
			"Without a connect time, packets are dropped on the way (a firewall, a wrong address); with one, the target hangs.", timeoutMS)
	case api.OutcomeDNS:
		text = "The host name of the URL does not exist. Check the URL in the configuration, and the name's records."
	case api.OutcomeTLS:
		text = "The TLS handshake failed. Check the certificate's names, dates and chain, and that the target takes TLS 1.2 or newer at this port."
	case api.OutcomeReset:
		text = "The connection broke after the request was sent. The target or a proxy before it crashed, restarted, or refuses such requests."
	case api.OutcomeHTTPStatus:
		text = "The target answered with an HTTP status other than 200. Check the path, the key and the header fields that it wants."
	case api.OutcomeMalformed:
		text = "What came back is not an answer to the question: a page of HTML, something that is no JSON, or the answer to another request."
	case api.OutcomeMissing:
		text = "It answered that there is nothing, where others have data: it is behind, has pruned what was asked for, or serves another chain."
	case api.OutcomeBackendError:
		text = "It answered with an error that is not the answer of most others: it failed, or does not keep what was asked for."
	default:
		return explainOutcome(sample, timeoutMS)
	}
	if sample.Detail != "" {
		return []string{text, "What was seen: " + sample.Detail + "."}
	}
	return []string{text}
}

// explainSupplier is explainOutcome for a supplier of the live Pocket network, whose refusals nobody signs.
func explainSupplier(sample api.CheckSample, timeoutMS float64) []string {
	text := ""
	switch sample.Outcome {
	case api.OutcomeTimeout:
		text = fmt.Sprintf("There was no complete answer within %g ms. Look at the phases: one without a time is where it hung. "+
			"Without a connect time, packets are dropped on the way (a firewall, a wrong address); with one, the supplier or its node hangs.", timeoutMS)
	case api.OutcomeTLS:
		text = "The TLS handshake failed. Check the certificate's names, dates and chain, and that the supplier takes TLS 1.2 or newer at this port."
	case api.OutcomeReset:
		text = "The connection broke after the request was sent. The RelayMiner or a proxy before it crashed, restarted, or refuses such requests."
	case api.OutcomeHTTPStatus:
		text = "Something answered with an HTTP status other than 200, and not as a RelayMiner does: a proxy, or no RelayMiner; check path and proxy."
	case api.OutcomeMalformed:
		text = "What came back is not a signed answer to the question. Something else than a RelayMiner may listen there, or its node answers something that is no JSON-RPC."
	case api.OutcomeBadSignature:
		text = "The answer is not signed by the key that the supplier's account has on the chain. Another key is configured, or something alters answers on the way."
	case api.OutcomeWrongBinding:
		text = "The answer is signed, but for another request or session: a cache or proxy gives out old answers."
	case api.OutcomeRelayError:
		text = "The RelayMiner refused the request, and blames itself or its configuration. Refusals are not signed: what stands between could have made it."
	case api.OutcomeBackendError:
		text = "The RelayMiner answered, but the node behind it did not: it failed, timed out, or returned a JSON-RPC error."
	default:
		sample.RelayError = nil // its codes are those of RelayMiners
		return explainOutcome(sample, timeoutMS)
	}
	if sample.Detail != "" {
		return []string{text, "What was seen: " + sample.Detail + "."}
	}
	return []string{text}
}

// explainCode says what a signed error means to the servicer's operator.
func explainCode(code string) []string {
	means := map[string]string{
		"TOO_LARGE":              "the request is larger than the servicer reads",
		"MALFORMED":              "the servicer cannot read the request; an older program on one of the sides is the likely cause",
		"WRONG_SERVICER":         "the servicer runs with another address than the one that was asked; check its key and the URL that is staked for it",
		"SESSION_NOT_CURRENT":    "by the servicer's own height the session is over or has not begun; its node of the chain may be behind",
		"CHAIN_NOT_SERVED":       "the servicer has no upstream configured for this relay chain",
		"APPLICATION_NOT_STAKED": "by the state that the servicer sees, the application is not staked for this relay chain",
		"NOT_IN_SESSION": "by the state that the servicer sees, it is not in this session, or the session is another; its node of the " +
			"chain may be behind or on another network",
		"REPLAYED":             "the servicer saw the request before",
		"SIGNER_NOT_ALLOWED":   "the signer is neither the application nor a fisherman of the session, by the state that the servicer sees",
		"BAD_SIGNATURE":        "the servicer finds that the request's signature does not fit",
		"OVER_ALLOWANCE":       "the allowance of the session is used up; that is the asker's fault",
		"BUSY":                 "the servicer runs as many relays as it may; give it more room, or find what fills it",
		"NOT_READY":            "the servicer has no block of the chain yet",
		"UPSTREAM_TIMEOUT":     "the node behind the servicer did not answer in time",
		"UPSTREAM_UNREACHABLE": "the servicer cannot reach the node behind it; check its upstream's URL",
		"UPSTREAM_TOO_LARGE":   "the node behind the servicer answered more than is passed on",
		"UPSTREAM_NOT_JSON":    "the node behind the servicer answered something that is not JSON",
	}
	if code == "" {
		return nil
	}
	if text, known := means[code]; known {
		return []string{code + " means: " + text + "."}
	}
	return []string{code + " is not known to this program."}
}

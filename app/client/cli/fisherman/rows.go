package fisherman

import (
	"strconv"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// The functions below make the CSV forms. Scripts depend on them: columns are only ever added at the end.

// rows are the samples of a check.
func (r *checkResult) rows() [][]string {
	rows := [][]string{{"session_id", "relay_chain", "application", "question", "asked_at", "checked", "verdict", "servicer", "service_url", "outcome", "blame",
		"consistency", "rtt_ms", "ttfb_ms", "over_sla", "answer_digest", "detail"}}
	check := r.Check
	for _, sample := range check.Samples {
		rows = append(rows, []string{command.CSVText(check.Session.ID), command.CSVText(check.Session.RelayChain), command.CSVText(check.Session.Application),
			command.CSVText(check.Question), command.CSVText(check.AskedAt), command.CSVText(check.Servicer), command.CSVText(r.Verdict),
			command.CSVText(sample.Servicer), command.CSVText(sample.ServiceURL), command.CSVText(api.WordOf(sample.Outcome)), command.CSVText(api.WordOf(api.Value(sample.Blame))),
			command.CSVText(api.WordOf(api.Value(sample.Consistency))), csvMillis(sample.RoundTripTime), csvMillis(sample.TimeToFirstByte),
			strconv.FormatBool(sample.OverSLA), command.CSVText(api.Value(sample.AnswerDigest)), command.CSVText(sample.Detail)})
	}
	return rows
}

// csvMillis is empty without a time.
func csvMillis(ms *float64) string {
	if ms == nil {
		return ""
	}
	return strconv.FormatFloat(*ms, 'f', -1, 64)
}

// evidenceRows are what servicers said in checks.
func evidenceRows(found api.EvidencePage) [][]string {
	rows := [][]string{{"session_id", "session_height", "relay_chain", "geo_zone", "application", "check", "asked_at", "question", "servicer", "service_url",
		"consistency", "digest", "proof"}}
	for _, piece := range found.Evidence {
		for _, vote := range piece.Votes {
			rows = append(rows, []string{command.CSVText(piece.Session.ID), strconv.FormatInt(piece.Session.StartHeight, 10), command.CSVText(piece.Session.RelayChain),
				command.CSVText(piece.Session.GeoZone), command.CSVText(piece.Session.Application), strconv.FormatUint(uint64(piece.Check), 10),
				command.CSVText(piece.AskedAt), command.CSVText(piece.Question), command.CSVText(vote.Servicer), command.CSVText(vote.ServiceURL),
				command.CSVText(api.WordOf(vote.Consistency)), command.CSVText(vote.Digest), command.CSVText(string(piece.Proof))})
		}
	}
	return rows
}

// verdictRows are the steps by which evidence was checked.
func verdictRows(verdicts []verdictOfPiece) [][]string {
	rows := [][]string{{"session_id", "check", "verified", "proof", "subject", "claim", "ok", "detail"}}
	for _, verdict := range verdicts {
		for _, step := range verdict.Steps {
			rows = append(rows, []string{command.CSVText(verdict.Session), strconv.FormatUint(uint64(verdict.Check), 10), strconv.FormatBool(verdict.Verified),
				command.CSVText(string(verdict.Proof)), command.CSVText(step.Subject), command.CSVText(step.Claim), strconv.FormatBool(step.OK), command.CSVText(step.Detail)})
		}
	}
	return rows
}

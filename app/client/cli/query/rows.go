package query

import (
	"strconv"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// The functions below make the CSV forms. Scripts depend on them: columns are only ever added at the end.

func sessionRows(session api.Session) [][]string {
	rows := [][]string{{"session_id", "start_height", "blocks", "height", "relay_chain", "geo_zone", "application", "role", "rank", "address", "service_url"}}
	for _, members := range [][]api.Actor{session.Servicers, session.Fishermen} {
		for rank, member := range members {
			rows = append(rows, []string{command.CSVText(session.ID), number(session.StartHeight), number(session.Blocks), number(session.Height),
				command.CSVText(session.RelayChain), command.CSVText(session.GeoZone), command.CSVText(session.Application.Address),
				command.CSVText(string(member.Type)), strconv.Itoa(rank + 1), command.CSVText(member.Address), command.CSVText(member.ServiceURL)})
		}
	}
	return rows
}

func actorsRows(found api.Actors) [][]string {
	rows := [][]string{{"height", "type", "address", "public_key", "relay_chains", "geo_zone", "stake_upokt", "paused_height", "operator", "service_url"}}
	for _, actor := range found.Actors {
		rows = append(rows, []string{number(found.Height), command.CSVText(string(actor.Type)), command.CSVText(actor.Address), command.CSVText(actor.PublicKey),
			command.CSVList(actor.RelayChains), command.CSVText(actor.GeoZone), command.CSVText(actor.StakeUPOKT), number(actor.PausedHeight),
			command.CSVText(actor.Operator), command.CSVText(actor.ServiceURL)})
	}
	return rows
}

// accountRows have a row for each stake that is on its way back, or one without any.
func accountRows(account api.Account) [][]string {
	rows := [][]string{{"height", "address", "balance_upokt", "sequence", "unbonding_type", "unbonding_upokt", "unlock_height"}}
	row := []string{number(account.Height), command.CSVText(account.Address), command.CSVText(account.BalanceUPOKT), strconv.FormatUint(account.Sequence, 10)}
	for _, u := range account.Unbonding {
		rows = append(rows, append(row[:4:4], command.CSVText(string(u.Type)), command.CSVText(u.AmountUPOKT), number(u.UnlockHeight)))
	}
	if len(account.Unbonding) == 0 {
		rows = append(rows, append(row, "", "", ""))
	}
	return rows
}

func paramsRows(height int64, groups map[string]map[string]any) [][]string {
	rows := [][]string{{"height", "parameter", "value"}}
	for _, row := range parameterRows(groups) {
		rows = append(rows, []string{number(height), command.CSVText(row[0]), command.CSVText(row[1])})
	}
	return rows
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

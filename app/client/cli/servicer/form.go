package servicer

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// Columns of the CSV forms. Scripts depend on them: columns are only ever added at the end.
var (
	relaySessionsHeader = []string{"session_id", "session_height", "relay_chain", "geo_zone", "application", "relays"}
	relaysHeader        = []string{"session_id", "place", "request_hash", "servicer", "application", "signer", "received", "answered",
		"upstream_status", "verified", "request", "response"}
)

func relaySessionsText(kept client.KeptRelays) string {
	store := kept.Store
	text := fmt.Sprintf("%d relays of %d sessions are kept, %d bytes; since the node runs %d sessions were evicted and the disk failed %d times\n\n",
		store.Relays, store.Sessions, store.Bytes, store.EvictedSessions, store.Failures)
	counts := make([][]string, 0, len(kept.Servicers))
	for _, servicer := range kept.Servicers {
		counts = append(counts, []string{terminal.Clean(servicer.Address), strconv.FormatUint(servicer.Stored, 10),
			strconv.FormatUint(servicer.Dropped, 10), strconv.FormatUint(servicer.Failed, 10)})
	}
	text += terminal.Table([]string{"SERVICER", "STORED", "DROPPED", "FAILED"}, counts)
	return text + "\n" + terminal.Table([]string{"SESSION", "HEIGHT", "CHAIN", "ZONE", "APPLICATION", "RELAYS"}, relaySessionRows(kept, terminal.Clean))
}

func relaySessionRows(kept client.KeptRelays, text func(string) string) [][]string {
	rows := make([][]string, 0, len(kept.Sessions))
	for _, session := range kept.Sessions {
		rows = append(rows, []string{text(session.ID), strconv.FormatInt(session.StartHeight, 10), text(session.RelayChain),
			text(session.GeoZone), text(session.Application), strconv.Itoa(session.Relays)})
	}
	return rows
}

func relaysText(page verifiedPage) string {
	rows := make([][]string, 0, len(page.Relays))
	for _, r := range page.Relays {
		signatures := "both fit"
		if !r.Verified {
			signatures = "NOT VERIFIED"
		}
		rows = append(rows, []string{strconv.FormatInt(r.Place, 10), terminal.Clean(r.RequestHash), terminal.Clean(r.Servicer), terminal.Clean(r.Signer),
			r.Received.UTC().Format(time.RFC3339Nano), signatures})
	}
	text := fmt.Sprintf("session      %s\n", terminal.Clean(page.Session))
	if len(page.Relays) > 0 {
		text += fmt.Sprintf("application  %s\n", terminal.Clean(page.Relays[0].Application))
	}
	text += fmt.Sprintf("relays       %d kept, %d shown", page.Kept, len(page.Relays))
	if page.Next != nil {
		text += fmt.Sprintf("; go on with --from %d", *page.Next)
	}
	return text + "\n\n" + terminal.Table([]string{"PLACE", "REQUEST", "SERVICER", "SIGNER", "RECEIVED", "SIGNATURES"}, rows)
}

func relayRows(page verifiedPage) [][]string {
	rows := make([][]string, 0, len(page.Relays))
	for _, r := range page.Relays {
		rows = append(rows, []string{command.CSVText(page.Session), strconv.FormatInt(r.Place, 10), command.CSVText(r.RequestHash), command.CSVText(r.Servicer),
			command.CSVText(r.Application), command.CSVText(r.Signer), r.Received.UTC().Format(time.RFC3339Nano), r.Answered.UTC().Format(time.RFC3339Nano),
			strconv.FormatUint(uint64(r.UpstreamStatus), 10), strconv.FormatBool(r.Verified),
			command.CSVText(base64.StdEncoding.EncodeToString(r.Request)), command.CSVText(base64.StdEncoding.EncodeToString(r.Response))})
	}
	return rows
}

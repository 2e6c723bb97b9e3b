package configs

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/secret"
)

const (
	// MinimumSnapshotInterval is the smallest number of blocks between snapshots: a joining node needs some time to fetch
	// one before it is replaced.
	MinimumSnapshotInterval = 100
	// maximumTrustPeriod and minimumTrustPeriod bound StateSync.TrustPeriod.
	maximumTrustPeriod = 365 * 24 * time.Hour
	minimumTrustPeriod = time.Minute
	// maximumServers bounds StateSync.RPCServers.
	maximumServers = 16
	// week is how long KeepWeek keeps.
	week = 7 * 24 * time.Hour
)

// Keep is how many newest heights a node keeps: a number, or one of these.
type Keep int64

const (
	// KeepWeek keeps a week's worth of heights, by the block time. It is the default.
	KeepWeek Keep = 0
	// KeepAll keeps every height. In a file it is "all" or 0.
	KeepAll Keep = -1
)

// Heights returns the number of heights that are kept with a block time; 0 for all.
func (k Keep) Heights(blockTime time.Duration) int64 {
	switch k {
	case KeepAll:
		return 0
	case KeepWeek:
		return max(int64(week/max(blockTime, minimumBlockTime)), 1)
	}
	return int64(k)
}

// MarshalJSON returns the number, "week" or "all".
func (k Keep) MarshalJSON() ([]byte, error) {
	switch k {
	case KeepAll:
		return []byte(`"all"`), nil
	case KeepWeek:
		return []byte(`"week"`), nil
	}
	return strconv.AppendInt(nil, int64(k), 10), nil
}

// UnmarshalJSON accepts a number or what UnmarshalText accepts.
func (k *Keep) UnmarshalJSON(data []byte) error {
	var text string
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	} else {
		text = string(data)
	}
	return k.UnmarshalText([]byte(text))
}

// UnmarshalText accepts a whole number that is not negative, of which 0 is all, "week" and "all".
func (k *Keep) UnmarshalText(text []byte) error {
	switch string(text) {
	case "all", "0":
		*k = KeepAll
		return nil
	case "week":
		*k = KeepWeek
		return nil
	}
	number, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || number < 1 {
		return fmt.Errorf("keep_heights: %s is not a number of heights, week or all", quoted(string(text)))
	}
	*k = Keep(number)
	return nil
}

// StateSync says from which block on a snapshot of a peer is verified. 'pocket node init --from-snapshot' writes it.
type StateSync struct {
	// RPCServers are URLs of the CometBFT JSON-RPC of two nodes or more, of different operators if possible.
	RPCServers []string `json:"rpc_servers"`
	// TrustHeight and TrustHash, 64 hex digits, name a block that is trusted.
	TrustHeight int64  `json:"trust_height"`
	TrustHash   string `json:"trust_hash"`
	// TrustPeriod is how old that block may be: less than validators take to unbond.
	TrustPeriod Duration `json:"trust_period"`
}

// history checks how much is kept, and how an empty home begins.
func (p *problems) retention(c Chain) {
	p.add(c.SnapshotInterval == 0 || c.SnapshotInterval >= MinimumSnapshotInterval, "chain.snapshot_interval",
		strconv.FormatInt(c.SnapshotInterval, 10), fmt.Sprintf("0 for none, or at least %d blocks", MinimumSnapshotInterval))
	if c.StateSync == nil {
		return
	}
	const field = "chain.state_sync"
	servers := c.StateSync.RPCServers
	p.add(2 <= len(servers) && len(servers) <= maximumServers, field+".rpc_servers", fmt.Sprintf("%d of them", len(servers)),
		fmt.Sprintf("2 to %d: what one says is checked with another", maximumServers))
	seen := make(map[string]bool, len(servers))
	for i, server := range servers {
		at := fmt.Sprintf("%s.rpc_servers[%d]", field, i)
		p.add(isServer(server), at, "that", "an http or https URL with a host, and without user, query or fragment")
		p.add(!seen[server], at, "that", "a node of its own")
		seen[server] = true
	}
	p.add(c.StateSync.TrustHeight >= 1, field+".trust_height", strconv.FormatInt(c.StateSync.TrustHeight, 10), "at least 1")
	hash, err := hex.DecodeString(c.StateSync.TrustHash)
	p.add(err == nil && len(hash) == 32, field+".trust_hash", quoted(c.StateSync.TrustHash), "64 hex digits")
	period := time.Duration(c.StateSync.TrustPeriod)
	p.add(minimumTrustPeriod <= period && period <= maximumTrustPeriod, field+".trust_period", period.String(),
		fmt.Sprintf("%s to %s", minimumTrustPeriod, maximumTrustPeriod))
}

// isServer reports whether a URL names a node and nothing else.
func isServer(raw string) bool {
	parsed, problem := secret.ParseURL(raw)
	return problem == "" && parsed.User == nil && parsed.RawQuery == ""
}

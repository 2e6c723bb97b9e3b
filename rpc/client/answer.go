package client

import "github.com/pocket-fisherman/fisherman/qos"

// Status is what a node is.
type Status struct {
	ChainID string `json:"chain_id"`
	// Height is the last committed height; 0 before the first block.
	Height int64 `json:"height"`
	// Fisherman is the address of the fisherman that runs in the node; nil for none.
	Fisherman *string `json:"fisherman"`
	Version   string  `json:"version"`
	// Store is where that fisherman's samples are held; nil for none.
	Store *Store `json:"store"`
}

// Store tells where a fisherman's samples are held.
type Store struct {
	// Durable: samples are on the disk and survive a crash. Otherwise those since Since (RFC 3339) are in memory only, for
	// Reason; both are empty while Durable. Reason is the node's text: clean it before a terminal sees it.
	Durable bool   `json:"durable"`
	Reason  string `json:"reason"`
	Since   string `json:"since"`
	// Disk and Memory are what can be read there.
	Disk   Held `json:"disk"`
	Memory Held `json:"memory"`
	// EvictedSessions counts sessions that the caps removed.
	EvictedSessions int64 `json:"evicted_sessions"`
	// UnreadableSessions counts sessions whose rounds could not be read; no report has them.
	UnreadableSessions int `json:"unreadable_sessions"`
	// SetAside is the directory that a damaged store was moved to since the node was started; empty for none.
	SetAside string `json:"set_aside"`
}

// Held counts what is stored in one place. Bytes count keys and records.
type Held struct {
	Sessions int   `json:"sessions"`
	Rounds   int   `json:"rounds"`
	Bytes    int64 `json:"bytes"`
}

// Actor is one staked party.
type Actor struct {
	Type       string   `json:"type"`
	Address    string   `json:"address"`
	PublicKey  string   `json:"public_key"`
	Chains     []string `json:"chains"`
	GeoZone    string   `json:"geo_zone"`
	ServiceURL string   `json:"service_url"`
	// StakeUPOKT is a decimal number in uPOKT.
	StakeUPOKT string `json:"stake_upokt"`
	// PausedHeight is the height at which the actor was paused; 0 while it is not.
	PausedHeight int64 `json:"paused_height"`
}

// Actors are the staked actors of one type as of a height, ordered by address.
type Actors struct {
	Height int64   `json:"height"`
	Actors []Actor `json:"actors"`
}

// Account is what an address owns as of a height.
type Account struct {
	Height  int64  `json:"height"`
	Address string `json:"address"`
	// BalanceUPOKT is a decimal number in uPOKT.
	BalanceUPOKT string `json:"balance_upokt"`
	// Sequence that the account's next transaction has to carry.
	Sequence uint64 `json:"sequence"`
	// Unbonding are stakes on their way back, the next to be unlocked first.
	Unbonding []Unbonding `json:"unbonding"`
}

// Unbonding is a stake on its way back to its account.
type Unbonding struct {
	Type string `json:"type"`
	// AmountUPOKT is a decimal number in uPOKT.
	AmountUPOKT string `json:"amount_upokt"`
	// UnlockHeight is the height of the block at whose end the amount is spendable.
	UnlockHeight int64 `json:"unlock_height"`
}

// Receipt is what is known of a transaction that was handed in.
type Receipt struct {
	// Hash is SHA-256 of the transaction, in hex.
	Hash string `json:"hash"`
	// Height of its block; 0 while no block has it.
	Height int64 `json:"height"`
	// Code of its result in that block; 0 when it was carried out.
	Code int32 `json:"code"`
	// Result is the code's name: "OK", "NOT_OWNER", …; "PENDING" while no block has it.
	Result string `json:"result"`
	// Log explains a code other than 0. It is the node's text: clean it before a terminal sees it.
	Log string `json:"log"`
}

// Session is a session with its members as of one height.
type Session struct {
	ID          string `json:"id"`
	StartHeight int64  `json:"start_height"`
	// Blocks in the session: it covers [StartHeight, StartHeight + Blocks).
	Blocks int64 `json:"blocks"`
	// Height that the members were selected for.
	Height      int64  `json:"height"`
	RelayChain  string `json:"relay_chain"`
	GeoZone     string `json:"geo_zone"`
	Application Actor  `json:"application"`
	// Servicers and Fishermen are in rank order.
	Servicers []Actor `json:"servicers"`
	Fishermen []Actor `json:"fishermen"`
}

// QoSFilter narrows a report; its zero value admits the newest sessions, as many as the node answers by itself.
type QoSFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only this servicer's rows; empty admits all.
	Servicer string
	// Last admits the newest N sessions; 0 leaves the number to the node.
	Last int
}

// WindowFilter says what is merged and shown.
type WindowFilter struct {
	Span Span
	// Servicer shows only this servicer's rows; empty shows all.
	Servicer string
}

// EvidenceFilter narrows evidence; its zero value admits the newest checks in which servicers disagreed, as many as the
// node answers by itself.
type EvidenceFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only checks in which this address is on a side; empty admits all.
	Servicer string
	// Check admits only this place in a session's plan; nil admits all.
	Check *uint32
	// Before admits only checks that are older than the place; nil admits all.
	Before *EvidencePlace
	// Limit is the most checks of the page, 1 to 100; 0 leaves the number to the node.
	Limit int
}

// Report is the quality of service by session, oldest first. It and its parts are the very types that the node makes
// it of. WindowsReport is the same, merged over the sessions that a Span reaches.
type (
	WindowsReport  = qos.WindowsReport
	WindowReport   = qos.WindowReport
	WindowServicer = qos.WindowServicer
	Span           = qos.Span
	Report         = qos.Report
	SessionReport  = qos.SessionReport
	ServicerReport = qos.ServicerReport
	Verdict        = qos.Verdict
	EvidencePage   = qos.EvidencePage
	EvidencePlace  = qos.EvidencePlace
	CheckReport    = qos.CheckReport
	CheckSample    = qos.CheckSample
)

package types

import "time"

// Head is one committed block, as consensus publishes it.
type Head struct {
	// Height of the block, from 1.
	Height int64
	// BlockHash is the hash of the block.
	BlockHash []byte
	// Time is the block's time, agreed on by the validators. It lags the wall clock.
	Time time.Time
	// CatchingUp marks a head that was replayed or fetched rather than witnessed; it starts nothing.
	CatchingUp bool
}

// Package endpoints is a network without a chain: groups of RPC endpoints that somebody has listed. Network implements
// fisherman.Network.
//
// A session is a stretch of time in which the targets of one group are asked; heights are the seconds of a clock. Before a
// session each target is asked who it is: its chain, its software, its newest height. Targets of another chain than most
// are members of the session that are not asked.
//
// Questions are sent as any client sends them, over HTTP/1.1, and nobody signs the answers. URLs and headers hold keys of
// the user's: the fisherman sees scheme and host only, and Redact removes the rest from what is kept of an answer.
package endpoints

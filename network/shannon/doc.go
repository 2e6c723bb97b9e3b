// Package shannon is the live Pocket network as a gateway or an application sees it: the suppliers of its sessions.
// Network implements fisherman.Network.
//
// A group is an application with a service, and a key that may sign for it. At each head the chain is asked for the group's
// session; its suppliers are the session's servicers, and their staked URLs are a stranger's choice. Relays are signed, sealed
// and opened by package protocol, the chain is read by package chain. Why a group has no session is a Problem, which is counted
// and logged once.
//
// Every relay costs the application money: a budget (budget.go, pure) pays for each check before it asks, and what was spent
// outlives the process (spending.go; docs/adr/0058).
package shannon

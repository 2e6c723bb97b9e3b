// Package modules holds the contracts between the parts of a node: UtilityModule (reads the chain's state),
// ServicerModule (answers relays) and FishermanModule (executes, stores and reads back QoS checks). Implementations
// assert them at compile time; consumers declare smaller interfaces of their own.
package modules

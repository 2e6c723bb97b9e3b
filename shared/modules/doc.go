// Package modules holds the contracts between the parts of a node that the mission names: UtilityModule (what the
// chain's state says), ServicerModule (answer a relay) and FishermanModule (execute a QoS check, store it, read it
// back). Implementations assert them at compile time; consumers declare smaller interfaces of their own.
package modules

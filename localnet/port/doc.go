// Package port finds loopback ports that can be opened again later: ports that the system does not assign to outgoing
// connections. Any program may come to have one of those that it does assign between two uses.
package port

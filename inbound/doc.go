// Package inbound bounds the connections that clients open to a server of package net/http: for each client address and in
// all, and by the descriptors of the process. A connection that is idle makes room for a new one, so that a client that holds many
// and asks nothing keeps nobody out.
package inbound

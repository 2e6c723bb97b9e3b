// Package delivery sends messages about alerts: New makes a Receiver of a URL.
//
// The URLs of chats and of mail are those of github.com/nicholas-fedor/shoutrrr, which also makes the chats' payloads;
// requests are our own, so that each has a bound in time and size and ends with its context (docs/adr/0064). URLs hold
// tokens: an Error says what went wrong in words of this package, and nothing that a library or a server said.
package delivery

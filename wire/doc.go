// Package wire is timed HTTP over any bytes: it connects, sends a serialised request, reads the response, and says when
// each byte left and arrived.
//
// The central type is Conn. A Dialer makes it from a URL that a stranger chose: every address is judged after resolution
// and before it is dialled. Release writes a request and Receive, or ReceiveLater for many at once, reads the answer, each
// noting the time by the kernel's stamps where there are any (Times). A Pool keeps connections between exchanges. A Failure says how an exchange ended
// without an answer, and whom that speaks against. The package knows no envelope, path or content type.
package wire

package rpc

import (
	"net"
	"net/http"
	"strings"
)

// Guard refuses what a browser does in the name of another site, of a handler that is not the API but is served beside it.
// Unless it is public, a request has to call this machine by a name of its own: "localhost" or a loopback address (421
// otherwise). A page of another site may not even read (403): such handlers act on GET as well.
func Guard(handler http.Handler, public bool) http.Handler {
	var own http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := *r
		asked.Method = http.MethodPost // a method that CrossOriginProtection takes for one that acts
		switch {
		case !public && !isThisMachine(r.Host):
			turnAway(w, http.StatusMisdirectedRequest, "this node answers to localhost and loopback addresses only here")
		case own.Check(&asked) != nil:
			turnAway(w, http.StatusForbidden, "a page of another site may not do this")
		default:
			handler.ServeHTTP(w, r)
		}
	})
}

func turnAway(w http.ResponseWriter, status int, why string) {
	guard(w.Header())
	w.Header().Set("Connection", "close")
	http.Error(w, why, status)
}

// isThisMachine reports whether a host, with a port or without, is a name of this machine for itself.
func isThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

package fakes

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Fault is what a servicer does instead of answering well.
type Fault struct {
	// answer does something about a request and tells whether the connection stays open.
	answer func(*exchange) bool
	// greeting is sent before anything was asked.
	greeting string
	// down: nobody listens. mute: connections are accepted and nothing else, at an https URL.
	down, mute bool
	// dawdle is how long a new connection waits for its handshake, or without TLS for its first answer.
	dawdle time.Duration
	// slam: a connection is broken as soon as it stands.
	slam bool
}

// Honest answers well.
func Honest() Fault {
	return Fault{answer: func(e *exchange) bool { return e.write(http.StatusOK, e.seal(e.response(e.result("")))) }}
}

// Wordy answers well, with a result of at least so many bytes.
func Wordy(size int) Fault { return Fault{answer: filled(size, "")} }

// Sleepy answers well, but only after a time.
func Sleepy(d time.Duration) Fault {
	honest := Honest()
	return Fault{answer: func(e *exchange) bool { return e.wait(d) && honest.answer(e) }}
}

// Down refuses connections.
func Down() Fault { return Fault{down: true} }

// Lying seals a false result; liars of the same lie agree with each other.
func Lying(lie string) Fault { return Fault{answer: filled(0, lie)} }

// Blustering lies in so many bytes.
func Blustering(size int, lie string) Fault { return Fault{answer: filled(size, lie)} }

func filled(size int, lie string) func(*exchange) bool {
	return func(e *exchange) bool {
		member := `,"lie":"` + lie + `"`
		if lie == "" {
			member = ""
		}
		if size > 0 {
			member += `,"filler":"` + strings.Repeat("x", size) + `"`
		}
		return e.write(http.StatusOK, e.seal(e.response(e.result(member))))
	}
}

// Dripping sends its answer byte by byte, one an interval.
func Dripping(interval time.Duration) Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		for _, b := range []byte(head(http.StatusOK, len(body)) + string(body)) {
			if !e.wait(interval) || !e.say(string(b)) {
				return false
			}
		}
		return true
	}}
}

// Bomb sends a body without end.
func Bomb() Fault {
	return Fault{answer: func(e *exchange) bool {
		chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
		for open := e.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); open; {
			open = e.say(chunk)
		}
		return false
	}}
}

// Huge announces a body of a terabyte and sends none.
func Huge() Fault {
	return Fault{answer: func(e *exchange) bool {
		if e.say(head(http.StatusOK, 1<<40)) {
			e.hang()
		}
		return false
	}}
}

// Forging signs by another key.
func Forging() Fault {
	another := crypto.KeyFromSeed(sha256.Sum256([]byte("a key that is not staked")))
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusOK, sealBy(another, e.response(e.result(""))))
	}}
}

// Replaying gives, properly signed, the answer to another request.
func Replaying() Fault {
	return Fault{answer: func(e *exchange) bool {
		response := e.response(e.result(""))
		another := sha256.Sum256(response.GetRequestHash())
		response.RequestHash = another[:]
		return e.write(http.StatusOK, e.seal(response))
	}}
}

// Refusing seals an error.
func Refusing(code types.RelayErrorCode) Fault {
	return Fault{answer: func(e *exchange) bool {
		response := e.response(nil)
		response.UpstreamStatus = 0
		response.Error = &types.RelayError{Code: code, Message: "refused by a fake"}
		return e.write(http.StatusOK, e.seal(response))
	}}
}

// Broken passes on, properly signed, an error of its node.
func Broken() Fault {
	return Fault{answer: func(e *exchange) bool {
		if e.opened.Request.GetRest() != nil {
			response := e.response([]byte(`{"code":5,"message":"no such block"}`))
			response.UpstreamStatus = http.StatusNotFound
			return e.write(http.StatusOK, e.seal(response))
		}
		payload := []byte(`{"jsonrpc":"2.0","id":` + string(e.question().ID) + `,"error":{"code":-32603,"message":"no such block"}}`)
		return e.write(http.StatusOK, e.seal(e.response(payload)))
	}}
}

// Paging passes on, properly signed, a page for people that its node answers with status 200.
func Paging() Fault {
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusOK, e.seal(e.response([]byte("<html>welcome</html>"))))
	}}
}

// Garbled answers something that is not HTTP, in bytes that are not text.
func Garbled() Fault { return Saying("\xff\xfe\x00\x1b[2J garbage\r\n\r\n") }

// Saying answers each request with bytes as they are, and leaves the connection open.
func Saying(wire string) Fault {
	return Fault{answer: func(e *exchange) bool { return e.say(wire) }}
}

// Redirecting sends to another place.
func Redirecting(location string) Fault {
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusTemporaryRedirect, nil, "Location: "+location)
	}}
}

// Erring answers by an HTTP status and a page.
func Erring(status int) Fault {
	return Fault{answer: func(e *exchange) bool { return e.write(status, []byte("<html>oops</html>")) }}
}

// Encoded compresses a good answer that nobody asked to be compressed.
func Encoded() Fault {
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusOK, zipped(e.seal(e.response(e.result("")))), "Content-Encoding: gzip")
	}}
}

// Resetting breaks the connection when it has read the request.
func Resetting() Fault {
	return Fault{answer: func(e *exchange) bool {
		reset(e.socket)
		return false
	}}
}

// Cutting breaks off in the middle of a good answer.
func Cutting() Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		e.say(head(http.StatusOK, len(body)) + string(body[:len(body)/2]))
		return false
	}}
}

// Hanging reads the request and never answers.
func Hanging() Fault {
	return Fault{answer: func(e *exchange) bool { e.hang(); return false }}
}

// Chatty sends bytes before it is asked; then it answers well.
func Chatty() Fault {
	fault := Honest()
	fault.greeting = "welcome\r\n"
	return fault
}

// Anticipating sends a whole HTTP response before it is asked; then it answers well.
func Anticipating() Fault {
	fault := Honest()
	fault.greeting = head(http.StatusOK, 0)
	return fault
}

// Closing answers well and then closes the connection without having said so.
func Closing() Fault {
	honest := Honest()
	return Fault{answer: func(e *exchange) bool { honest.answer(e); return false }}
}

// Mute accepts connections at an https URL and never says a word.
func Mute() Fault { return Fault{mute: true} }

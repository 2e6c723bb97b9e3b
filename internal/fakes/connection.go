package fakes

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Slamming breaks each connection shortly after it stands, and reads nothing of what is asked.
func Slamming() Fault { return Evading(20 * time.Millisecond) }

// Dawdling takes its time to shake hands on a new connection; then it answers well.
func Dawdling(d time.Duration) Fault {
	fault := Honest()
	fault.dawdle = d
	return fault
}

// Curt takes its time to shake hands on a new connection, answers one request well, and closes the connection.
func Curt(d time.Duration) Fault {
	return Fault{dawdle: d, answer: func(e *exchange) bool {
		e.write(http.StatusOK, e.seal(e.response(e.result(""))), "Connection: close")
		return false
	}}
}

// Evading takes its time to shake hands, and breaks the connection then: nothing can ever be asked of it in time.
func Evading(d time.Duration) Fault { return Fault{dawdle: d, slam: true} }

// Fickle answers so many requests of a connection well, and breaks it when it has read the next.
func Fickle(good int) Fault {
	honest := Honest()
	return Fault{answer: func(e *exchange) bool {
		if e.served++; e.served <= good {
			return honest.answer(e)
		}
		reset(e.socket)
		return false
	}}
}

// BreakingHeader breaks the connection in the middle of a good answer's header.
func BreakingHeader() Fault {
	return Fault{answer: func(e *exchange) bool {
		e.say("HTTP/1.1 200 OK\r\nContent-Le")
		reset(e.socket)
		return false
	}}
}

// BreakingBody breaks the connection after the header and half of the body of a good answer.
func BreakingBody() Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		e.say(head(http.StatusOK, len(body)) + string(body[:len(body)/2]))
		reset(e.socket)
		return false
	}}
}

// DrippingHeader sends header lines, one an interval, and never comes to an end.
func DrippingHeader(interval time.Duration) Fault {
	return Fault{answer: func(e *exchange) bool {
		open := e.say("HTTP/1.1 200 OK\r\n")
		for line := 0; open && e.wait(interval); line++ {
			open = e.say(fmt.Sprintf("X-%d: x\r\n", line))
		}
		return false
	}}
}

// DrippingBody sends the header of a good answer at once, and its body byte by byte, one an interval.
func DrippingBody(interval time.Duration) Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		open := e.say(head(http.StatusOK, len(body)))
		for i := 0; open && i < len(body) && e.wait(interval); i++ {
			open = e.say(string(body[i]))
		}
		return open
	}}
}

// EndlessHeader sends header lines without end, as fast as they are taken.
func EndlessHeader() Fault {
	return Fault{answer: func(e *exchange) bool {
		lines := strings.Repeat("X-Filler: "+strings.Repeat("x", 1000)+"\r\n", 16)
		for open := e.say("HTTP/1.1 200 OK\r\n"); open; {
			open = e.say(lines)
		}
		return false
	}}
}

// Flooding sends a body of a gigabyte that ends with the connection, without having announced its length.
func Flooding() Fault {
	return Fault{answer: func(e *exchange) bool {
		chunk := strings.Repeat("x", 1<<20)
		open := e.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		for sent := 0; open && sent < 1<<30; sent += len(chunk) {
			open = e.say(chunk)
		}
		return false
	}}
}

// Zipped sends 64 KiB that decompress to 64 MiB.
func Zipped() Fault {
	// Members of a gzip stream may follow each other.
	member := zipped(make([]byte, 1<<20))
	bomb := []byte(strings.Repeat(string(member), 64))
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusOK, bomb, "Content-Encoding: gzip")
	}}
}

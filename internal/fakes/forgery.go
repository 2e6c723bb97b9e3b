package fakes

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Tampering changes one bit of its signature.
func Tampering() Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		body[len(body)-1] ^= 1 // the signature's value comes last in an envelope
		return e.write(http.StatusOK, body)
	}}
}

// Impersonating gives an answer that another servicer has signed as its own.
func Impersonating(another *Servicer) Fault {
	return Fault{answer: func(e *exchange) bool {
		response := e.response(e.result(""))
		response.Servicer = another.Address()
		return e.write(http.StatusOK, sealBy(another.key, response))
	}}
}

// Borrowing has its own answer signed by another servicer's key.
func Borrowing(another *Servicer) Fault {
	return Fault{answer: func(e *exchange) bool {
		return e.write(http.StatusOK, sealBy(another.key, e.response(e.result(""))))
	}}
}

// Misnaming signs an answer in the name of another servicer.
func Misnaming() Fault {
	another := crypto.KeyFromSeed(sha256.Sum256([]byte("another servicer"))).Address()
	return Fault{answer: func(e *exchange) bool {
		response := e.response(e.result(""))
		response.Servicer = another
		return e.write(http.StatusOK, e.seal(response))
	}}
}

// Hoarding answers the first request of all well, and gives that very answer to every request after it.
func Hoarding() Fault {
	var first []byte
	var once sync.Once
	return Fault{answer: func(e *exchange) bool {
		once.Do(func() { first = e.seal(e.response(e.result(""))) })
		return e.write(http.StatusOK, first)
	}}
}

// Anachronous answers well, with times that are off by so much.
func Anachronous(received, answered time.Duration) Fault {
	return Fault{answer: func(e *exchange) bool {
		response := e.response(e.result(""))
		response.ReceivedUnixNano += received.Nanoseconds()
		response.AnsweredUnixNano += answered.Nanoseconds()
		return e.write(http.StatusOK, e.seal(response))
	}}
}

// Mistyped gives a good answer another content type.
func Mistyped(contentType string) Fault {
	return Fault{answer: func(e *exchange) bool {
		body := e.seal(e.response(e.result("")))
		return e.say(strings.Replace(head(http.StatusOK, len(body)), relay.ContentType, contentType, 1) + string(body))
	}}
}

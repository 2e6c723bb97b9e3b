package servicer

import (
	"bytes"

	"golang.org/x/net/http/httpguts"

	"github.com/pocket-fisherman/fisherman/relay"
)

// form is what the bytes of a request are, so far.
type form int

const (
	// unfinished: the header of a plain request is not complete.
	unfinished form = iota
	// plain: the header of a plain request is complete.
	plain
	// other: it is not a plain request. Package net/http judges it.
	other
)

const requestLine = "POST " + relay.Path + " HTTP/1.1\r\n"

// plainHeader reads the header of a request that asks for a relay in the most usual way. It is strict: what it takes,
// package net/http reads as the same request (FuzzPlainHeader), and what it does not take is left to net/http to answer
// or refuse. A plain request is a POST of HTTP/1.1 to relay.Path, with one host, one Content-Length in plain decimal that
// is not beyond relay.MaxRequestBytes, and no field by which the body could be framed, or the connection used, otherwise.
// size is the header's length in bytes, length that of the body.
func plainHeader(read []byte) (found form, size, length int) {
	start := min(len(read), len(requestLine))
	if string(read[:start]) != requestLine[:start] {
		return other, 0, 0
	}
	hosts, lengths := 0, 0
	for rest := read[start:]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		line, ended := bytes.CutSuffix(rest[:end], []byte("\r"))
		rest = rest[end+1:]
		if !ended {
			return other, 0, 0
		}
		if len(line) == 0 {
			if hosts != 1 || lengths != 1 {
				return other, 0, 0
			}
			return plain, len(read) - len(rest), length
		}
		name, value, ok := field(line)
		if !ok {
			return other, 0, 0
		}
		switch known := nameOf(name); known {
		case "Host":
			hosts++
			ok = isHost(value)
		case "Content-Length":
			lengths++
			length, ok = decimal(value)
		case "Connection":
			ok = bytes.EqualFold(value, []byte("keep-alive"))
		default:
			ok = known == ""
		}
		if !ok {
			return other, 0, 0
		}
	}
	return unfinished, 0, 0
}

// special are the fields that make a request another one, or none that is plain.
var special = []string{
	"Host", "Content-Length", "Connection", "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Te", "Keep-Alive",
	"Proxy-Connection", "Http2-Settings",
}

// nameOf returns a field's name as it is in special; empty for all others.
func nameOf(name []byte) string {
	for _, known := range special {
		if len(name) == len(known) && bytes.EqualFold(name, []byte(known)) {
			return known
		}
	}
	return ""
}

// field splits a header line. Its name is a token, its value visible ASCII with spaces and tabs.
func field(line []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 {
		return nil, nil, false
	}
	for _, c := range name {
		if !httpguts.IsTokenRune(rune(c)) {
			return nil, nil, false
		}
	}
	for _, c := range value {
		if c != '\t' && (c < ' ' || c > '~') {
			return nil, nil, false
		}
	}
	return name, bytes.Trim(value, " \t"), true
}

// isHost reports whether a value is a name or an address, with a port or without.
func isHost(value []byte) bool {
	for _, c := range value {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' && c != '_' {
			return false
		}
	}
	return len(value) > 0
}

// decimal reads a length of at most relay.MaxRequestBytes.
func decimal(value []byte) (length int, ok bool) {
	if len(value) == 0 || len(value) > 1 && value[0] == '0' {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		if length = length*10 + int(c-'0'); length > relay.MaxRequestBytes {
			return 0, false
		}
	}
	return length, true
}

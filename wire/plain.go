package wire

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
)

const (
	plainVersion = "HTTP/1.1 "
	// mostPlainDigits of a length: what is plain fits the read buffer.
	mostPlainDigits = 4
)

// plainAnswer reads a response that is there as a whole and in the form that nearly all have: HTTP/1.1, a status with a body,
// header lines of printable ASCII, a length, no field that says more about the connection or the body. It returns how many
// bytes the response has. What it reads, http.ReadResponse would read the same; everything else is left to that.
func plainAnswer(buffered []byte) (answer *Answer, size int, ok bool) {
	end := bytes.Index(buffered, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, 0, false
	}
	first, lines, _ := strings.Cut(string(buffered[:end]), "\r\n")
	status, ok := plainStatus(first)
	if !ok {
		return nil, 0, false
	}
	header, length, ok := plainHeader(lines)
	size = end + len("\r\n\r\n") + length
	if !ok || len(buffered) < size {
		return nil, 0, false
	}
	body := append(make([]byte, 0, length), buffered[size-length:size]...)
	return &Answer{Status: status, Header: header, Body: body, major: 1}, size, true
}

// plainStatus reads a status line. Interim responses and those without a body are not plain.
func plainStatus(line string) (status int, ok bool) {
	rest, ok := strings.CutPrefix(line, plainVersion)
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' || !printable(rest) {
		return 0, false
	}
	status, ok = digits(rest[:3])
	return status, ok && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// plainHeader reads header lines, one of which has the body's length.
func plainHeader(lines string) (header http.Header, length int, ok bool) {
	header, length = make(http.Header), -1
	values := make([]string, strings.Count(lines, "\r\n")+1)
	for line := range strings.SplitSeq(lines, "\r\n") {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !plainName(name) || !printable(value) {
			return nil, 0, false
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch name {
		case "Connection", "Pragma", "Trailer", "Transfer-Encoding":
			return nil, 0, false
		case "Content-Length":
			number, readable := digits(value)
			if length >= 0 || !readable {
				return nil, 0, false
			}
			length = number
		}
		if before := header[name]; before != nil {
			header[name] = append(before, value)
			continue
		}
		values[0] = value
		header[name], values = values[:1:1], values[1:]
	}
	return header, length, length >= 0
}

// digits reads a short number.
func digits(text string) (number int, ok bool) {
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		number = 10*number + int(digit-'0')
	}
	return number, text != "" && len(text) <= mostPlainDigits
}

func plainName(name string) bool {
	for _, letter := range []byte(name) {
		if letter != '-' && (letter < '0' || letter > '9') && (letter|0x20 < 'a' || letter|0x20 > 'z') {
			return false
		}
	}
	return name != ""
}

func printable(text string) bool {
	for _, letter := range []byte(text) {
		if letter < ' ' || letter > '~' {
			return false
		}
	}
	return true
}

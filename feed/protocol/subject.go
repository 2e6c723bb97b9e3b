package protocol

import (
	"fmt"
	"strings"
)

// SubjectPrefix starts the subject of every message of this version.
const SubjectPrefix = "qos.v1."

// AllSubjects is the filter that every subject of this version matches.
const AllSubjects = SubjectPrefix + ">"

// Subject returns the subject of a fisherman's statements about a relay chain of a network:
// qos.v1.<network>.<relay chain>.<fisherman>, each made a token.
func Subject(network, relayChain, fisherman string) string {
	return SubjectPrefix + Token(network) + "." + Token(relayChain) + "." + Token(fisherman)
}

// SplitSubject returns what a subject was made of. It returns an error for every text that Subject returns for nothing.
func SplitSubject(subject string) (network, relayChain, fisherman string, err error) {
	rest, found := strings.CutPrefix(subject, SubjectPrefix)
	tokens := strings.Split(rest, ".")
	if !found || len(tokens) != 3 {
		return "", "", "", fmt.Errorf("the subject is not %s<network>.<relay chain>.<fisherman>", SubjectPrefix)
	}
	var parts [3]string
	for i, token := range tokens {
		if parts[i], err = ParseToken(token); err != nil {
			return "", "", "", err
		}
	}
	return parts[0], parts[1], parts[2], nil
}

// emptyToken stands for the empty text, since NATS knows no empty token.
const emptyToken = "%"

const hexDigits = "0123456789ABCDEF"

// Token returns text as one token of a NATS subject: letters and digits of ASCII, '-' and '_' stand for themselves, every
// other byte becomes '%' and two upper-case hex digits. A lone '%' stands for the empty text.
func Token(text string) string {
	if text == "" {
		return emptyToken
	}
	var token strings.Builder
	for i := range len(text) {
		if b := text[i]; standsForItself(b) {
			token.WriteByte(b)
		} else {
			token.Write([]byte{'%', hexDigits[b>>4], hexDigits[b&15]})
		}
	}
	return token.String()
}

// ParseToken returns the text that Token made a token of.
func ParseToken(token string) (string, error) {
	if token == emptyToken {
		return "", nil
	}
	var text strings.Builder
	for i := 0; i < len(token); i++ {
		switch b := token[i]; {
		case standsForItself(b):
			text.WriteByte(b)
		case b == '%' && i+2 < len(token):
			high, low := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
			if high < 0 || low < 0 || standsForItself(byte(high<<4|low)) {
				return "", fmt.Errorf("a token of the subject has a wrong escape")
			}
			text.WriteByte(byte(high<<4 | low))
			i += 2
		default:
			return "", fmt.Errorf("a token of the subject has a byte that has to be escaped")
		}
	}
	if text.Len() == 0 {
		return "", fmt.Errorf("a token of the subject is empty")
	}
	return text.String(), nil
}

// standsForItself reports whether a byte of a text is itself in its token.
func standsForItself(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_'
}

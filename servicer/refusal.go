package servicer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// maxMessageBytes is the length of the longest message that a peer accepts.
const maxMessageBytes = 256

// refusal is the reason why a relay has no answer; nil if it has one.
type refusal struct {
	code    types.RelayErrorCode
	message string
}

func refuse(code types.RelayErrorCode, message string) *refusal {
	return &refusal{code: code, message: message}
}

// signed returns the refusal as it is sent: one printable line, clipped.
func (r *refusal) signed() *types.RelayError {
	if r == nil {
		return nil
	}
	return &types.RelayError{Code: r.code, Message: oneLine(r.message)}
}

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if len(text) <= maxMessageBytes {
		return text
	}
	end := maxMessageBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

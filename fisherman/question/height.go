package question

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// highestHeight is beyond the height of every real chain. A node that claims more is not believed.
const highestHeight = 1 << 48

// mostPointer bounds a JSON pointer, in bytes.
const mostPointer = 256

// heightAt reads the height at a place in a JSON answer, given as a JSON pointer (RFC 6901). It is a number or text, in
// decimal or, behind 0x, hex.
func heightAt(answer []byte, pointer string) (int64, error) {
	if !json.Valid(answer) {
		return 0, fmt.Errorf("read height: %w", json.Unmarshal(answer, new(json.RawMessage)))
	}
	at := place{text: answer}
	value, found := at.follow(tokens(pointer))
	switch {
	case !found:
		return 0, fmt.Errorf("read height: the answer has nothing at %s", pointer)
	case value[0] == '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return 0, fmt.Errorf("read height: %w", err)
		}
		return heightOf(text)
	case value[0] == '-' || '0' <= value[0] && value[0] <= '9':
		return heightOf(string(value))
	}
	return 0, fmt.Errorf("read height: what the answer has at %s is neither a number nor text", pointer)
}

func heightOf(text string) (int64, error) {
	digits, base := text, 10
	if after, prefixed := strings.CutPrefix(text, "0x"); prefixed {
		digits, base = after, 16
	}
	height, err := strconv.ParseUint(digits, base, 63)
	if err != nil || height > highestHeight {
		return 0, errors.New("read height: what stands there is none")
	}
	return int64(height), nil
}

// checkPointer refuses what is no JSON pointer.
func checkPointer(pointer string) error {
	if pointer != "" && !strings.HasPrefix(pointer, "/") || len(pointer) > mostPointer {
		return fmt.Errorf(`%.40q is not a JSON pointer of at most %d bytes, as in "/result/height"`, pointer, mostPointer)
	}
	return nil
}

// tokens of a JSON pointer; none for the whole.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	split := strings.Split(pointer[1:], "/")
	for i, token := range split {
		split[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return split
}

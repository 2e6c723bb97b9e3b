package types

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// mostPointerBytes is the maximum length of a pointer's text.
	mostPointerBytes = 256
	// MaxPointers is the maximum number of ignored fields of one relay chain.
	MaxPointers = 64
)

// Pointer refers to a part of a JSON value: the reference tokens of a JSON pointer (RFC 6901), unescaped. In an array
// the token "*", which is not an index, stands for every element.
type Pointer []string

// ParsePointer parses the text of a pointer, such as "/block/header/time" or "/logs/*/removed": a slash before each
// token, with "~1" for a slash and "~0" for a tilde within it; 1 to 256 bytes. The empty pointer, which refers to the
// whole value, is refused: a comparison that ignores everything always agrees.
func ParsePointer(text string) (Pointer, error) {
	switch {
	case len(text) > mostPointerBytes:
		return nil, fmt.Errorf("a pointer of %d bytes is longer than %d", len(text), mostPointerBytes)
	case !strings.HasPrefix(text, "/"):
		return nil, fmt.Errorf("%q is not a JSON pointer, as in /block/header/time", text)
	}
	var tokens Pointer
	for _, token := range strings.Split(text[1:], "/") {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(token), "~") {
			return nil, fmt.Errorf("%q has a ~ that is neither ~0 nor ~1", text)
		}
		tokens = append(tokens, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
	}
	return tokens, nil
}

// ParsePointers parses at most MaxPointers pointers.
func ParsePointers(texts []string) ([]Pointer, error) {
	if len(texts) > MaxPointers {
		return nil, fmt.Errorf("%d pointers are more than %d", len(texts), MaxPointers)
	}
	var pointers []Pointer
	var errs []error
	for _, text := range texts {
		pointer, err := ParsePointer(text)
		pointers, errs = append(pointers, pointer), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return pointers, nil
}

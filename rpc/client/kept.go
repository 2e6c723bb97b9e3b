package client

import (
	"net/http"
	"sync"
)

const (
	// mostKept bounds the answers that are kept, mostKeptBytes the size of each.
	mostKept      = 8
	mostKeptBytes = 2 << 20
)

// answers are the newest answers of a node with their tags: one that did not change is not sent again. The zero value has none.
type answers struct {
	mu sync.Mutex
	// newest answers, the oldest first.
	newest []answer
}

// answer is what a target answered. Nobody changes it.
type answer struct {
	target, tag string
	header      http.Header
	content     []byte
}

// of returns the answer of a target; the zero value for none.
func (a *answers) of(target string) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kept := range a.newest {
		if kept.target == target {
			return kept
		}
	}
	return answer{}
}

// keep keeps the answer of a target in the place of the one before.
func (a *answers) keep(given answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := make([]answer, 0, mostKept+1)
	for _, kept := range a.newest {
		if kept.target != given.target {
			next = append(next, kept)
		}
	}
	if given.tag != "" && len(given.content) <= mostKeptBytes {
		next = append(next, given)
	}
	a.newest = next[max(0, len(next)-mostKept):]
}

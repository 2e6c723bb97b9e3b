package groups

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// keptProblems bounds the length of an error, whatever is in the file.
	keptProblems = 20
	// longestProblem bounds what is said of one problem, in bytes.
	longestProblem = 600
)

// Problem is one thing that is wrong in a configuration.
type Problem struct {
	// Line and Column of it in the file, from 1; 0 for the file as a whole.
	Line, Column int
	// Key is the path to it, as in "groups[0].targets[1].url"; empty for what is not about a key.
	Key string
	// Text says what is wrong and what would be right, in one line.
	Text string
}

// Error is returned when a configuration cannot be read, or has values that are not allowed. It wraps configs.ErrInvalid
// and shows no secret.
type Error struct {
	// File as it was named.
	File string
	// Problems in the file's order, at most 20.
	Problems []Problem
	// More is how many further ones were found.
	More int
}

// Error returns Lines, separated by newlines.
func (e *Error) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines returns a line for each problem, "FILE:LINE:COLUMN: KEY: what is wrong; what would be right".
func (e *Error) Lines() []string {
	var lines []string
	for _, p := range e.Problems {
		line := e.File
		if p.Line > 0 {
			line += fmt.Sprintf(":%d:%d", p.Line, p.Column)
		}
		if p.Key != "" {
			line += ": " + p.Key
		}
		lines = append(lines, text.Printable(line+": "+p.Text))
	}
	if e.More > 0 {
		lines = append(lines, text.Printable(fmt.Sprintf("%s: and %d more", e.File, e.More)))
	}
	return lines
}

// Count returns how many problems were found.
func (e *Error) Count() int { return len(e.Problems) + e.More }

// Unwrap returns configs.ErrInvalid.
func (e *Error) Unwrap() error { return configs.ErrInvalid }

// problems collects what is wrong with a file: the first ones in its order, and the number of the others.
type problems struct {
	found []Problem
	more  int
}

func (p *problems) add(line, column int, key, what string) {
	p.found = append(p.found, Problem{Line: line, Column: column, Key: text.Line(key, longestProblem), Text: text.Line(what, longestProblem)})
	if len(p.found) == 2*keptProblems {
		p.shorten()
	}
}

// shorten keeps the first problems of the file.
func (p *problems) shorten() {
	slices.SortStableFunc(p.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if extra := len(p.found) - keptProblems; extra > 0 {
		p.found = p.found[:keptProblems]
		p.more += extra
	}
}

func (p *problems) total() int { return len(p.found) + p.more }

// err returns the problems as an error; nil if there are none.
func (p *problems) err(file string) error {
	if p.total() == 0 {
		return nil
	}
	p.shorten()
	return &Error{File: file, Problems: p.found, More: p.more}
}

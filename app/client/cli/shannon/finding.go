package shannon

import (
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

// grade is how grave a finding is.
type grade int

const (
	// good: nothing is to be done.
	good grade = iota
	// warning: a fisherman works, with less than there could be.
	warning
	// failure: a fisherman does not work.
	failure
)

var gradeLabels = [...]string{"ok", "warn", "fail"}

// MarshalText implements encoding.TextMarshaler.
func (g grade) MarshalText() ([]byte, error) { return []byte(gradeLabels[g]), nil }

// What is looked at.
const (
	lookNode        = "node"
	lookService     = "service"
	lookApplication = "application"
	lookStake       = "stake"
	lookSigner      = "signer"
	lookSession     = "session"
	lookBudget      = "budget"
	lookSupplier    = "supplier"
)

// finding is what was found of one thing.
type finding struct {
	Status grade `json:"status"`
	// Check is what was looked at, Subject which of several.
	Check   string `json:"check"`
	Subject string `json:"subject,omitempty"`
	// Says is what was found, Do what to do about it.
	Says string `json:"says"`
	Do   string `json:"do,omitempty"`
}

// findings is all of it, as 'pocket shannon doctor' shows it.
type findings struct {
	Application string    `json:"application"`
	Service     string    `json:"service"`
	Failures    int       `json:"failures"`
	Warnings    int       `json:"warnings"`
	Findings    []finding `json:"findings"`
}

func (f *findings) add(found finding) {
	found.Subject, found.Says, found.Do = terminal.Clean(found.Subject), terminal.Clean(found.Says), terminal.Clean(found.Do)
	switch found.Status {
	case failure:
		f.Failures++
	case warning:
		f.Warnings++
	}
	f.Findings = append(f.Findings, found)
}

func (f *findings) ok(check, says string, args ...any) {
	f.add(finding{Check: check, Says: fmt.Sprintf(says, args...)})
}

func (f *findings) warn(check, do, says string, args ...any) {
	f.add(finding{Status: warning, Check: check, Says: fmt.Sprintf(says, args...), Do: do})
}

func (f *findings) fail(check, do, says string, args ...any) {
	f.add(finding{Status: failure, Check: check, Says: fmt.Sprintf(says, args...), Do: do})
}

func (f *findings) text() string {
	var out strings.Builder
	for _, found := range f.Findings {
		subject := found.Check
		if found.Subject != "" {
			subject += " " + found.Subject
		}
		fmt.Fprintf(&out, "%-5s %s: %s", gradeLabels[found.Status], subject, found.Says)
		if found.Do != "" {
			fmt.Fprintf(&out, "; %s", found.Do)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// rows is the CSV form. Scripts depend on it: columns are only ever added at the end.
func (f *findings) rows() [][]string {
	rows := [][]string{{"application", "service", "status", "check", "subject", "says", "do"}}
	for _, found := range f.Findings {
		rows = append(rows, []string{command.CSVText(f.Application), command.CSVText(f.Service), gradeLabels[found.Status], found.Check, command.CSVText(found.Subject),
			command.CSVText(found.Says), command.CSVText(found.Do)})
	}
	return rows
}

// verdict is the error that ends the command; nil when nothing failed.
func (f *findings) verdict() error {
	switch f.Failures {
	case 0:
		return nil
	case 1:
		return command.Fail(command.ExitUnfit, "1 thing keeps a fisherman from sampling %s for %s", f.Application, f.Service)
	}
	return command.Fail(command.ExitUnfit, "%d things keep a fisherman from sampling %s for %s", f.Failures, f.Application, f.Service)
}

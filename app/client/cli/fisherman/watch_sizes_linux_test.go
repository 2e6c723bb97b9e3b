package fisherman

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// glass is what a terminal shows: it understands what a program needs to place text, and is wider than the program believes.
type glass struct {
	rows        map[int]map[int]rune
	row, column int
	last        rune
}

// sequences are what a terminal acts on; the first group has the parameters of a control sequence, the second what it does.
var sequences = regexp.MustCompile("^(?:\x1b\\[([0-9;?>=<]*)[ -/]*([@-~])|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[ -/]*[0-~])")

func (g *glass) write(text string) {
	for text != "" {
		if found := sequences.FindStringSubmatch(text); found != nil {
			g.control(found[1], found[2])
			text = text[len(found[0]):]
			continue
		}
		sign, length := utf8.DecodeRuneInString(text)
		text = text[length:]
		switch {
		case sign == '\r':
			g.column = 0
		case sign == '\n':
			g.row++
		case sign == '\b':
			g.column = max(g.column-1, 0)
		case sign >= ' ':
			g.put(sign)
		}
	}
}

func (g *glass) put(sign rune) {
	if g.rows[g.row] == nil {
		g.rows[g.row] = make(map[int]rune)
	}
	g.rows[g.row][g.column], g.last = sign, sign
	g.column++
}

func (g *glass) control(parameters, does string) {
	numbers := strings.Split(parameters, ";")
	number := func(at, otherwise int) int {
		if at < len(numbers) {
			if n, err := strconv.Atoi(numbers[at]); err == nil {
				return n
			}
		}
		return otherwise
	}
	switch does {
	case "H", "f":
		g.row, g.column = number(0, 1)-1, number(1, 1)-1
	case "d":
		g.row = number(0, 1) - 1
	case "G", "`":
		g.column = number(0, 1) - 1
	case "A":
		g.row -= number(0, 1)
	case "B":
		g.row += number(0, 1)
	case "C", "a":
		g.column += number(0, 1)
	case "D":
		g.column -= number(0, 1)
	case "E":
		g.row, g.column = g.row+number(0, 1), 0
	case "b":
		for range number(0, 1) {
			g.put(g.last)
		}
	case "X":
		for i := range number(0, 1) {
			delete(g.rows[g.row], g.column+i)
		}
	case "K":
		g.erase(g.row, g.column)
	case "J":
		g.erase(g.row, g.column)
		for row := range g.rows {
			if row > g.row || number(0, 0) == 2 {
				g.erase(row, 0)
			}
		}
	}
}

func (g *glass) erase(row, from int) {
	for column := range g.rows[row] {
		if column >= from {
			delete(g.rows[row], column)
		}
	}
}

// lines are those that have text, without the blanks at their ends, by row.
func (g *glass) lines() (lines []string) {
	for row, signs := range g.rows {
		line := []rune{}
		for column, sign := range signs {
			for len(line) <= column {
				line = append(line, ' ')
			}
			line[column] = sign
		}
		for len(lines) <= row {
			lines = append(lines, "")
		}
		lines[row] = strings.TrimRight(string(line), " ")
	}
	return lines
}

// crowd is a session and rolling verdicts of many targets with long names, and the words of their reasons.
func crowd(count int) (report api.Report, status api.Status, words []string) {
	report = clienttest.Endpoints()
	session := &report.Sessions[0]
	model := session.Servicers[0]
	session.Servicers = nil
	rolling := api.RollingReport{RelayChain: session.RelayChain, Checks: 30, MaxAgeSeconds: 3600}
	for i := range count {
		row := model
		row.Servicer = fmt.Sprintf("provider-%03d-with-a-name-that-is-as-long-as-the-name-of-one-may", i)
		row.ServiceURL = "https://" + row.Servicer + ".example/with/a/path/that/goes/on/and/on"
		row.Verdict = api.VerdictUnavailable
		row.Reason = fmt.Sprintf("reason%03d: no valid answer in 12 of 30 checks that count, more than the 2 allowed, most of them because connections were refused", i)
		words = append(words, strings.Fields(row.Reason)...)
		session.Servicers = append(session.Servicers, row)
		rolling.Servicers = append(rolling.Servicers, api.RollingServicer{Servicer: row.Servicer, ServiceURL: row.ServiceURL, Verdict: row.Verdict, Reason: row.Reason,
			Running: true, Standing: row.Standing, Checks: 30})
	}
	report.Rolling = []api.RollingReport{rolling}
	return report, clienttest.EndpointsStatus(), words
}

// crowded runs 'pocket fisherman watch' on a terminal of a size, over the API of a node with a crowd.
func crowded(t *testing.T, width, height uint16, report api.Report, status api.Status) *person {
	t.Helper()
	answers := map[string]any{"/v1/qos": report, "/v1/status": status, "/v1/qos/rounds": api.RoundPage{Session: report.Sessions[0].ID, Rounds: []api.Round{}}}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answers[r.URL.Path]) // the watch may be gone
	}))
	t.Cleanup(node.Close)
	t.Setenv("TERM", "xterm-256color")
	end, program := clienttest.PseudoTerminal(t)
	if err := unix.IoctlSetWinsize(int(end.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height}); err != nil {
		t.Fatal(err)
	}
	sitting := &person{t: t, terminal: end}
	go sitting.watch()
	io := command.Streams{In: program, Out: program, Err: program}
	root := command.Root(io, &cobra.Command{Use: "pocket"}, New)
	ended := make(chan command.ExitCode, 1)
	go func() {
		ended <- command.Run(t.Context(), io, root, []string{"fisherman", "watch", "--node", node.URL})
	}()
	t.Cleanup(func() {
		sitting.types("q")
		<-ended
	})
	return sitting
}

// shown waits until a text is on the glass, and returns its lines.
func (p *person) shown(text string) []string {
	p.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-again.C {
		p.mutex.Lock()
		written := p.text.String()
		p.mutex.Unlock()
		screen := &glass{rows: make(map[int]map[int]rune)}
		screen.write(written)
		lines := screen.lines()
		if slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
			return lines
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%q is not shown, but\n%s", text, strings.Join(lines, "\n"))
		}
	}
}

// TestWatchFitsItsTerminal: at every size the reasons are there to be read, in whole words, and no line is longer.
func TestWatchFitsItsTerminal(t *testing.T) {
	report, status, words := crowd(300)
	for _, size := range []struct{ width, height uint16 }{{80, 24}, {120, 40}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			lines := crowded(t, size.width, size.height, report, status).shown("? help")
			if len(lines) > int(size.height) {
				t.Errorf("%d lines", len(lines))
			}
			reasons := 0
			for _, line := range lines {
				if wide := len([]rune(line)); wide > int(size.width) {
					t.Errorf("a line of %d: %s", wide, line)
				}
				fields := strings.Fields(line)
				if at := slices.IndexFunc(fields, func(word string) bool { return strings.HasPrefix(word, "reason") }); at >= 0 {
					reasons++
					for _, word := range fields[at:] {
						if !slices.Contains(words, word) && word != "…" {
							t.Errorf("%q is no word of a reason: %s", word, line)
						}
					}
				}
			}
			if least := int(size.height) / 8; reasons < least {
				t.Errorf("%d reasons are shown, want at least %d:\n%s", reasons, least, strings.Join(lines, "\n"))
			}
			if t.Failed() || testing.Verbose() {
				t.Log("\n" + strings.Join(lines, "\n"))
			}
		})
	}
}

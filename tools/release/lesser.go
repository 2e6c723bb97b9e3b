package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
)

// gpl is the licence that the LGPL adds permissions to; whoever hands out a library under the LGPL hands out both.
//
//go:embed gpl-3.0.txt
var gpl string

const lesserTitle = "GNU LESSER GENERAL PUBLIC LICENSE"

// isLesser reports whether a text is the LGPL, version 3.
func isLesser(text string) bool {
	head, _, _ := strings.Cut(strings.TrimSpace(text), "Copyright")
	return strings.Join(strings.Fields(head), " ") == lesserTitle+" Version 3, 29 June 2007"
}

// writeLesser says what the LGPL asks of whoever redistributes the binaries, and adds the GPL's text; nothing if none of the
// notices is the LGPL.
func writeLesser(out io.Writer, notices []notice) {
	var owners []string
	for _, each := range notices {
		if isLesser(each.text) {
			owners = append(owners, each.owners...)
		}
	}
	if len(owners) == 0 {
		return
	}
	fmt.Fprintf(out, `
%[1]s
What the GNU Lesser General Public License asks of whoever redistributes these binaries

They are linked with libraries that are covered by the GNU Lesser General Public License, version 3, unmodified:

  %[2]s

Who hands on the binaries hands on this file too, with the text of that licence (above) and of the GNU General Public
License (below). Whoever receives them may change these libraries and link the program with the changed ones: the source of
Pocket Fisherman is under the MIT licence and builds with the go command alone, where a line in go.mod replaces a library
("replace github.com/pokt-network/ring-go => ../ring-go"). The source of each library at its version is at
https://proxy.golang.org. Who distributes a changed program without its source has to let its receivers do the same (section
4(d)(0) of the licence): hand out its object code in a form that can be linked again, and not forbid reverse engineering for
debugging such changes.
%[1]s

%[3]s
`, strings.Repeat("=", 100), strings.Join(owners, "\n  "), strings.TrimSpace(gpl))
}

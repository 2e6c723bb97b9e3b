package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// File returns the terminal behind an output and reports whether there is one that understands more than plain lines.
func File(out io.Writer) (*os.File, bool) {
	file, is := out.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return file, true
}

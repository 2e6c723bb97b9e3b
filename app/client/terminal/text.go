package terminal

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// ShortBytes bounds how much of a long text is repeated in a line, in bytes.
const ShortBytes = 80

// Clean returns a stranger's text as one printable line.
func Clean[Text ~string](stranger Text) string { return text.Printable(string(stranger)) }

// Short returns a stranger's text as one printable line of at most 80 bytes.
func Short(stranger string) string { return text.Line(stranger, ShortBytes) }

// ID returns the first digits of a long identifier.
func ID(id string) string { return fmt.Sprintf("%.12s", text.Printable(id)) }

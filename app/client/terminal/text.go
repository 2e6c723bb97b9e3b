package terminal

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// ShortBytes bounds how much of a long text is repeated in a line, in bytes.
const ShortBytes = 80

// Clean returns a stranger's text as one printable line.
func Clean[Text ~string](stranger Text) string { return text.Printable(string(stranger)) }

// Short returns a stranger's text as one printable line of at most 80 bytes.
func Short(stranger string) string { return text.Line(stranger, ShortBytes) }

// mostName bounds how much of a name is repeated in a line, in characters.
const mostName = 20

// Name returns what a network calls a servicer or an application: an address of our own chain by its first digits, a name as
// it is, unless it has more than 20 characters: then it is cut in the middle, for names often differ in their ends.
func Name(id string) string {
	if types.ValidateAddress(id) == nil {
		return ID(id)
	}
	name := []rune(text.Printable(id))
	if len(name) <= mostName {
		return string(name)
	}
	const head = mostName / 2
	return string(name[:head]) + "…" + string(name[len(name)-(mostName-1-head):])
}

// ID returns the first digits of a long identifier.
func ID(id string) string { return fmt.Sprintf("%.12s", text.Printable(id)) }

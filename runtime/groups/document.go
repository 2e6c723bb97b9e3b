package groups

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// MaximumSize is the maximum number of bytes of a configuration.
	MaximumSize = 1 << 20
	// maximumDepth bounds the nesting, at about twice what a configuration with parameters of questions needs.
	maximumDepth = 32
	// mark is the mark of byte order that some editors begin a file with.
	mark = "\ufeff"
)

// reference is "${NAME}", also with a name that is none. YAML forbids its braces within {…} and […], where people write it
// all the same.
var reference = regexp.MustCompile(`\$\{[^{}'"\r\n]*\}`)

// stand are the characters that stand for those of a reference while YAML is read: one for each, so that columns stay.
const stand = "\ue000\ue001\ue002"

var (
	toStand   = strings.NewReplacer("${", "\ue000\ue001", "}", "\ue002")
	fromStand = strings.NewReplacer("\ue000", "$", "\ue001", "{", "\ue002", "}")
)

// document returns the top of a YAML document. Problems are added if there is none, or if it uses what a configuration
// must not.
func (r *reader) document(data []byte) *yaml.Node {
	source, ok := r.plainText(data)
	if !ok {
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(reference.ReplaceAllStringFunc(source, toStand.Replace)),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maximumDepth))))
	if err != nil {
		r.file("cannot be read as YAML")
		return nil
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case err == io.EOF:
		r.file("is empty; '" + r.example + "' shows a configuration")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		r.add(&second, "", "a second document begins; a configuration is one")
	} else if err != io.EOF {
		r.syntax(err)
	}
	if r.restore(&first); r.total() > 0 || len(first.Content) != 1 {
		return nil
	}
	return first.Content[0]
}

// plainText returns the text of a file without a mark of byte order.
func (r *reader) plainText(data []byte) (string, bool) {
	if len(data) > MaximumSize {
		r.file(fmt.Sprintf("is longer than %d bytes", MaximumSize))
		return "", false
	}
	source := string(bytes.TrimPrefix(data, []byte(mark)))
	line, column := 1, 1
	for at, char := range source {
		what := ""
		switch {
		case char == utf8.RuneError && !strings.HasPrefix(source[at:], string(utf8.RuneError)):
			what = "a byte that is not UTF-8; the file has to be UTF-8"
		case char < ' ' && char != '\n' && char != '\r' && char != '\t', char >= 0x7f && char < 0xa0, strings.ContainsRune(stand+mark, char):
			what = fmt.Sprintf("the character %U; remove it", char)
		}
		if what != "" {
			r.problems.add(line, column, "", what)
			return "", false
		}
		if column++; char == '\n' {
			line, column = line+1, 1
		}
	}
	return source, true
}

// syntax adds what the YAML library found. Its words hold nothing of the file but names of anchors, and these are not
// shown: a header's value that begins with '*' would be taken for one.
func (r *reader) syntax(err error) {
	found, is := errors.AsType[*yaml.LoadError](err)
	switch {
	case !is:
		r.file("is not YAML")
	case found.Stage == yaml.ComposerStage:
		r.problems.add(found.Mark.Line, found.Mark.Column, "", "aliases are not allowed; text that begins with * or & has to be in quotes")
	default:
		what := "is not YAML: " + text.Line(found.Message, 120)
		if found.ContextMark.Line > 0 {
			what += fmt.Sprintf(", %s from line %d", text.Line(found.ContextMsg, 120), found.ContextMark.Line)
		}
		r.problems.add(found.Mark.Line, found.Mark.Column, "", what)
	}
}

// restore puts references back, and refuses what makes a text mean something else than it seems to.
func (r *reader) restore(n *yaml.Node) {
	n.Value = fromStand.Replace(n.Value)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.add(n, "", "anchors and aliases are not allowed; text that begins with * or & has to be in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		r.add(n, "", "tags are not allowed; text that begins with ! has to be in quotes")
	}
	for _, each := range n.Content {
		r.restore(each)
	}
}

package groups

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// reader reads a configuration from the nodes of a YAML document, and collects what is wrong with it.
type reader struct {
	problems
	// dir is what paths are relative to.
	dir string
	env Environment
	// files that were read, as they were just before.
	files files
	// example is the command that shows a configuration.
	example string
}

func newReader(path string, env Environment) *reader {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		dir = filepath.Dir(path)
	}
	return &reader{dir: dir, env: env, files: make(files), example: "pocket fisherman config --print-example"}
}

func (r *reader) add(n *yaml.Node, key, what string) { r.problems.add(n.Line, n.Column, key, what) }

// file adds a problem of the file as a whole.
func (r *reader) file(what string) { r.problems.add(0, 0, "", what) }

// field is a key of a mapping, with what reads its value.
type field struct {
	name string
	read func(n *yaml.Node, key string)
}

// object is a mapping that was read.
type object struct {
	node *yaml.Node
	key  string
	// values by name of the key; nil for those that could not be read.
	values map[string]*yaml.Node
}

// has reports whether a key is in the mapping.
func (o object) has(name string) bool {
	_, found := o.values[name]
	return found
}

// fine reports whether none of the keys has a value that could not be read.
func (o object) fine(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return o.has(name) && o.values[name] == nil })
}

// at returns where to report a problem with a key: its value, or the mapping that does not have it.
func (o object) at(name string) *yaml.Node {
	if value := o.values[name]; value != nil {
		return value
	}
	return o.node
}

// object reads a mapping with some of the fields. Other keys and repeated ones are problems.
func (r *reader) object(n *yaml.Node, key string, fields ...field) (object, bool) {
	read := object{node: n, key: key, values: make(map[string]*yaml.Node)}
	if n.Kind != yaml.MappingNode {
		r.add(n, key, "is "+kindOf(n)+"; allowed: keys with values: "+names(fields))
		return read, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		place := slices.IndexFunc(fields, func(f field) bool { return isKey(name) && f.name == name.Value })
		switch {
		case place < 0 && strings.Contains(name.Value, ":"):
			r.add(name, below(key, safeKey(name)), "has no space after its colon, so that key and value are one word; write the space")
			read.values[safeKey(name)] = nil // it is not missing
			continue
		case place < 0:
			r.add(name, below(key, safeKey(name)), "unknown key; allowed: "+names(fields))
			continue
		case read.has(name.Value):
			r.add(name, below(key, name.Value), "is given twice")
			continue
		}
		before := r.total()
		fields[place].read(value, below(key, name.Value))
		read.values[name.Value] = nil
		if r.total() == before {
			read.values[name.Value] = value
		}
	}
	return read, true
}

// needs adds a problem unless a key is there.
func (r *reader) needs(o object, name, example string) {
	if !o.has(name) {
		r.add(o.node, below(o.key, name), "is missing; "+example)
	}
}

func names(fields []field) string {
	listed := make([]string, len(fields))
	for i, each := range fields {
		listed[i] = each.name
	}
	return strings.Join(listed, ", ")
}

func below(key, name string) string { return strings.TrimPrefix(key+"."+name, ".") }

func isKey(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" }

var safe = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}`)

// safeKey returns of a key that is not known what can be shown. Where a space after the colon is missing, the value is
// part of the key, and may be a secret.
func safeKey(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return "?"
	}
	if shown := safe.FindString(n.Value); shown != "" {
		return shown
	}
	return "?"
}

// list calls read for each value of a list of at least one and at most the given number.
func (r *reader) list(n *yaml.Node, key string, most int, read func(n *yaml.Node, key string)) {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.add(n, key, "is "+kindOf(n)+"; allowed: a list")
	case len(n.Content) == 0 || len(n.Content) > most:
		r.add(n, key, fmt.Sprintf("is a list of %d; allowed: 1 to %d", len(n.Content), most))
	default:
		for i, each := range n.Content {
			read(each, fmt.Sprintf("%s[%d]", key, i))
		}
	}
}

// kindOf says what a value is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!str":
		return "text"
	default:
		return "a date"
	}
}

var plain = regexp.MustCompile(`^[A-Za-z0-9 ._:+\[\]-]{1,48}$`)

// shown returns what is written, in quotes, or that it cannot be shown: what stands in the wrong place may be a secret.
func shown(value string) string {
	if plain.MatchString(value) {
		return strconv.Quote(value)
	}
	return "not allowed"
}

// text reads text. What would be right is said in words.
func (r *reader) text(n *yaml.Node, key, want string) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return n.Value, true
	}
	what := "is " + kindOf(n) + "; allowed: " + want
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		what += "; text that looks like " + kindOf(n) + " has to be in quotes"
	}
	r.add(n, key, what)
	return "", false
}

// word reads one of a few words.
func (r *reader) word(n *yaml.Node, key string, words ...string) string {
	want := strings.Join(words, ", ")
	value, ok := r.text(n, key, want)
	if ok && !slices.Contains(words, value) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+want)
	}
	return value
}

// truth reads true or false.
func (r *reader) truth(n *yaml.Node, key string) bool {
	value := strings.ToLower(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || value != "true" && value != "false" {
		r.add(n, key, "is "+kindOf(n)+"; allowed: true or false, without quotes")
	}
	return value == "true"
}

// whole reads a whole number.
func (r *reader) whole(n *yaml.Node, key string, low, high int64) int64 {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		r.add(n, key, "is "+kindOf(n)+"; allowed: "+want)
		return 0
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || value < low || value > high || strings.HasPrefix(n.Value, "0") && n.Value != "0" {
		r.add(n, key, "is "+shown(n.Value)+"; allowed: "+want)
	}
	return value
}

// number reads a number with or without a fraction.
func (r *reader) number(n *yaml.Node, key string, low, high float64) float64 {
	want := fmt.Sprintf("a number from %g to %g", low, high)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" {
		r.add(n, key, "is "+kindOf(n)+"; allowed: "+want)
		return 0
	}
	value, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsNaN(value) || value < low || value > high {
		r.add(n, key, "is "+shown(n.Value)+"; allowed: "+want)
	}
	return value
}

// duration reads a number with a unit, as in 1m30s.
func (r *reader) duration(n *yaml.Node, key string, low, high time.Duration) time.Duration {
	want := fmt.Sprintf("%s to %s, with a unit as in 15s or 300ms", short(low), short(high))
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.add(n, key, "is "+kindOf(n)+"; allowed: "+want)
		return 0
	}
	value, err := time.ParseDuration(n.Value)
	if err != nil || n.ShortTag() != "!!str" || value < low || value > high {
		r.add(n, key, "is "+shown(n.Value)+"; allowed: "+want)
	}
	return value
}

// short returns a duration as people write it: "5m" rather than "5m0s".
func short(d time.Duration) string {
	shown := d.String()
	if strings.HasSuffix(shown, "m0s") {
		shown = strings.TrimSuffix(shown, "0s")
	}
	if strings.HasSuffix(shown, "h0m") {
		shown = strings.TrimSuffix(shown, "0m")
	}
	return shown
}

// nameForm says what groups, targets and operators may be called.
const nameForm = `1 to 64 printable ASCII characters without spaces, quotes, backslashes, "=", "${" and "://"`

// isName reports whether text has the form of a name. A name that looks like a URL or a reference was meant as one, and may
// hold a secret.
func isName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) &&
		!strings.ContainsAny(name, "\"'`\\=") && !strings.Contains(name, "://") && !strings.Contains(name, "${")
}

func (r *reader) name(n *yaml.Node, key string) string {
	value, ok := r.text(n, key, nameForm)
	if ok && !isName(value) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+nameForm)
	}
	return value
}

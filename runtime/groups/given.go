package groups

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Configurations that are given piece by piece, as on a command line, are read by the functions of this file. Their errors
// are are one line, and repeat nothing of what is secret.

// invalid is a problem of such a piece.
type invalid struct{ text string }

func (e *invalid) Error() string { return e.text }
func (e *invalid) Unwrap() error { return configs.ErrInvalid }

func refuse(format string, args ...any) error { return &invalid{fmt.Sprintf(format, args...)} }

// ParseURL returns a target's URL with scheme and host in their one spelling.
func ParseURL(raw string) (Secret, error) {
	parsed, problem := secret.ParseURL(raw)
	if problem != "" {
		return Secret{}, refuse("its URL %s; allowed: %s", problem, secret.URLForm)
	}
	return NewSecret(parsed.String()), nil
}

// ParseName returns a name of a group, target or operator.
func ParseName(name string) (string, error) {
	if !isName(name) {
		return "", refuse("it is not a name; allowed: %s", nameForm)
	}
	return name, nil
}

// ParseHeader returns a header's name in its canonical form, and its value.
func ParseHeader(name, value string) (string, Secret, error) {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !secret.IsHeaderName(name):
		return "", Secret{}, refuse("it has no name of a header; allowed: letters, digits and -, as in NAME: VALUE")
	case secret.IsOwnHeader(canonical):
		return "", Secret{}, refuse("%s is set by the fisherman itself; remove it", canonical)
	case !secret.IsHeaderValue(value):
		return "", Secret{}, refuse("%s has no value of a header; allowed: %s", canonical, secret.HeaderForm)
	}
	return canonical, NewSecret(value), nil
}

// ReadSecret returns the contents of a file without its final newline.
func ReadSecret(path string) (string, error) {
	value, err := secret.ReadFile(path)
	switch {
	case secret.IsEmpty(err):
		return "", refuse("its file is empty; write the secret into it")
	case err != nil:
		return "", refuse("its file cannot be read: %s", err)
	}
	return value, nil
}

// Catalogues returns the names of the catalogues that targets of a kind of chain can be asked, without the custom one.
func Catalogues(chain string) []string {
	named := catalogues[chain]
	if chain == ChainAuto {
		named = allCatalogues()
	}
	return slices.DeleteFunc(slices.Clone(named), func(name string) bool { return name == configs.CatalogueCustom })
}

// Kinds returns the kinds of chains, ChainAuto first.
func Kinds() []string { return append([]string{ChainAuto}, kinds()...) }

// WithCatalogue returns a group that asks the questions of a catalogue of that name.
func (g Group) WithCatalogue(name string) (Group, error) {
	if named := Catalogues(g.Chain); !slices.Contains(named, name) {
		return g, refuse("catalogue %s is not for chain %s; allowed: %s, or a file of questions", name, g.Chain,
			strings.Join(named, ", "))
	}
	g.Catalogue = name
	if g.Chain == ChainAuto {
		g.Chain = chainOf(name)
	}
	return g, nil
}

// LoadQuestions returns a group that asks the questions of a file: the keys of a group that say what is asked, and
// max_lag. The error is an *Error.
func (g Group) LoadQuestions(path string, env Environment) (Group, error) {
	r := newReader(path, env)
	data, err := secret.ReadRegular(path, MaximumSize)
	if err != nil {
		r.file("cannot be read: " + secret.Reason(err))
		return g, r.err(path)
	}
	if top := r.document(data); top != nil {
		given := g.Chain
		fields := append(r.asking(&g), r.chain(&g), r.maxLag(&g))
		if read, ok := r.object(top, "", fields...); ok {
			if read.has("chain") && given != ChainAuto && g.Chain != given {
				r.add(read.at("chain"), "chain", "is "+g.Chain+", but "+given+" was asked for; remove one of them")
			}
			r.checkCatalogue(read, &g)
		}
	}
	return g, r.err(filepath.Clean(path))
}

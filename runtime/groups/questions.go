package groups

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

const (
	maximumQuestions = question.MostTemplates
	// deepestParams is how deep parameters may be nested.
	deepestParams = 16
)

// checkCatalogue checks that the catalogue fits the chain, and that it has questions if they are the group's own.
func (r *reader) checkCatalogue(read object, g *Group) {
	if !read.fine("chain", "catalogue", "head", "questions") {
		return
	}
	if read.has("questions") && !read.has("catalogue") || g.Chain == ChainCustom && !read.has("catalogue") {
		g.Catalogue = configs.CatalogueCustom
	}
	say := func(name, what string) { r.add(read.at(name), below(read.key, name), what) }
	custom := g.Catalogue == configs.CatalogueCustom
	if fitting := catalogues[g.Chain]; g.Chain != ChainAuto && g.Catalogue != "" && !slices.Contains(fitting, g.Catalogue) {
		say("catalogue", "is "+shown(g.Catalogue)+"; allowed for chain "+g.Chain+": "+strings.Join(fitting, ", "))
	}
	switch {
	case custom && !read.has("questions"):
		say("questions", "is missing; the custom catalogue is a list of questions")
	case !custom && read.has("questions"):
		say("questions", "is for the custom catalogue; remove it, or the catalogue")
	case !custom && read.has("head"):
		say("head", "is for the custom catalogue; remove it")
	case custom:
		r.checkQuestions(read, g)
	}
	if g.Chain == ChainAuto {
		g.Chain = chainOf(g.Catalogue)
	}
}

// chainOf returns the kind of chain that a catalogue is for; ChainAuto for the custom one and none.
func chainOf(catalogue string) string {
	for _, kind := range kinds() {
		if catalogue != configs.CatalogueCustom && slices.Contains(catalogues[kind], catalogue) {
			return kind
		}
	}
	return ChainAuto
}

// checkQuestions makes the catalogue of the group's own questions, and lets it go.
func (r *reader) checkQuestions(read object, g *Group) {
	templates := make([]question.Template, len(g.Questions))
	for i, each := range g.Questions {
		templates[i] = question.Template{Method: each.Method, Params: each.Params, Path: each.Path, Headers: each.Headers,
			Range: each.Range, Nothing: each.Nothing, Errors: each.Errors}
	}
	made, err := question.Custom(templates, question.CustomDepth)
	if err != nil {
		r.add(firstWrong(read.at("questions"), templates), read.key, err.Error())
		return
	}
	timeless := !slices.ContainsFunc(made.Kinds, func(kind question.Kind) bool { return !kind.Timeless })
	switch head := g.Head; {
	case head == nil && !timeless:
		r.add(read.at("questions"), below(read.key, "head"), "is missing; a list that names heights needs the question for the newest one")
	case head != nil && (head.Path != "") != (templates[0].Path != ""):
		r.add(read.at("head"), below(read.key, "head"), "mixes JSON-RPC and REST with the questions; allowed: one of them")
	case head != nil:
		asked := question.Template{Method: head.Method, Params: head.Params, Path: head.Path, Headers: head.Headers}
		if _, err := question.CustomHead(asked, head.Height); err != nil {
			r.add(read.at("head"), read.key, err.Error())
		}
	}
}

// firstWrong returns the first question without which those before it are a catalogue.
func firstWrong(list *yaml.Node, templates []question.Template) *yaml.Node {
	place := sort.Search(len(templates)-1, func(i int) bool {
		_, err := question.Custom(templates[:i+1], question.CustomDepth)
		return err != nil
	})
	return list.Content[place]
}

// question reads a question of the custom catalogue. Its text is public: it is stored with the answers.
func (r *reader) question(n *yaml.Node, key string) configs.Question {
	var q configs.Question
	r.object(n, key, append(r.call(&q.Method, &q.Params, &q.Path, &q.Headers),
		field{"range", func(n *yaml.Node, key string) { q.Range = r.whole(n, key, 0, question.MostRange) }},
		field{"nothing", func(n *yaml.Node, key string) { q.Nothing = r.truth(n, key) }},
		field{"errors", func(n *yaml.Node, key string) {
			r.list(n, key, question.MostErrors, func(n *yaml.Node, key string) {
				q.Errors = append(q.Errors, r.whole(n, key, -maximumHeight, maximumHeight))
			})
		}},
	)...)
	return q
}

// head reads the question for the newest height.
func (r *reader) head(n *yaml.Node, key string) *configs.HeadQuestion {
	var h configs.HeadQuestion
	read, ok := r.object(n, key, append(r.call(&h.Method, &h.Params, &h.Path, &h.Headers),
		field{"height", func(n *yaml.Node, key string) { h.Height = r.pointer(n, key) }})...)
	if ok {
		r.needs(read, "height", "a JSON pointer to the height in the answer, as in /result")
	}
	return &h
}

// call is the keys that questions and heads share.
func (r *reader) call(method *string, params *configs.JSON, path *string, headers *map[string]string) []field {
	return []field{
		{"method", func(n *yaml.Node, key string) { *method, _ = r.text(n, key, "the name of a method") }},
		{"params", func(n *yaml.Node, key string) { *params = r.params(n, key) }},
		{"path", func(n *yaml.Node, key string) { *path, _ = r.text(n, key, `a path that begins with "/"`) }},
		{"headers", func(n *yaml.Node, key string) { *headers = r.texts(n, key) }},
	}
}

// texts reads a mapping of text to text.
func (r *reader) texts(n *yaml.Node, key string) map[string]string {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.add(n, key, "is "+counted(n)+"; allowed: names of headers with their values")
		return nil
	}
	read := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if _, repeated := read[name.Value]; repeated || !isKey(name) {
			r.add(name, below(key, safeKey(name)), "is given twice, or is no text")
			continue
		}
		read[name.Value], _ = r.text(value, below(key, safeKey(name)), "text")
	}
	return read
}

// params reads a list or mapping as JSON.
func (r *reader) params(n *yaml.Node, key string) configs.JSON {
	if n.Kind != yaml.SequenceNode && n.Kind != yaml.MappingNode {
		r.add(n, key, "is "+kindOf(n)+"; allowed: a list or a mapping")
		return nil
	}
	var written bytes.Buffer
	r.json(&written, n, key, 1)
	return written.Bytes()
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// json writes a value as compact JSON, with its members in the order in which they are written.
func (r *reader) json(to *bytes.Buffer, n *yaml.Node, key string, depth int) {
	switch {
	case depth > deepestParams:
		r.add(n, key, fmt.Sprintf("is nested too deeply; allowed: at most %d levels", deepestParams))
	case n.Kind == yaml.SequenceNode:
		to.WriteByte('[')
		for i, each := range n.Content {
			if i > 0 {
				to.WriteByte(',')
			}
			r.json(to, each, fmt.Sprintf("%s[%d]", key, i), depth+1)
		}
		to.WriteByte(']')
	case n.Kind == yaml.MappingNode:
		r.jsonObject(to, n, key, depth)
	default:
		r.jsonScalar(to, n, key)
	}
}

func (r *reader) jsonObject(to *bytes.Buffer, n *yaml.Node, key string, depth int) {
	seen := make(map[string]bool, len(n.Content)/2)
	to.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if !isKey(name) || seen[name.Value] {
			r.add(name, below(key, safeKey(name)), "is given twice, or is a name that has to be in quotes")
			continue
		}
		seen[name.Value] = true
		if i > 0 {
			to.WriteByte(',')
		}
		writeText(to, name.Value)
		to.WriteByte(':')
		r.json(to, value, below(key, safeKey(name)), depth+1)
	}
	to.WriteByte('}')
}

func (r *reader) jsonScalar(to *bytes.Buffer, n *yaml.Node, key string) {
	switch tag := n.ShortTag(); {
	case tag == "!!str":
		writeText(to, n.Value)
	case tag == "!!null":
		to.WriteString("null")
	case tag == "!!bool":
		to.WriteString(strings.ToLower(n.Value))
	case (tag == "!!int" || tag == "!!float") && jsonNumber.MatchString(n.Value):
		to.WriteString(n.Value)
	default:
		r.add(n, key, "is "+kindOf(n)+" that JSON does not have; allowed: decimal numbers, and text in quotes")
	}
}

// writeText writes text as JSON.
func writeText(to *bytes.Buffer, text string) {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a buffer takes everything
	to.Truncate(to.Len() - 1)
}

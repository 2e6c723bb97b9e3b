package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Target is a node that is asked: a servicer's upstream, or a control probe. In the file it is the URL alone, or an object of
// the URL and header fields. All of them may be secrets, and may refer to the environment or to files (see secret.Written).
type Target struct {
	// URL is http or https. A user and password in it are sent as basic authentication.
	URL secret.Written
	// Headers are sent with each request: name → value; at most secret.MaximumHeaders.
	Headers map[string]secret.Written
	// object is true if the file has an object.
	object bool
}

// URL returns the target of a URL.
func URL(text string) Target { return Target{URL: secret.Text(text)} }

// URLs returns targets of URLs, relay chain → URL.
func URLs(texts map[string]string) map[string]Target {
	targets := make(map[string]Target, len(texts))
	for chain, text := range texts {
		targets[chain] = URL(text)
	}
	return targets
}

// targetObject is a target as an object.
type targetObject struct {
	URL     *secret.Written           `json:"url"`
	Headers map[string]secret.Written `json:"headers,omitzero"`
}

// MarshalJSON returns the URL, or the object.
func (t Target) MarshalJSON() ([]byte, error) {
	var value any = t.URL
	if t.object || len(t.Headers) > 0 {
		value = targetObject{&t.URL, t.Headers}
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return encoded.Bytes(), err
}

// errTarget is returned for a target of another form. It repeats nothing of it.
var errTarget = errors.New(`a target is a URL, or {"url": URL, "headers": {NAME: VALUE}}`)

// UnmarshalJSON accepts a URL, and an object.
func (t *Target) UnmarshalJSON(data []byte) error {
	*t = Target{}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return t.URL.UnmarshalJSON(data)
	}
	var shape map[string]json.RawMessage
	if json.Unmarshal(data, &shape) != nil {
		return errTarget
	}
	if _, isFile := shape["file"]; isFile && len(shape) == 1 {
		return t.URL.UnmarshalJSON(data)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var read targetObject
	if decoder.Decode(&read) != nil || read.URL == nil {
		return errTarget
	}
	*t = Target{URL: *read.URL, Headers: read.Headers, object: true}
	return nil
}

// Request returns the URL without user, and the header fields, of a target that is opened or that refers to nothing.
func (t Target) Request() (address string, header http.Header, err error) {
	parsed, problem := secret.ParseURL(t.URL.Reveal())
	if problem != "" {
		return "", nil, errors.New(problem + "; allowed: " + secret.URLForm)
	}
	header = make(http.Header, len(t.Headers)+1)
	for name, value := range t.Headers {
		header.Set(name, value.Reveal())
	}
	if user := parsed.User; user != nil {
		if header.Get("Authorization") != "" {
			return "", nil, errors.New("has a user, and there is a header Authorization, which mean the same; allowed: one of them")
		}
		request := http.Request{Header: header}
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
		parsed.User = nil
	}
	return parsed.String(), header, nil
}

// shown returns a target for display: what is written as it is, and may be secret, is replaced. References stay.
func (t Target) shown() Target {
	shown := Target{URL: t.URL, object: t.object}
	if t.URL.IsLiteral() {
		shown.URL = secret.Text(shownURL(t.URL.Reveal()))
	}
	for name, value := range t.Headers {
		if shown.Headers == nil {
			shown.Headers = make(map[string]secret.Written, len(t.Headers))
		}
		if value.IsLiteral() {
			value = secret.Text("[secret]")
		}
		shown.Headers[name] = value
	}
	return shown
}

// shownURL returns a URL without what can be a key: user, path and query.
func shownURL(raw string) string {
	parsed, err := url.Parse(raw)
	if err != nil {
		return "[secret]"
	}
	origin := parsed.Scheme + "://" + parsed.Host
	if raw == origin || raw == origin+"/" {
		return raw
	}
	return origin + "/[secret]"
}

// Shown returns the configuration for display: URLs and header fields that are written as they are have no key any more.
func (n Node) Shown() Node {
	_ = n.eachTarget(func(_ string, t Target) (Target, error) { return t.shown(), nil })
	_ = n.replaceFeed(func(f Feed) (Feed, error) { return f.shown(), nil })
	return n
}

// Open returns the configuration with what its targets refer to: the environment, and files below a directory. The error
// is one line, names what it is about, repeats no secret, and wraps ErrInvalid.
func (n Node) Open(dir string, env secret.Environment) (Node, error) {
	err := n.eachTarget(func(field string, t Target) (Target, error) {
		opened, err := t.open(dir, env)
		if err != nil {
			return t, fmt.Errorf("%w: %s%w", ErrInvalid, field, err)
		}
		return opened, nil
	})
	if err == nil {
		err = n.replaceFeed(func(f Feed) (Feed, error) { return f.open(dir, env) })
	}
	return n, err
}

// replaceFeed replaces the feed, if there is one, in a configuration whose fisherman is a copy.
func (n *Node) replaceFeed(replace func(Feed) (Feed, error)) error {
	if n.Fisherman == nil || n.Fisherman.Feed == nil {
		return nil
	}
	replaced, err := replace(*n.Fisherman.Feed)
	n.Fisherman.Feed = &replaced
	return err
}

// open opens a target. The error goes on from the name of its field.
func (t Target) open(dir string, env secret.Environment) (Target, error) {
	var err error
	opened := Target{object: t.object, Headers: make(map[string]secret.Written, len(t.Headers))}
	if opened.URL, err = t.URL.Open(dir, env); err != nil {
		return t, fmt.Errorf(": %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if opened.Headers[name], err = t.Headers[name].Open(dir, env); err != nil {
			return t, fmt.Errorf(".headers.%s: %w", name, err)
		}
		if !secret.IsHeaderValue(opened.Headers[name].Reveal()) {
			return t, fmt.Errorf(".headers.%s is not the value of a header; allowed: %s", name, secret.HeaderForm)
		}
	}
	if _, _, err := opened.Request(); err != nil {
		return t, fmt.Errorf(" %w", err)
	}
	return opened, nil
}

// eachTarget replaces every target of a configuration, in the order of the file, by copies of their maps.
func (n *Node) eachTarget(replace func(field string, t Target) (Target, error)) error {
	all := func(field string, targets map[string]Target) (map[string]Target, error) {
		replaced := maps.Clone(targets)
		for _, chain := range slices.Sorted(maps.Keys(targets)) {
			var err error
			if replaced[chain], err = replace(field+"."+short(chain), targets[chain]); err != nil {
				return targets, err
			}
		}
		return replaced, nil
	}
	var err error
	n.Servicers = slices.Clone(n.Servicers)
	for i := range n.Servicers {
		if n.Servicers[i].Upstreams, err = all(servicerField(i)+".upstreams", n.Servicers[i].Upstreams); err != nil {
			return err
		}
	}
	if n.Fisherman != nil {
		fisherman := *n.Fisherman
		n.Fisherman = &fisherman
		fisherman.ControlProbes, err = all("fisherman.control_probes", fisherman.ControlProbes)
	}
	return err
}

// targets checks the form of targets. What they refer to is checked when they are opened.
func (p *problems) targets(field string, targets map[string]Target) {
	for _, chain := range slices.Sorted(maps.Keys(targets)) {
		if err := types.ValidateRelayChain(chain); err != nil {
			p.refuse(field, "for "+shownChain(chain), "four upper-case hex digits, as in 0001")
			continue
		}
		p.target(field+"."+chain, targets[chain])
	}
}

func (p *problems) target(field string, t Target) {
	if t.URL.IsLiteral() {
		if _, problem := secret.ParseURL(t.URL.Reveal()); problem != "" {
			p.refuse(field, problem, secret.URLForm)
		}
	}
	if len(t.Headers) > secret.MaximumHeaders {
		p.refuse(field+".headers", fmt.Sprintf("is %d of them", len(t.Headers)), fmt.Sprintf("at most %d", secret.MaximumHeaders))
		return
	}
	seen := make(map[string]bool, len(t.Headers))
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		canonical := http.CanonicalHeaderKey(name)
		switch value := t.Headers[name]; {
		case !secret.IsHeaderName(name): // what stands here may be the value
			p.refuse(field+".headers", "has a key that is not the name of a header", "letters, digits and -")
		case secret.IsOwnHeader(name):
			p.refuse(field+".headers."+canonical, "is set by the node itself", "to remove it")
		case seen[canonical]:
			p.refuse(field+".headers."+canonical, "is given twice, which means the same in upper and lower case", "one of them")
		case value.IsLiteral() && !secret.IsHeaderValue(value.Reveal()):
			p.refuse(field+".headers."+canonical, "is not the value of a header", secret.HeaderForm)
		}
		seen[canonical] = true
	}
}

// refuse records what is wrong with a value that is not repeated.
func (p *problems) refuse(field, what, want string) {
	if p.total++; p.total <= keptProblems {
		p.kept = append(p.kept, fmt.Sprintf("%s %s; allowed: %s", field, what, want))
	}
}

// shownChain names what stands for a relay chain; a URL in its place may hold a key.
func shownChain(chain string) string {
	if strings.Contains(chain, "://") {
		return "a relay chain that is a URL"
	}
	return "relay chain " + quoted(chain)
}

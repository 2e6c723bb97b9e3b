package endpoints

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// concealed stands in the place of a secret.
	concealed = "[secret]"
	// piece is how many bytes of a secret in a row are not shown anywhere, since texts are cut. It is the shortest part of a
	// path that is taken for a secret too.
	piece = 8
	// leastValue is the shortest password, value of a header or of a parameter that is taken for a secret. One that is
	// shorter than a piece is not shown as a whole.
	leastValue = 4
)

// secretsOf collects what of a target's URL and headers is not to be shown.
func secretsOf(address *url.URL, header http.Header) (found []string) {
	add := func(least int, given ...string) {
		for _, each := range given {
			if len(each) >= least {
				found = append(found, each)
			}
		}
	}
	add(piece, strings.TrimSuffix(address.RequestURI(), "/"))
	for _, path := range []string{address.Path, address.EscapedPath()} {
		add(piece, strings.TrimSuffix(path, "/"))
		add(piece, strings.Split(path, "/")...)
	}
	for pair := range strings.SplitSeq(address.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		add(piece, name)
		add(leastValue, value)
		if plain, err := url.QueryUnescape(value); err == nil {
			add(leastValue, plain)
		}
	}
	if user := address.User; user != nil {
		password, _ := user.Password()
		add(leastValue, user.Username(), password, user.String(), basic(user))
	}
	for _, values := range header {
		for _, value := range values {
			add(leastValue, value)
			add(piece, strings.Fields(value)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// basic is a user as the header Authorization has it (RFC 7617).
func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
}

// spellings are the forms in which a server may write what it was sent.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret) // text always encodes
	plain := strconv.Quote(secret)    // JSON of those who leave <, > and & as they are
	escaped := url.QueryEscape(secret)
	all := []string{
		secret, text.Printable(secret), string(quoted[1 : len(quoted)-1]), plain[1 : len(plain)-1], strings.ReplaceAll(secret, "/", `\/`), html.EscapeString(secret),
		escaped, strings.ReplaceAll(escaped, "+", "%20"), url.PathEscape(secret),
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// redactor conceals secrets, in upper and lower case.
type redactor struct {
	// pieces are those of all secrets in lower case, without those that are shown anyway.
	pieces map[[piece]byte]struct{}
	// short are the secrets that have none, longest first.
	short []string
	// secrets and public are what it was made of.
	secrets, public []string
}

// redactorOf returns the redactor of a session's secrets: that of an earlier one with the same, if there is any.
func (n *Network) redactorOf(secrets, public []string) *redactor {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sessions {
		if slices.Equal(s.redactor.secrets, secrets) && slices.Equal(s.redactor.public, public) {
			return s.redactor
		}
	}
	return newRedactor(secrets, public)
}

// newRedactor returns one of secrets. What is public is shown, even where it is part of a secret.
func newRedactor(secrets, public []string) *redactor {
	r := &redactor{secrets: secrets, public: public, pieces: make(map[[piece]byte]struct{})}
	for _, secret := range secrets {
		if len(secret) < piece {
			r.short = append(r.short, secret)
		}
		for _, spelling := range spellings(secret) {
			for each := range piecesOf(spelling) {
				r.pieces[each] = struct{}{}
			}
		}
	}
	for _, shown := range append([]string{"application/json"}, public...) {
		r.short = slices.DeleteFunc(r.short, func(s string) bool { return strings.EqualFold(s, shown) })
		for each := range piecesOf(shown) {
			delete(r.pieces, each)
		}
	}
	slices.SortFunc(r.short, func(a, b string) int { return len(b) - len(a) })
	r.short = slices.Compact(r.short)
	return r
}

// piecesOf yields the pieces of a text in lower case.
func piecesOf(text string) func(yield func([piece]byte) bool) {
	return func(yield func([piece]byte) bool) {
		var window [piece]byte
		for i := range len(text) {
			copy(window[:], window[1:])
			window[piece-1] = lower(text[i])
			if i >= piece-1 && !yield(window) {
				return
			}
		}
	}
}

func lower(letter byte) byte {
	if 'A' <= letter && letter <= 'Z' {
		letter += 'a' - 'A'
	}
	return letter
}

// conceal returns a text without the secrets.
func (r *redactor) conceal(text string) string { return string(r.concealBytes([]byte(text))) }

// concealBytes is conceal for bytes, which are copied if they have a secret.
func (r *redactor) concealBytes(text []byte) []byte {
	for _, secret := range r.short {
		if bytes.Contains(text, []byte(secret)) {
			text = bytes.ReplaceAll(text, []byte(secret), []byte(concealed))
		}
	}
	if len(r.pieces) == 0 || len(text) < piece {
		return text
	}
	var window [piece]byte
	var shown []byte
	next := 0 // the first byte that is neither shown nor concealed yet
	for i := range text {
		copy(window[:], window[1:])
		window[piece-1] = lower(text[i])
		if i < piece-1 {
			continue
		}
		if _, secret := r.pieces[window]; !secret {
			continue
		}
		if start := i - piece + 1; start >= next {
			shown = append(append(shown, text[next:start]...), concealed...)
		}
		next = i + 1
	}
	if next == 0 {
		return text
	}
	return append(shown, text[next:]...)
}

// public is what is shown of a group.
func (p *prepared) public() []string {
	words := []string{p.Name}
	for _, t := range p.targets {
		words = append(words, t.public()...)
	}
	return words
}

// conceal returns a text without the target's secrets. It is for few texts: it does not keep what it looks for.
func (t *target) conceal(text string) string { return newRedactor(t.secrets, t.public()).conceal(text) }

// public is what is shown of a target.
func (t *target) public() []string { return []string{t.name, t.operator, t.origin} }

// shownChain returns the identity of a chain as it may be shown: a server could repeat a key in its place. One that is in
// the URL of all that say it is shown if two voters say it.
func (p *prepared) shownChain(chain string) string {
	voters := make(map[string]bool)
	shown := chain
	for i, t := range p.targets {
		if p.said[i].Chain != chain || p.said[i].Kind == question.ChainUnknown {
			continue
		}
		hidden := t.conceal(chain)
		if voters[t.voter()] = true; hidden == chain || len(voters) > 1 {
			return chain
		}
		shown = hidden
	}
	return shown
}

// Redact removes what is secret about the targets of its session from a round, in whatever a stranger wrote. Of a session
// that is not known, it removes all that.
func (n *Network) Redact(round *types.QoSRound) {
	known := n.session(round.GetSessionId())
	if known == nil {
		round.Reason = ""
		for _, sample := range round.GetSamples() {
			sample.Detail, sample.ResponseEnvelope = "", nil
		}
		return
	}
	round.Reason = known.redactor.conceal(round.GetReason())
	for _, sample := range round.GetSamples() {
		sample.Detail = known.redactor.conceal(sample.GetDetail())
		sample.ResponseEnvelope = known.redactor.concealBytes(sample.GetResponseEnvelope())
	}
}

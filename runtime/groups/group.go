package groups

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Bounds of a group.
const (
	minimumInterval = 100 * time.Millisecond
	minimumSession  = 10 * time.Second
	maximumSession  = 24 * time.Hour
	maximumChecks   = 10_000
	minimumSLA      = time.Millisecond
	minimumTimeout  = 10 * time.Millisecond
	maximumTimeout  = time.Minute
	minimumRate     = 0.01
	maximumRate     = 1000
	maximumCount    = 10_000
	maximumBlocks   = configs.MaximumDepth
	maximumHeight   = 1 << 48
)

// catalogues that the targets of each kind of chain can be asked.
var catalogues = map[string][]string{
	ChainEVM:      {configs.CatalogueEVMValues, configs.CatalogueEVM, configs.CatalogueCustom},
	ChainCometBFT: {configs.CatalogueCometBFT, configs.CatalogueCometBFTURI, configs.CatalogueCustom},
	ChainCosmos:   {configs.CatalogueCosmos, configs.CatalogueCustom},
	ChainSolana:   {CatalogueSolana, configs.CatalogueCustom},
	ChainCustom:   {configs.CatalogueCustom},
}

// kinds returns the kinds of chains, in the order in which they are named.
func kinds() []string {
	return []string{ChainEVM, ChainCometBFT, ChainCosmos, ChainSolana, ChainCustom}
}

// allCatalogues returns every catalogue once.
func allCatalogues() []string {
	var all []string
	for _, kind := range kinds() {
		for _, each := range catalogues[kind] {
			if each != configs.CatalogueCustom {
				all = append(all, each)
			}
		}
	}
	return append(all, configs.CatalogueCustom)
}

// group reads a group.
func (r *reader) group(n *yaml.Node, key string, taken claims) Group {
	if hasKey(n, "shannon") {
		return r.suppliers(n, key, taken)
	}
	g := DefaultGroup()
	read, ok := r.object(n, key, r.ofGroup(&g, taken)...)
	if !ok {
		return g
	}
	r.needs(read, "name", nameForm)
	r.needs(read, "targets", "a list of at least one target, or shannon")
	r.checkTimes(read, &g)
	r.checkTimeout(read, &g)
	r.checkJudging(read, &g)
	r.checkCatalogue(read, &g)
	r.checkControl(read, &g)
	return g
}

// ofGroup is the keys of a group.
func (r *reader) ofGroup(g *Group, taken claims) []field {
	return slices.Concat(r.identity(g, taken), r.asking(g), r.times(g), r.judging(g))
}

// identity is what a group is called and what it consists of.
func (r *reader) identity(g *Group, taken claims) []field {
	return []field{
		{"name", func(n *yaml.Node, key string) { g.Name = r.name(n, key); r.claim(taken, n, key, g.Name) }},
		r.chain(g),
		{"control", func(n *yaml.Node, key string) { g.Control = r.control(n, key) }},
		{"targets", func(n *yaml.Node, key string) {
			names := make(claims)
			r.list(n, key, MaximumTargets, func(n *yaml.Node, key string) { g.Targets = append(g.Targets, r.target(n, key, names)) })
		}},
		{"shannon", func(n *yaml.Node, key string) { g.Shannon = r.shannon(n, key) }},
	}
}

// chain is the kind of the targets' chain.
func (r *reader) chain(g *Group) field {
	return field{"chain", func(n *yaml.Node, key string) { g.Chain = r.word(n, key, append(kinds(), ChainAuto)...) }}
}

// maxLag is how far a target may be behind.
func (r *reader) maxLag(g *Group) field {
	return field{"max_lag", func(n *yaml.Node, key string) { g.MaxLag = new(r.blocks(n, key)) }}
}

// asking is what the targets are asked.
func (r *reader) asking(g *Group) []field {
	return []field{
		{"catalogue", func(n *yaml.Node, key string) { g.Catalogue = r.word(n, key, allCatalogues()...) }},
		{"depth", func(n *yaml.Node, key string) { g.Depth = new(r.whole(n, key, 0, maximumBlocks)) }},
		{"recent", func(n *yaml.Node, key string) { g.Recent = r.whole(n, key, 0, maximumHeight) }},
		{"head", func(n *yaml.Node, key string) { g.Head = r.head(n, key) }},
		{"questions", func(n *yaml.Node, key string) {
			r.list(n, key, maximumQuestions, func(n *yaml.Node, key string) { g.Questions = append(g.Questions, r.question(n, key)) })
		}},
		{"ignored_fields", func(n *yaml.Node, key string) {
			r.list(n, key, types.MaxPointers, func(n *yaml.Node, key string) { g.IgnoredFields = append(g.IgnoredFields, r.pointer(n, key)) })
		}},
	}
}

// times is when the targets are asked.
func (r *reader) times(g *Group) []field {
	return []field{
		{"interval", func(n *yaml.Node, key string) { g.Interval = r.duration(n, key, minimumInterval, maximumSession/2) }},
		{"session", func(n *yaml.Node, key string) { g.Session = r.duration(n, key, minimumSession, maximumSession) }},
		{"spread", func(n *yaml.Node, key string) {
			g.Spread = Spread(r.word(n, key, string(SpreadStratifiedJitter), string(SpreadEven), string(SpreadUniformRandom)))
		}},
		{"sla", func(n *yaml.Node, key string) { g.SLA = r.duration(n, key, minimumSLA, maximumTimeout) }},
		{"timeout", func(n *yaml.Node, key string) { g.Timeout = r.duration(n, key, minimumTimeout, maximumTimeout) }},
		{"rate", func(n *yaml.Node, key string) { g.Rate = r.number(n, key, minimumRate, maximumRate) }},
	}
}

// judging is what is allowed.
func (r *reader) judging(g *Group) []field {
	count := func(to *int, low int64) func(n *yaml.Node, key string) {
		return func(n *yaml.Node, key string) { *to = int(r.whole(n, key, low, maximumCount)) }
	}
	return []field{
		r.maxLag(g),
		{"nulls_allowed", count(&g.NullsAllowed, 0)},
		{"disagreements_allowed", count(&g.DisagreementsAllowed, 0)},
		{"lagging_allowed", count(&g.LaggingAllowed, 0)},
		{"samples_required", count(&g.SamplesRequired, 1)},
		{"quorum", func(n *yaml.Node, key string) { g.Quorum = int(r.whole(n, key, 2, MaximumTargets)) }},
		{"sessions_retained", count(&g.SessionsRetained, 1)},
	}
}

// say adds a problem with a key of a mapping that was read.
func (r *reader) say(read object, name, format string, args ...any) {
	r.add(read.at(name), below(read.key, name), fmt.Sprintf(format, args...))
}

// checkTimes checks that the times of a group fit its session.
func (r *reader) checkTimes(read object, g *Group) {
	say := func(name, format string, args ...any) { r.say(read, name, format, args...) }
	if read.fine("session") && g.Session%time.Second != 0 {
		say("session", "is %s; allowed: whole seconds", short(g.Session))
	}
	if read.fine("session", "interval") {
		switch checks := g.Checks(); {
		case checks < 2:
			say("interval", "is %s, in which a session of %s has no two checks; allowed: at most %s", short(g.Interval), short(g.Session), short(g.Session/2))
		case checks > maximumChecks:
			say("interval", "is %s, in which a session of %s has %d checks; allowed: at most %d", short(g.Interval), short(g.Session), checks, maximumChecks)
		}
	}
	if read.fine("interval", "rate") {
		if least := time.Duration(float64(time.Second) / g.Rate); g.Interval < least {
			say("interval", "is %s, more often than a rate of %g requests a second; allowed: at least %s, or a rate of at least %.4g",
				short(g.Interval), g.Rate, short(least), float64(time.Second)/float64(g.Interval))
		}
	}
	if read.fine("timeout", "session") && g.Timeout >= g.Session {
		say("timeout", "is %s; allowed: less than the session, which is %s", short(g.Timeout), short(g.Session))
	}
}

// checkTimeout checks that an answer can be late.
func (r *reader) checkTimeout(read object, g *Group) {
	if read.fine("timeout", "sla") && g.Timeout <= g.SLA {
		r.say(read, "timeout", "is %s; allowed: more than the sla, which is %s", short(g.Timeout), short(g.SLA))
	}
}

// checkJudging fills in what follows from the number of checks, and checks what is allowed against it.
func (r *reader) checkJudging(read object, g *Group) {
	nulls, lagging, required := Allowances(g.Checks())
	for name, to := range map[string]struct {
		to    *int
		value int
	}{"nulls_allowed": {&g.NullsAllowed, nulls}, "lagging_allowed": {&g.LaggingAllowed, lagging}, "samples_required": {&g.SamplesRequired, required}} {
		if !read.has(name) {
			*to.to = to.value
		}
	}
	if read.has("samples_required") && read.fine("samples_required", "session", "interval") && g.SamplesRequired > g.Checks() {
		r.add(read.at("samples_required"), below(read.key, "samples_required"),
			fmt.Sprintf("is %d; allowed: at most the checks of a session, which are %d", g.SamplesRequired, g.Checks()))
	}
	if read.has("quorum") && read.fine("quorum", "targets") && g.Quorum > max(2, len(g.Targets)) {
		r.add(read.at("quorum"), below(read.key, "quorum"),
			fmt.Sprintf("is %d; allowed: 2 to the number of targets, which is %d", g.Quorum, len(g.Targets)))
	}
}

// checkControl checks that a control that is no URL is the name of a target.
func (r *reader) checkControl(read object, g *Group) {
	if g.Control.Target == "" || !read.fine("targets", "control") {
		return
	}
	if !slices.ContainsFunc(g.Targets, func(t Target) bool { return t.Name == g.Control.Target }) {
		r.add(read.at("control"), below(read.key, "control"), "is "+shown(g.Control.Target)+"; allowed: the name of one of the group's targets, or a URL")
	}
}

// control reads the name of a target, or a URL.
func (r *reader) control(n *yaml.Node, key string) Control {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && isName(n.Value) && !strings.HasPrefix(n.Value, "@") {
		return Control{Target: n.Value}
	}
	return Control{URL: r.url(n, key)}
}

// blocks reads a number of blocks, as in 3 or "3 blocks".
func (r *reader) blocks(n *yaml.Node, key string) int64 {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		return r.whole(n, key, 0, maximumBlocks)
	}
	want := fmt.Sprintf("0 to %d, as in 3 or 3 blocks", maximumBlocks)
	written, ok := r.text(n, key, want)
	if !ok {
		return 0
	}
	digits, unit, _ := strings.Cut(written, " ")
	value, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || value > maximumBlocks || unit != "blocks" && unit != "block" {
		r.add(n, key, "is "+shown(written)+"; allowed: "+want)
	}
	return int64(value)
}

// target reads a target.
func (r *reader) target(n *yaml.Node, key string, taken claims) Target {
	var t Target
	read, ok := r.object(n, key, r.ofTarget(&t, taken)...)
	if !ok {
		return t
	}
	r.needs(read, "name", nameForm)
	r.needs(read, "url", secret.URLForm)
	if _, authorized := t.Headers["Authorization"]; authorized && read.fine("url", "headers") && read.has("url") {
		if parsed, _ := secret.ParseURL(t.URL.Reveal()); parsed != nil && parsed.User != nil {
			r.add(read.at("url"), below(key, "url"), "has a user, and there is a header Authorization, which mean the same; allowed: one of them")
		}
	}
	return t
}

// ofTarget is the keys of a target.
func (r *reader) ofTarget(t *Target, taken claims) []field {
	return []field{
		{"name", func(n *yaml.Node, key string) { t.Name = r.name(n, key); r.claim(taken, n, key, t.Name) }},
		{"url", func(n *yaml.Node, key string) { t.URL = r.url(n, key) }},
		{"private", func(n *yaml.Node, key string) { t.Private = r.truth(n, key) }},
		{"operator", func(n *yaml.Node, key string) { t.Operator = r.name(n, key) }},
		{"headers", func(n *yaml.Node, key string) { t.Headers = r.headers(n, key) }},
	}
}

// headers reads the headers of a target.
func (r *reader) headers(n *yaml.Node, key string) map[string]Secret {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 || len(n.Content) > 2*MaximumHeaders {
		r.add(n, key, fmt.Sprintf("is %s; allowed: 1 to %d names of headers with their values", counted(n), MaximumHeaders))
		return nil
	}
	read := make(map[string]Secret, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		canonical := http.CanonicalHeaderKey(name.Value)
		_, repeated := read[canonical]
		switch {
		case !isKey(name) || !secret.IsHeaderName(name.Value):
			r.add(name, below(key, safeKey(name)), "is not the name of a header; allowed: letters, digits and -, then a colon and a space")
			continue
		case secret.IsOwnHeader(canonical):
			r.add(name, below(key, canonical), "is set by the fisherman itself; remove it")
			continue
		case repeated:
			r.add(name, below(key, canonical), "is given twice, which means the same in upper and lower case")
			continue
		}
		read[canonical] = r.header(value, below(key, canonical))
	}
	return read
}

// counted says what a value is, or how many values a mapping has.
func counted(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return strconv.Itoa(len(n.Content)/2) + " of them"
	}
	return kindOf(n)
}

// pointer reads a JSON pointer.
func (r *reader) pointer(n *yaml.Node, key string) string {
	const want = "a JSON pointer of at most 256 bytes, as in /block/header/time"
	value, ok := r.text(n, key, want)
	if ok {
		if _, err := types.ParsePointer(value); err != nil {
			r.add(n, key, "is "+shown(value)+"; allowed: "+want)
		}
	}
	return value
}

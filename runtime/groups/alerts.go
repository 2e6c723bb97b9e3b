package groups

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Alerts are the messages that a fisherman sends about verdicts. Without Receivers it sends none.
type Alerts struct {
	// PublicURL is the base of links to the dashboard, as others reach it, without a slash at the end; empty for no links.
	PublicURL string
	// GroupWait is for how long what happens is gathered for one message, 0 to 10 min.
	GroupWait time.Duration
	// Rules, 1 to MaximumRules, in the file's order. Their names differ.
	Rules []machine.Rule
	// Receivers, 1 to MaximumReceivers, in the file's order. Their names differ.
	Receivers []AlertReceiver
}

// AlertReceiver is where messages are sent.
type AlertReceiver struct {
	// Name has the form of a group's.
	Name string
	// URL says what the receiver is and where; see package alerts/delivery.
	URL Secret
	// Headers that requests of a webhook have in addition, by name in canonical form; at most 16.
	Headers map[string]Secret
	// Timeout of each attempt, 1 s to 60 s.
	Timeout time.Duration
}

// Delivery returns the receiver itself.
func (a AlertReceiver) Delivery(options delivery.Options) (delivery.Receiver, error) {
	options.Headers = make(map[string]string, len(a.Headers))
	for name, value := range a.Headers {
		options.Headers[name] = value.Reveal()
	}
	return delivery.New(a.URL.Reveal(), options)
}

// Bounds of alerts.
const (
	// MaximumRules is the maximum number of rules.
	MaximumRules = 64
	// MaximumReceivers is the maximum number of receivers.
	MaximumReceivers = 16

	maximumGroupWait = 10 * time.Minute
	maximumFor       = 7 * 24 * time.Hour
	minimumRepeat    = time.Minute
	maximumRepeat    = 30 * 24 * time.Hour
	minimumSending   = time.Second
	maximumSending   = time.Minute
	// maximumScope bounds the groups and the servicers that a rule names.
	maximumScope = MaximumTargets
)

// Defaults of alerts.
const (
	defaultGroupWait = 30 * time.Second
	defaultFor       = 5 * time.Minute
	defaultSending   = 10 * time.Second
	// defaultRule is the name of the rule of a configuration without rules.
	defaultRule = "servicers"
)

// alertVerdicts are the verdicts that a rule can fire for: first those of a rule that names none.
var alertVerdicts = []api.Verdict{api.VerdictInconsistent, api.VerdictUnavailable, api.VerdictBehind, api.VerdictSlow, api.VerdictUnknown, verdictNotAskedYet}

// verdictNotAskedYet is the verdict of a servicer that was not asked yet.
const verdictNotAskedYet api.Verdict = "not_asked_yet"

// defaultVerdicts is how many of alertVerdicts a rule has that names none.
const defaultVerdicts = 4

func newRule() machine.Rule {
	return machine.Rule{For: defaultFor, ResolveAfter: defaultFor}
}

// LoadAlerts reads the alerts of a file: of a configuration of groups, or of a file that has no other key than alerts. The
// error is an *Error.
func LoadAlerts(path string, env Environment) (Alerts, error) {
	r := newReader(path, env)
	data, err := secret.ReadRegular(path, MaximumSize)
	if err != nil {
		r.file("cannot be read: " + secret.Reason(err))
		return Alerts{}, r.err(path)
	}
	var config Config
	if top := r.document(data); top != nil {
		if hasKey(top, "groups") {
			return loadAll(path, env)
		}
		if read, ok := r.object(top, "", r.ofAlertsFile(&config)...); ok {
			r.needs(read, "alerts", "at least receivers")
		}
	}
	return config.Alerts, r.err(path)
}

func loadAll(path string, env Environment) (Alerts, error) {
	config, err := Load(path, env)
	if err == nil && len(config.Alerts.Receivers) == 0 {
		r := newReader(path, env)
		r.file("has no alerts")
		err = r.err(path)
	}
	return config.Alerts, err
}

func (r *reader) ofAlertsFile(c *Config) []field {
	return []field{{"alerts", func(n *yaml.Node, key string) { c.Alerts = r.alerts(n, key) }}}
}

// alerts reads the alerts of a configuration.
func (r *reader) alerts(n *yaml.Node, key string) Alerts {
	a := Alerts{GroupWait: defaultGroupWait}
	read, ok := r.object(n, key, r.ofAlerts(&a)...)
	if !ok {
		return a
	}
	r.needs(read, "receivers", "a list of at least one receiver")
	if !read.has("rules") {
		rule := newRule()
		rule.Name, rule.Verdicts = defaultRule, alertVerdicts[:defaultVerdicts]
		a.Rules = []machine.Rule{rule}
	}
	if read.fine("rules", "receivers") && read.has("rules") {
		for i, each := range read.at("rules").Content {
			r.checkReceivers(each, fmt.Sprintf("%s.rules[%d].receivers", key, i), a.Rules[i].Receivers, a.Receivers)
		}
	}
	return a
}

// checkReceivers checks that a rule names receivers that there are.
func (r *reader) checkReceivers(n *yaml.Node, key string, named []string, known []AlertReceiver) {
	for _, name := range named {
		if !slices.ContainsFunc(known, func(each AlertReceiver) bool { return each.Name == name }) {
			r.add(n, key, "names "+shown(name)+"; allowed: names of receivers")
		}
	}
}

// ofAlerts is the keys of alerts.
func (r *reader) ofAlerts(a *Alerts) []field {
	return []field{
		{"public_url", func(n *yaml.Node, key string) { a.PublicURL = r.publicURL(n, key) }},
		{"group_wait", func(n *yaml.Node, key string) { a.GroupWait = r.duration(n, key, 0, maximumGroupWait) }},
		{"rules", func(n *yaml.Node, key string) {
			names := make(claims)
			r.list(n, key, MaximumRules, func(n *yaml.Node, key string) { a.Rules = append(a.Rules, r.rule(n, key, names)) })
		}},
		{"receivers", func(n *yaml.Node, key string) {
			names := make(claims)
			r.list(n, key, MaximumReceivers, func(n *yaml.Node, key string) { a.Receivers = append(a.Receivers, r.receiver(n, key, names)) })
		}},
	}
}

// publicURL reads the base of links. It is shown in messages, so it is no secret.
func (r *reader) publicURL(n *yaml.Node, key string) string {
	const want = "an http or https URL without user, query and fragment, as in https://fisherman.example"
	value, ok := r.text(n, key, want)
	if !ok {
		return ""
	}
	parsed, problem := secret.ParseURL(value)
	if problem == "" && (parsed.User != nil || parsed.RawQuery != "") {
		problem = "has a user or a query"
	}
	if problem != "" {
		r.add(n, key, problem+"; allowed: "+want)
		return ""
	}
	return strings.TrimRight(parsed.String(), "/")
}

// rule reads a rule.
func (r *reader) rule(n *yaml.Node, key string, taken claims) machine.Rule {
	rule := newRule()
	read, ok := r.object(n, key, r.ofRule(&rule, taken)...)
	if !ok {
		return rule
	}
	r.needs(read, "name", nameForm)
	if !rule.Fisherman {
		if !read.has("verdicts") {
			rule.Verdicts = alertVerdicts[:defaultVerdicts]
		}
		return rule
	}
	for _, name := range []string{"verdicts", "groups", "relay_chains", "targets", "servicers"} {
		if read.has(name) {
			r.say(read, name, "is for rules about servicers, but the rule has fisherman; remove one of the two")
		}
	}
	return rule
}

// ofRule is the keys of a rule.
func (r *reader) ofRule(rule *machine.Rule, taken claims) []field {
	names := func(to *[]string) func(n *yaml.Node, key string) {
		return func(n *yaml.Node, key string) {
			r.list(n, key, maximumScope, func(n *yaml.Node, key string) { *to = append(*to, r.name(n, key)) })
		}
	}
	duration := func(to *time.Duration, low, high time.Duration) func(n *yaml.Node, key string) {
		return func(n *yaml.Node, key string) { *to = r.duration(n, key, low, high) }
	}
	return []field{
		{"name", func(n *yaml.Node, key string) { rule.Name = r.name(n, key); r.claim(taken, n, key, rule.Name) }},
		{"verdicts", func(n *yaml.Node, key string) {
			r.list(n, key, len(alertVerdicts), func(n *yaml.Node, key string) {
				rule.Verdicts = append(rule.Verdicts, r.verdict(n, key, rule.Verdicts))
			})
		}},
		{"fisherman", func(n *yaml.Node, key string) { r.word(n, key, string(machine.VerdictNotReady)); rule.Fisherman = true }},
		{"for", duration(&rule.For, 0, maximumFor)},
		{"resolve_after", duration(&rule.ResolveAfter, 0, maximumFor)},
		{"repeat", duration(&rule.Repeat, minimumRepeat, maximumRepeat)},
		{"groups", names(&rule.Groups)},
		{"relay_chains", names(&rule.Groups)},
		{"targets", names(&rule.Servicers)},
		{"servicers", names(&rule.Servicers)},
		{"receivers", names(&rule.Receivers)},
	}
}

// verdict reads a verdict.
func (r *reader) verdict(n *yaml.Node, key string, before []api.Verdict) api.Verdict {
	words := make([]string, len(alertVerdicts))
	for i, each := range alertVerdicts {
		words[i] = string(each)
	}
	verdict := api.Verdict(r.word(n, key, words...))
	if slices.Contains(before, verdict) {
		r.add(n, key, "is given twice; remove one of them")
	}
	return verdict
}

// receiver reads a receiver.
func (r *reader) receiver(n *yaml.Node, key string, taken claims) AlertReceiver {
	a := AlertReceiver{Timeout: defaultSending}
	read, ok := r.object(n, key, r.ofReceiver(&a, taken)...)
	if !ok {
		return a
	}
	r.needs(read, "name", nameForm)
	r.needs(read, "url", "as in slack://hook:${SLACK}@webhook")
	if !read.has("url") || !read.fine("url", "headers") {
		return a
	}
	made, err := a.Delivery(delivery.Options{})
	if wrong, is := errors.AsType[*delivery.URLError](err); is {
		r.say(read, "url", "%s", wrong.Error())
	}
	if err == nil && made.Kind() != delivery.KindWebhook && len(a.Headers) > 0 {
		r.say(read, "headers", "is for webhooks, but the receiver is %s; remove it", made.Kind())
	}
	return a
}

// ofReceiver is the keys of a receiver.
func (r *reader) ofReceiver(a *AlertReceiver, taken claims) []field {
	return []field{
		{"name", func(n *yaml.Node, key string) { a.Name = r.name(n, key); r.claim(taken, n, key, a.Name) }},
		{"url", func(n *yaml.Node, key string) {
			if raw, ok := r.secret(n, key); ok {
				a.URL = NewSecret(raw)
			}
		}},
		{"headers", func(n *yaml.Node, key string) { a.Headers = r.headers(n, key) }},
		{"timeout", func(n *yaml.Node, key string) { a.Timeout = r.duration(n, key, minimumSending, maximumSending) }},
	}
}

// checkScopes checks that rules are about groups that there are.
func (r *reader) checkScopes(read object, c *Config) {
	if !read.has("alerts") || !read.fine("alerts", "groups") {
		return
	}
	rules := valueOf(read.at("alerts"), "rules")
	for i, rule := range c.Alerts.Rules {
		for _, name := range rule.Groups {
			if !slices.ContainsFunc(c.Groups, func(g Group) bool { return g.Name == name }) {
				r.add(rules.Content[i], fmt.Sprintf("alerts.rules[%d].groups", i), "names "+shown(name)+"; allowed: names of groups")
			}
		}
		for _, name := range rule.Servicers {
			if !slices.ContainsFunc(c.Groups, func(g Group) bool { return g.mayHave(name) }) {
				r.add(rules.Content[i], fmt.Sprintf("alerts.rules[%d].targets", i), "names "+shown(name)+"; allowed: names of targets")
			}
		}
	}
}

// mayHave reports whether a group has a target of a name, or may have a supplier of that address.
func (g *Group) mayHave(name string) bool {
	return g.Shannon != nil || slices.ContainsFunc(g.Targets, func(t Target) bool { return t.Name == name })
}

// valueOf returns the value of a key of a mapping.
func valueOf(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return n
}

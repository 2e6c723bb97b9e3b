package groups

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// slackToken has the form of one, and is a secret.
const slackToken = "PLANTEDAAA-PLANTEDBBB-plantedplantedplantedCCC"

// alerting is a configuration with alerts of these lines.
func alerting(lines ...string) string {
	return inGroup() + "alerts:\n  " + strings.Join(lines, "\n  ") + "\n"
}

// receivers is a line with a receiver.
const receivers = "receivers: [{name: ops, url: 'https://h.example/${KEY}'}]"

func TestAlerts(t *testing.T) {
	alerts := parse(t, alerting("public_url: https://F.example:443/sub/", "group_wait: 1m", "rules:",
		"  - {name: down, verdicts: [unavailable, behind], for: 10m, resolve_after: 0s, repeat: 24h, groups: [a], targets: [one], receivers: [ops]}",
		"  - {name: self, fisherman: not_ready}",
		"receivers:",
		"  - {name: ops, url: 'slack://hook:"+slackToken+"@webhook'}",
		"  - {name: hook, url: 'https://h.example/${KEY}', headers: {authorization: 'Bearer ${KEY}'}, timeout: 3s}")).Alerts
	want := Alerts{PublicURL: "https://f.example/sub", GroupWait: time.Minute,
		Rules: []machine.Rule{
			{Name: "down", Verdicts: []api.Verdict{"unavailable", "behind"}, For: 10 * time.Minute, Repeat: 24 * time.Hour,
				Groups: []string{"a"}, Servicers: []string{"one"}, Receivers: []string{"ops"}},
			{Name: "self", Fisherman: true, For: 5 * time.Minute, ResolveAfter: 5 * time.Minute},
		},
		Receivers: []AlertReceiver{
			{Name: "ops", URL: NewSecret("slack://hook:" + slackToken + "@webhook"), Timeout: 10 * time.Second},
			{Name: "hook", URL: NewSecret("https://h.example/" + planted), Timeout: 3 * time.Second,
				Headers: map[string]Secret{"Authorization": NewSecret("Bearer " + planted)}},
		}}
	if !reflect.DeepEqual(alerts, want) {
		t.Errorf("got  %+v\nwant %+v", alerts, want)
	}
	if shown := fmt.Sprintf("%v %+v %#v", alerts, alerts, alerts); strings.Contains(shown, "PLANTED") || strings.Contains(shown, planted) {
		t.Error(shown)
	}
}

func TestDefaultsOfAlerts(t *testing.T) {
	want := Alerts{GroupWait: 30 * time.Second, Receivers: []AlertReceiver{{Name: "ops", URL: NewSecret("https://h.example/" + planted), Timeout: 10 * time.Second}},
		Rules: []machine.Rule{{Name: "servicers", Verdicts: []api.Verdict{"inconsistent", "unavailable", "behind", "slow"}, For: 5 * time.Minute, ResolveAfter: 5 * time.Minute}}}
	if got := parse(t, alerting(receivers)).Alerts; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAlertsAreRefused(t *testing.T) {
	rule := func(text string) string { return alerting("rules: [{name: r, "+text+"}]", receivers) }
	to := func(text string) string { return alerting("receivers: [{name: r, " + text + "}]") }
	for text, want := range map[string]string{
		alerting("rules: [{name: r}]"):                               "7:3: alerts.receivers: is missing",
		inGroup() + "alerts: []\n":                                   "6:9: alerts: is a list; allowed: keys with values: public_url, group_wait, rules, receivers",
		alerting(receivers, "rule: 1"):                               "8:3: alerts.rule: unknown key",
		alerting(receivers, "group_wait: 11m"):                       `8:15: alerts.group_wait: is "11m"; allowed: 0s to 10m`,
		alerting(receivers, "public_url: ftp://"+planted+".example"): "8:15: alerts.public_url: has another scheme than http and https",
		alerting(receivers, "public_url: https://u:p@h.example"):     "alerts.public_url: has a user or a query",
		alerting(receivers, "rules: []"):                             "alerts.rules: is a list of 0; allowed: 1 to 64",
		alerting("receivers: []"):                                    "alerts.receivers: is a list of 0; allowed: 1 to 16",
		alerting("rules: [{for: 5m}]", receivers):                    "7:11: alerts.rules[0].name: is missing",
		alerting("rules: [{name: r}, {name: r}]", receivers):         `alerts.rules[1].name: is "r" like the one of line 7`,
		rule("for: 5"):                              `alerts.rules[0].for: is "5"; allowed: 0s to 168h, with a unit`,
		rule("resolve_after: -1s"):                  "alerts.rules[0].resolve_after: is",
		rule("repeat: 1s"):                          "alerts.rules[0].repeat: is",
		rule("verdicts: [down]"):                    `alerts.rules[0].verdicts[0]: is "down"; allowed: inconsistent, unavailable, behind, slow, unknown, not_asked_yet`,
		rule("verdicts: [slow, slow]"):              "alerts.rules[0].verdicts[1]: is given twice",
		rule("verdicts: slow"):                      "alerts.rules[0].verdicts: is text; allowed: a list",
		rule("fisherman: ready"):                    `alerts.rules[0].fisherman: is "ready"; allowed: not_ready`,
		rule("fisherman: not_ready, groups: [a]"):   "alerts.rules[0].groups: is for rules about servicers",
		rule("groups: [b]"):                         `7:11: alerts.rules[0].groups: names "b"; allowed: names of groups`,
		rule("targets: [three]"):                    `alerts.rules[0].targets: names "three"; allowed: names of targets`,
		rule("receivers: [other]"):                  `alerts.rules[0].receivers: names "other"; allowed: names of receivers`,
		to("url: 'https://h.example', uri: x"):      "7:51: alerts.receivers[0].uri: unknown key",
		to("timeout: 3s"):                           "alerts.receivers[0].url: is missing",
		to("url: 'slack://" + planted + "'"):        "7:30: alerts.receivers[0].url: does not have the form of one; allowed: slack://hook:A-B-C@webhook",
		to("url: 'ftp://" + planted + "'"):          "alerts.receivers[0].url: has a scheme of no receiver",
		to("url: 'discord://" + planted + "'"):      "alerts.receivers[0].url: does not have the form of one; allowed: discord://TOKEN@ID",
		to("url: 'telegram://${KEY}@telegram'"):     "alerts.receivers[0].url: does not have the form of one; allowed: telegram://TOKEN@telegram?chats=CHAT",
		to("url: 'smtp://${KEY}.example'"):          "alerts.receivers[0].url: does not have the form of one; allowed: smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS&to=ADDRESS",
		to("url: 'https://${MISSING}'"):             "alerts.receivers[0].url: environment variable MISSING is not set",
		to("url: 5"):                                "alerts.receivers[0].url: is a number",
		to("url: 'https://h.example', timeout: 0s"): "alerts.receivers[0].timeout: is",
		to("url: 'slack://hook:" + slackToken + "@webhook', headers: {X-A: b}"): "alerts.receivers[0].headers: is for webhooks, but the receiver is slack",
	} {
		lines := refused(t, text)
		if len(lines) != 1 || !strings.Contains(lines[0], want) || strings.Contains(strings.ToLower(lines[0]), "planted") {
			t.Errorf("%.300q:\n got %q\nwant %q", text, lines, want)
		}
	}
}

// A node names a file of alerts alone; 'pocket fisherman alerts test' takes a whole configuration as well.
func TestLoadAlerts(t *testing.T) {
	for text, want := range map[string]string{
		"alerts:\n  " + receivers + "\n": "",
		alerting(receivers):              "",
		inGroup():                        "f.yaml: has no alerts",
		"alerts: {}\n":                   "f.yaml:1:9: alerts.receivers: is missing; a list of at least one receiver",
		"other: 1\n":                     "f.yaml:1:1: other: unknown key; allowed: alerts",
		"alerts:\n  rules: [{name: r, relay_chains: ['0021'], servicers: [abc]}]\n  " + receivers + "\n": "",
	} {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		alerts, err := LoadAlerts(path, environment)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "")
		}
		if !strings.HasPrefix(got, want) || (err == nil) != (want == "") || err == nil && len(alerts.Receivers) != 1 {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if _, err := LoadAlerts("/nonexistent", environment); err == nil {
		t.Error("a file that is not there")
	}
}

func TestChangesOfAlerts(t *testing.T) {
	old := parse(t, alerting(receivers))
	if changes := Compare(old, parse(t, alerting(receivers))); !changes.None() {
		t.Errorf("%+v of the same", changes)
	}
	for _, other := range []string{inGroup(), alerting(receivers, "group_wait: 1s"), alerting(strings.Replace(receivers, "KEY}", "KEY}x", 1))} {
		if changes := Compare(old, parse(t, other)); !changes.Alerts || changes.None() {
			t.Errorf("%s: %+v", other, changes)
		}
	}
}

// Every key of alerts is in docs/alerts.md and in the code.
func TestReferenceOfAlerts(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	r := newReader("f.yaml", environment)
	for heading, fields := range map[string][]field{
		"### alerts\n": r.ofAlerts(new(Alerts)), "### A rule\n": r.ofRule(new(machine.Rule), make(claims)), "### A receiver\n": r.ofReceiver(new(AlertReceiver), make(claims)),
	} {
		_, section, found := strings.Cut(string(page), heading)
		if !found {
			t.Fatalf("no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n##")
		documented := make(map[string]bool)
		for _, match := range row.FindAllStringSubmatch(section, -1) {
			documented[match[1]] = true
		}
		for _, field := range fields {
			if !documented[field.name] {
				t.Errorf("%s: %s is not in the reference", heading, field.name)
			}
			if field.name != "relay_chains" && field.name != "servicers" && !regexp.MustCompile(`(^|[ {#-])`+field.name+`:`).MatchString(strings.ReplaceAll(Example(), "\n", " ")) {
				t.Errorf("%s is not in the example", field.name)
			}
			delete(documented, field.name)
		}
		for name := range documented {
			t.Errorf("%s: %s is in the reference and not in the code", heading, name)
		}
	}
}

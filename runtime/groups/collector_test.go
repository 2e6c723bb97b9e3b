package groups

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	oneKey   = "cecc1507dc1ddd7295951c290888f095adb9044d1b73d696e6df065d683bd4fc"
	otherKey = "6b79c57e6a095239282c04818e96112f3f03a4001ba97a564c23852a3f1ea5fc"
)

// collectorText is a configuration with lines more.
func collectorText(lines ...string) string {
	return strings.Join(append(lines, "feed: {nats: nats://127.0.0.1:4222}", "fishermen: [{name: a, key: "+oneKey+"}]"), "\n")
}

func natsPassword(name string) (string, bool) { return planted, name == "NATS_PASSWORD" }

func TestCollectorExample(t *testing.T) {
	example, err := ParseCollector([]byte(CollectorExample()), "/etc/collector.yaml", natsPassword)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultCollector()
	want.Data, want.Feed.NATS, want.Fishermen = "/etc/collector-data", example.Feed.NATS, []CollectorFisherman{{"frankfurt", oneKey}, {"tokyo", otherKey}}
	if !reflect.DeepEqual(example, want) || example.Feed.NATS[0].Reveal() != "nats://collector:"+planted+"@127.0.0.1:4222" {
		t.Errorf("%+v", example)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", example, example), planted) {
		t.Error("a secret is shown")
	}
	r := newReader("f.yaml", natsPassword)
	for _, fields := range [][]field{r.ofCollector(new(Collector)), r.ofCollectorFeed(new(Collector)), r.ofFisherman(new(CollectorFisherman), make(claims), make(claims)), r.ofVerdicts(new(CollectorVerdicts))} {
		for _, field := range fields {
			if !regexp.MustCompile(`(^|[ {#-])` + field.name + `:`).MatchString(strings.ReplaceAll(CollectorExample(), "\n", " ")) {
				t.Errorf("%s is not in the example", field.name)
			}
		}
	}
}

func TestCollectorConfigurations(t *testing.T) {
	config, err := ParseCollector([]byte(collectorText("relay_chains: ['0001', my chain]", "takeover: 1m", "verdicts: {enabled: false}", "data: /var/x")), "/etc/c.yaml", natsPassword)
	if err != nil || !reflect.DeepEqual(config.RelayChains, []string{"0001", "my chain"}) || config.Verdicts.Enabled || config.Data != "/var/x" {
		t.Errorf("%v, %+v", err, config)
	}
	many := "feed: {nats: ['nats://a:1', 'tls://b:2'], tls: {ca: ca.pem, cert: c.pem, key: k.pem}, credentials: x.creds, stream: s, durable: d}\nfishermen: [{name: a, key: " + oneKey + "}]"
	config, err = ParseCollector([]byte(many), "/etc/c.yaml", natsPassword)
	if err != nil || len(config.Feed.NATS) != 2 || config.Feed.TLS.CA != "/etc/ca.pem" || config.Feed.Credentials != "/etc/x.creds" || config.Durable != "d" {
		t.Errorf("%v, %+v", err, config)
	}
}

func TestCollectorProblems(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":          {"", "is empty; 'pocket collector config --print-example' shows a configuration"},
		"no fishermen":     {"feed: {nats: nats://h:1}", "fishermen: is missing"},
		"no feed":          {"fishermen: [{name: a, key: " + oneKey + "}]", "feed: is missing"},
		"unknown":          {collectorText("groups: []"), "1:1: groups: unknown key"},
		"not loopback":     {collectorText("listen: 0.0.0.0:1"), "listen: is"},
		"a short takeover": {collectorText("takeover: 10s"), "takeover: is \"10s\"; allowed: 1m to 24h"},
		"no chain":         {collectorText("relay_chains: []"), "relay_chains: is a list of 0"},
		"a number":         {collectorText("relay_chains: [1]"), "text that looks like a number has to be in quotes"},
		"a chain twice":    {collectorText("relay_chains: [a, a]"), "is \"a\" like the one of line 1"},
		"a bucket":         {collectorText("verdicts: {bucket: a.b}"), "allowed: 1 to 64 letters"},
		"a key":            {"feed: {nats: nats://h:1}\nfishermen: [{name: a, key: " + planted + "}]", "key: is not a public key"},
		"a key twice":      {"feed: {nats: nats://h:1}\nfishermen: [{name: a, key: " + oneKey + "},\n {name: b, key: " + oneKey + "}]", "3:17: fishermen[1].key: is the key of line 2 too"},
		"a name twice":     {"feed: {nats: nats://h:1}\nfishermen: [{name: a, key: " + oneKey + "},\n {name: a, key: " + otherKey + "}]", "is \"a\" like the one of line 2"},
		"a URL":            {"feed: {nats: 'http://x:" + planted + "@h'}\nfishermen: [{name: a, key: " + oneKey + "}]", "feed.nats: has another scheme than nats and tls; allowed: nats://HOST:PORT"},
		"half of TLS":      {"feed: {nats: nats://h:1, tls: {cert: a}}\nfishermen: [{name: a, key: " + oneKey + "}]", "feed.tls: has cert or key alone"},
	} {
		_, err := ParseCollector([]byte(test.text), "f.yaml", natsPassword)
		wrong, is := errors.AsType[*Error](err)
		if !is || !strings.Contains(wrong.Error(), test.want) || strings.Contains(wrong.Error(), planted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the text is, a configuration or a bounded error comes of it.
func FuzzParseCollector(f *testing.F) {
	f.Add(CollectorExample())
	f.Add(collectorText("relay_chains: ['0001']", "alerts: {receivers: [{name: a, url: 'json://h'}]}"))
	f.Add("feed: {nats: ['${NATS_PASSWORD}']}\nfishermen: {}")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := ParseCollector([]byte(text), "f.yaml", natsPassword)
		if wrong, is := errors.AsType[*Error](err); err != nil && (!is || len(wrong.Problems) == 0 || len(wrong.Problems) > keptProblems) {
			t.Fatal(err)
		}
		if err == nil && (len(config.Fishermen) == 0 || len(config.Feed.NATS) == 0 || config.Feed.Stream == "") {
			t.Errorf("%+v", config)
		}
		if !strings.Contains(text, planted) && strings.Contains(fmt.Sprintf("%+v %#v %v", config, config, err), planted) {
			t.Error("a secret is shown")
		}
	})
}

// Every key is in the reference and in the code, and its default is what the reference says.
func TestReferenceOfCollectorKeys(t *testing.T) {
	page, err := os.ReadFile("../../docs/collector.md")
	if err != nil {
		t.Fatal(err)
	}
	r := newReader("f.yaml", natsPassword)
	for heading, fields := range map[string][]field{
		"### The file\n":     r.ofCollector(new(Collector)),
		"### The feed\n":     r.ofCollectorFeed(new(Collector)),
		"### A fisherman\n":  r.ofFisherman(new(CollectorFisherman), make(claims), make(claims)),
		"### The verdicts\n": r.ofVerdicts(new(CollectorVerdicts)),
	} {
		_, section, found := strings.Cut(string(page), heading)
		if !found {
			t.Fatalf("no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n##")
		documented := make(map[string]string)
		for _, match := range row.FindAllStringSubmatch(section, -1) {
			documented[match[1]] = match[2]
		}
		for _, field := range fields {
			value, found := documented[field.name]
			delete(documented, field.name)
			if !found {
				t.Errorf("%s: %s is not in the reference", heading, field.name)
			}
			literal := strings.Trim(value, "`")
			if literal == value || heading != "### The file\n" {
				continue // said in words
			}
			with, withErr := ParseCollector([]byte(collectorText(field.name+": "+literal)), "f.yaml", natsPassword)
			without, err := ParseCollector([]byte(collectorText()), "f.yaml", natsPassword)
			if errors.Join(withErr, err) != nil || !reflect.DeepEqual(with, without) {
				t.Errorf("%s: %s is not %s by default: %v", heading, field.name, literal, withErr)
			}
		}
		for name := range documented {
			t.Errorf("%s: %s is in the reference and not in the code", heading, name)
		}
	}
}

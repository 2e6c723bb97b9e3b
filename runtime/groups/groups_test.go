package groups

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// planted is in every secret of these tests.
const planted = "planted7"

// environment has every variable but MISSING and EMPTY.
func environment(name string) (string, bool) {
	switch name {
	case "MISSING":
		return "", false
	case "EMPTY":
		return "", true
	case "BROKEN":
		return planted + "\r\nX: y", true
	}
	return planted, true
}

func parse(t *testing.T, text string) Config {
	t.Helper()
	config, err := Parse([]byte(text), "/etc/fisherman.yaml", environment)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// inGroup is a valid configuration of one group with two targets and some more lines, each "key: value".
func inGroup(lines ...string) string {
	text := "groups:\n  - name: a\n"
	for _, line := range lines {
		text += "    " + line + "\n"
	}
	return text + "    targets:\n      - {name: one, url: https://one.example}\n      - {name: two, url: https://two.example}\n"
}

func TestAConfigurationAsPeopleWriteIt(t *testing.T) {
	config := parse(t, `listen: 127.0.0.1:50832
data: ./fisherman-data
groups:
  - name: ethereum
    chain: evm            # found by asking when left out
    interval: 15s         # a check every 15 s on average, at secret moments
    session: 5m
    sla: 300ms
    max_lag: 3 blocks
    control: own-node     # the witness: one of the targets, or a URL
    targets:
      - {name: own-node,  url: http://127.0.0.1:8545, private: true}
      - {name: provider-a, url: https://a.example/v2/${A_KEY}, operator: a}
      - {name: provider-b, url: https://b.example/rpc, headers: {Authorization: "Bearer ${B_TOKEN}"}}
`)
	want := Group{Name: "ethereum", Chain: ChainEVM, Interval: 15 * time.Second, Session: 5 * time.Minute, Spread: SpreadStratifiedJitter,
		SLA: 300 * time.Millisecond, Timeout: 5 * time.Second, Rate: 2, MaxLag: new(int64(3)), NullsAllowed: 2, LaggingAllowed: 1,
		SamplesRequired: 3, Quorum: 2, SessionsRetained: 1000, Control: Control{Target: "own-node"},
		Targets: []Target{
			{Name: "own-node", URL: NewSecret("http://127.0.0.1:8545"), Private: true},
			{Name: "provider-a", URL: NewSecret("https://a.example/v2/" + planted), Operator: "a"},
			{Name: "provider-b", URL: NewSecret("https://b.example/rpc"),
				Headers: map[string]Secret{"Authorization": NewSecret("Bearer " + planted)}},
		}}
	if !reflect.DeepEqual(config.Groups, []Group{want}) {
		t.Errorf("got  %+v\nwant %+v", config.Groups, want)
	}
	config.Groups = nil
	if !reflect.DeepEqual(config, Config{Listen: "127.0.0.1:50832", Data: "/etc/fisherman-data", LogLevel: "info", LogFormat: "text", History: configs.DefaultHistory()}) {
		t.Errorf("%+v", config)
	}
	if chain := want.RelayChain(ChainEVM); chain.Catalogue != configs.CatalogueEVMValues || *chain.MaxLag != 3 {
		t.Errorf("%+v", chain)
	}
}

// What may be written in more than one way, or is derived from what is.
func TestSpellings(t *testing.T) {
	group := func(lines ...string) Group { return parse(t, inGroup(lines...)).Groups[0] }
	for name, got := range map[string]struct{ got, want any }{
		"mark of byte order":      {parse(t, "\ufeff"+inGroup()), parse(t, inGroup())},
		"lines of Windows":        {parse(t, strings.ReplaceAll(inGroup(), "\n", "\r\n")), parse(t, inGroup())},
		"an end mark":             {parse(t, "---\n"+inGroup()+"...\n"), parse(t, inGroup())},
		"blocks":                  {*group("max_lag: 1 block").MaxLag, int64(1)},
		"number of blocks":        {*group("max_lag: 0").MaxLag, int64(0)},
		"no blocks":               {group().MaxLag, (*int64)(nil)},
		"checks":                  {group("interval: 30s", "session: 10m").Checks(), 20},
		"nulls of many checks":    {group("interval: 1s", "session: 5m").NullsAllowed, 30},
		"lagging of many checks":  {group("interval: 1s", "session: 5m").LaggingAllowed, 15},
		"samples of two checks":   {group("interval: 5s", "session: 10s", "timeout: 2s").SamplesRequired, 2},
		"fast":                    {group("interval: 100ms", "rate: 10").Interval, 100 * time.Millisecond},
		"a slow rate":             {group("rate: 0.1").Rate, 0.1},
		"chain by its catalogue":  {group("catalogue: evm").Chain, ChainEVM},
		"chain to be found":       {group().Chain, ChainAuto},
		"catalogue of Solana":     {group("chain: solana").RelayChain(ChainSolana).Catalogue, "solana"},
		"catalogue that is found": {group().RelayChain(ChainCometBFT).Catalogue, "cometbft"},
		"own questions": {group("chain: evm", "questions: [{method: eth_chainId}]").RelayChain(ChainEVM),
			configs.RelayChain{Catalogue: "custom", Questions: []configs.Question{{Method: "eth_chainId"}}}},
		"params": {string(group("questions: [{method: m, params: [{b: 1, a: [true, null, 1.5e3, '$X', <é>]}]}]").Questions[0].Params),
			`[{"b":1,"a":[true,null,1.5e3,"$X","<é>"]}]`},
		"control by URL":      {group("control: https://c.example/${KEY}").Control.URL.Reveal(), "https://c.example/" + planted},
		"control by variable": {group("control: '@" + secretFile(t, "http://127.0.0.1:1/x\n") + "'").Control.URL.Reveal(), "http://127.0.0.1:1/x"},
		"pointers":            {group("ignored_fields: [/a/b, /c]").IgnoredFields, []string{"/a/b", "/c"}},
		"an absolute path":    {parse(t, "data: /var/x/../y\n"+inGroup()).Data, "/var/y"},
		"public":              {parse(t, "listen: 0.0.0.0:0\npublic: true\n"+inGroup()).Public, true},
		"localhost":           {parse(t, "listen: localhost:1\n"+inGroup()).Listen, "localhost:1"},
	} {
		if !reflect.DeepEqual(got.got, got.want) {
			t.Errorf("%s: %+v, want %+v", name, got.got, got.want)
		}
	}
}

// secretFile is a file with some contents.
func secretFile(t *testing.T, contents string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestURLsAndHeaders(t *testing.T) {
	file := secretFile(t, planted+"\r\n")
	for written, want := range map[string]string{
		"https://A.Example.:0443/x?y=${KEY}":  "https://a.example/x?y=" + planted,
		"'HTTP://[::FFFF:127.0.0.1]:80'":      "http://127.0.0.1",
		"http://0x7f.1:08545/":                "http://127.0.0.1:8545/",
		"https://user:${KEY}@a.example/a%2Fb": "https://user:" + planted + "@a.example/a%2Fb",
		"'https://a.example/$${KEY}'":         "https://a.example/$%7BKEY%7D",
		"https://a.example/$KEY":              "https://a.example/$KEY",
		"'https://${KEY}.example/'":           "https://" + planted + ".example/",
	} {
		target := parse(t, "groups: [{name: a, targets: [{name: a, url: "+written+"}]}]").Groups[0].Targets[0]
		if got := target.URL.Reveal(); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
	for written, want := range map[string]string{
		`"Bearer ${KEY}"`:        "Bearer " + planted,
		`{file: "` + file + `"}`: planted,
		`"@` + file + `"`:        planted,
		`"12345"`:                "12345",
		`a b; c="d"`:             `a b; c="d"`,
	} {
		target := parse(t, "groups:\n- name: a\n  targets:\n  - name: a\n    url: http://a\n    headers:\n      x-kEY: "+written+"\n").Groups[0].Targets[0]
		if got := target.Headers["X-Key"].Reveal(); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	for url, want := range map[string]string{
		"https://user:planted@A.example:443/planted?planted": "https://a.example",
		"http://[2001:DB8::1]:08/planted":                    "http://[2001:db8::1]:8",
		"http://127.1:8545/planted":                          "http://127.0.0.1:8545",
		"planted":                                            "", "": "", "ftp://a.example": "", "https://": "", "http://a b/": "", "https://münchen.example": "",
	} {
		if got := (Target{URL: NewSecret(url)}).Origin(); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func TestDefaultsAndExample(t *testing.T) {
	config := parse(t, inGroup())
	group := DefaultGroup()
	group.Name, group.Targets = "a", config.Groups[0].Targets
	want := Default()
	want.Data, want.Groups = "/etc/fisherman-data", []Group{group}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got  %+v\nwant %+v", config, want)
	}
	example := parse(t, Example())
	if len(example.Groups) != 2 || example.Groups[1].RelayChain(ChainCustom).Head == nil {
		t.Errorf("%+v", example)
	}
}

func TestCompare(t *testing.T) {
	old := parse(t, Example())
	if changes := Compare(old, parse(t, Example())); !changes.None() {
		t.Errorf("%+v of the same", changes)
	}
	updated := parse(t, strings.Replace(Example(), "name: bitcoin", "name: litecoin", 1))
	updated.Groups[0].Targets[2].Headers = map[string]Secret{"Authorization": NewSecret("other")}
	updated.Listen, updated.LogLevel = "127.0.0.1:1", "debug"
	want := Changes{Added: []string{"litecoin"}, Removed: []string{"bitcoin"}, Changed: []string{"ethereum"}, Restart: []string{"listen", "log_level"}}
	if changes := Compare(old, updated); !reflect.DeepEqual(changes, want) {
		t.Errorf("%+v, want %+v", changes, want)
	}
}

package groups

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	anApplication      = "pokt1d0z3kvlf7d3xj38ts7g50cvpz9vplrumj0ct5r"
	anotherApplication = "pokt199j6fehyyf5x3736az9jhxaeaymawla6t4myz3"
)

// suppliers is a valid configuration of one group of suppliers, and some more lines of the group, each "key: value". It ends
// within its application.
func suppliers(lines ...string) string {
	text := "groups:\n  - name: eth-on-pocket\n"
	if !strings.Contains(strings.Join(lines, "\n"), "chain: ") {
		text += "    chain: evm\n"
	}
	for _, line := range lines {
		text += "    " + line + "\n"
	}
	return text + "    shannon:\n      rpc: [https://node.example:443]\n      application: " + anApplication +
		"\n      service: eth\n      signer: watcher\n      max_upokt_per_session: 500000\n"
}

func TestSuppliersAsPeopleWriteThem(t *testing.T) {
	got := parse(t, `groups:
  - name: eth-on-pocket
    shannon:
      rpc: [https://node.example:443]
      application: `+anApplication+`
      service: eth
      signer: watcher        # a secp256k1 key in our keystore
      max_upokt_per_session: 500000
    chain: evm
    sla: 500ms
`).Groups[0]
	want := Group{Name: "eth-on-pocket", Chain: ChainEVM, Interval: time.Minute, Spread: SpreadStratifiedJitter, SLA: 500 * time.Millisecond,
		Timeout: 5 * time.Second, NullsAllowed: Share, LaggingAllowed: Share, Quorum: 3, SessionsRetained: 1000,
		Shannon: &Shannon{RPC: []Secret{NewSecret("https://node.example")}, Application: anApplication, Service: "eth", Signer: "watcher",
			MaxUpoktPerSession: 500_000}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v %+v\nwant %+v %+v", got, got.Shannon, want, want.Shannon)
	}
	if got.Checks() != 0 {
		t.Errorf("%d checks", got.Checks())
	}
}

func TestSpellingsOfSuppliers(t *testing.T) {
	application := func(line string) Shannon {
		return *parse(t, suppliers()+"      "+line+"\n").Groups[0].Shannon
	}
	rpc := func(list string) (urls []string) {
		for _, url := range parse(t, strings.Replace(suppliers(), "[https://node.example:443]", list, 1)).Groups[0].Shannon.RPC {
			urls = append(urls, url.Reveal())
		}
		return urls
	}
	group := func(lines ...string) Group { return parse(t, suppliers(lines...)).Groups[0] }
	for name, got := range map[string]struct{ got, want any }{
		"a second node":    {rpc("[http://a:26657, tcp://127.0.0.1:26657]"), []string{"http://a:26657", "http://127.0.0.1:26657"}},
		"a secret node":    {rpc("['https://u:${S}@a.example/${S}?k=${S}']"), []string{"https://u:" + planted + "@a.example/" + planted + "?k=" + planted}},
		"a node in a file": {rpc("[{file: " + secretFile(t, "https://a.example/"+planted+"\n") + "}]"), []string{"https://a.example/" + planted}},
		"keys":             {application("keys: my-keys").Keys, "/etc/my-keys"},
		"keys elsewhere":   {application("keys: /var/keys/").Keys, "/var/keys"},
		"a day":            {application("max_upokt_per_day: 20000000").MaxUpoktPerDay, uint64(20_000_000)},
		"all that can be":  {application("max_upokt_per_day: 1000000000000000000").MaxUpoktPerDay, uint64(1e18)},
		"chain id":         {application("chain_id: pocket-beta").ChainID, "pocket-beta"},
		"own network":      {application("allow_private: true").AllowPrivate, true},
		"a day alone": {parse(t, strings.Replace(suppliers(), "per_session", "per_day", 1)).Groups[0].Shannon,
			&Shannon{RPC: []Secret{NewSecret("https://node.example")}, Application: anApplication, Service: "eth", Signer: "watcher", MaxUpoktPerDay: 500_000}},
		"signer by address":       {parse(t, strings.Replace(suppliers(), "watcher", anotherApplication, 1)).Groups[0].Shannon.Signer, anotherApplication},
		"signer with spaces":      {parse(t, strings.Replace(suppliers(), "watcher", "my ключ", 1)).Groups[0].Shannon.Signer, "my ключ"},
		"chain by its catalogue":  {parse(t, strings.Replace(suppliers(), "chain: evm", "catalogue: cosmos", 1)).Groups[0].Chain, ChainCosmos},
		"a quorum above targets'": {group("quorum: 7").Quorum, 7},
		"nulls":                   {group("nulls_allowed: 0").NullsAllowed, 0},
		"own questions":           {group("questions: [{method: eth_chainId}]").RelayChain(ChainEVM).Catalogue, "custom"},
		"groups of both kinds": {[]int{len(OfTargets(parse(t, suppliers()+second("b")+"    targets: [{name: a, url: http://a}]\n").Groups)),
			len(OfSuppliers(parse(t, suppliers()).Groups))}, []int{1, 1}},
	} {
		if !reflect.DeepEqual(got.got, got.want) {
			t.Errorf("%s: %+v, want %+v", name, got.got, got.want)
		}
	}
}

// second begins one more group.
func second(name string) string { return "  - name: " + name + "\n" }

func TestRefusalsOfSuppliers(t *testing.T) {
	// with has a line of the application in place of another, or without it.
	with := func(key, line string) string {
		var kept []string
		for _, each := range strings.Split(suppliers(), "\n") {
			if !strings.HasPrefix(strings.TrimSpace(each), key+":") {
				kept = append(kept, each)
			} else if line != "" {
				kept = append(kept, "      "+line)
			}
		}
		return strings.Join(kept, "\n")
	}
	for text, want := range map[string]string{
		with("rpc", ""):                                                                   "5:7: groups[0].shannon.rpc: is missing; a list of at least one URL",
		with("rpc", "rpc: []"):                                                            "groups[0].shannon.rpc: is a list of 0; allowed: 1 to 8",
		with("rpc", "rpc: [a,a,a,a,a,a,a,a,a]"):                                           "groups[0].shannon.rpc: is a list of 9; allowed: 1 to 8",
		with("rpc", "rpc: https://a.example"):                                             "groups[0].shannon.rpc: is text; allowed: a list",
		with("rpc", "rpc: [wss://"+planted+"]"):                                           "groups[0].shannon.rpc[0]: has another scheme than http and https; allowed",
		with("rpc", "rpc: ['https://${MISSING}']"):                                        "groups[0].shannon.rpc[0]: environment variable MISSING is not set",
		with("rpc", "rpc: ['${S}']"):                                                      "groups[0].shannon.rpc[0]: has another scheme",
		with("rpc", "rpc: [http://a/, http://A:80/]"):                                     "groups[0].shannon.rpc[1]: is given twice",
		with("rpc", "rpc: [http://a, tcp://a]"):                                           "groups[0].shannon.rpc[1]: is given twice",
		with("application", ""):                                                           "groups[0].shannon.application: is missing; the address of a staked application, pokt1…",
		with("application", "application: pokt1…"):                                        "groups[0].shannon.application: is not a pokt1… address: malformed; allowed: the address",
		with("application", "application: "+planted):                                      "groups[0].shannon.application: is not a pokt1… address: malformed; allowed: the address",
		with("application", "application: 12"):                                            "groups[0].shannon.application: is a number; allowed: the address",
		with("application", "application: "+anApplication[:42]+"q"):                       "is not a pokt1… address: wrong checksum; is it copied whole?",
		with("application", "application: "+strings.ToUpper(anApplication)):               "is not a pokt1… address: malformed",
		with("application", "application: cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a"): "is not a pokt1… address",
		with("service", ""):                                                               "groups[0].shannon.service: is missing; the id of a service",
		with("service", "service: a b"):                                                   `groups[0].shannon.service: is "a b"; allowed: the id of a service`,
		with("service", "service: "+strings.Repeat("a", 43)):                              "groups[0].shannon.service: is",
		with("service", "service: 0021"):                                                  "groups[0].shannon.service: is a number; allowed: the id of a service, 1 to 42 letters, digits, _ and -, as in eth; text that looks like a number has to be in quotes",
		with("signer", ""):                                                                "groups[0].shannon.signer: is missing; the label or the address of a secp256k1 key",
		with("signer", "signer: ''"):                                                      "groups[0].shannon.signer: is not a label of 1 to 64 printable bytes",
		with("signer", "signer: ' a'"):                                                    "groups[0].shannon.signer: is not a label",
		with("signer", "signer: "+strings.Repeat("a", 63)+"é"):                            "groups[0].shannon.signer: is not a label",
		with("signer", `signer: "a\tb"`):                                                  "groups[0].shannon.signer: is not a label",
		with("signer", "signer: {file: a}"):                                               "groups[0].shannon.signer: is a mapping; allowed: the label",
		with("signer", "signer: '"+strings.Repeat("0a", 32)+"'"):                          "groups[0].shannon.signer: looks like a private key",
		with("signer", "signer: '0x"+strings.Repeat("0A", 32)+"'"):                        "groups[0].shannon.signer: looks like a private key",
		with("max_upokt_per_session", ""):                                                 "groups[0].shannon.max_upokt_per_session: is missing, as is max_upokt_per_day",
		with("max_upokt_per_session", "max_upokt_per_session: 0"):                         `groups[0].shannon.max_upokt_per_session: is "0"; allowed: a whole number from 1 to 1000000000000000000`,
		with("max_upokt_per_session", "max_upokt_per_session: -1"):                        `groups[0].shannon.max_upokt_per_session: is "-1"; allowed`,
		with("max_upokt_per_session", "max_upokt_per_day: 1.5"):                           "groups[0].shannon.max_upokt_per_day: is a number; allowed: a whole number",
		with("max_upokt_per_session", "max_upokt_per_day: 1e6"):                           "groups[0].shannon.max_upokt_per_day: is a number; allowed: a whole number",
		with("max_upokt_per_session", "max_upokt_per_day: 500000upokt"):                   "groups[0].shannon.max_upokt_per_day: is text; allowed: a whole number",
		with("max_upokt_per_session", "max_upokt_per_day: 18446744073709551616"):          "groups[0].shannon.max_upokt_per_day: is",
		with("max_upokt_per_session", "max_upokt_per_day: ~"):                             "groups[0].shannon.max_upokt_per_day: is empty",
		suppliers() + "      keys: ''\n":                                                  "groups[0].shannon.keys: is not a path",
		suppliers() + "      chain_id: a b\n":                                             `groups[0].shannon.chain_id: is "a b"; allowed: the id of a chain`,
		suppliers() + "      chain_id: " + strings.Repeat("a", 51):                        "groups[0].shannon.chain_id: is",
		suppliers() + "      allow_private: yes\n":                                        "groups[0].shannon.allow_private: is text; allowed: true or false",
		suppliers() + "      password: " + planted + "\n":                                 "groups[0].shannon.password: unknown key; allowed: rpc, application",
		suppliers() + "      service: poly\n":                                             "groups[0].shannon.service: is given twice",
		"groups: [{name: a, chain: evm, shannon: watcher}]":                               "groups[0].shannon: is text; allowed: keys with values: rpc",
		"groups: [{name: a, chain: evm, shannon: }]":                                      "groups[0].shannon: is empty; allowed: keys with values: rpc",

		// Keys of targets.
		suppliers("targets: [{name: a, url: http://a}]"): "4:14: groups[0].targets: is for endpoints, but the group has shannon",
		suppliers("control: https://" + planted):         "groups[0].control: is for groups of targets",
		suppliers("session: 5m"):                         "groups[0].session: is for groups of targets; sessions of suppliers are the chain's",
		suppliers("session: 9s"):                         "groups[0].session: is for groups of targets",
		suppliers("rate: 2"):                             "groups[0].rate: is for groups of targets",
		suppliers("shannon: {}") + "":                    "groups[0].shannon: is given twice",

		// Keys that mean what they mean for targets.
		strings.Replace(suppliers(), "    chain: evm\n", "", 1):                                     "2:5: groups[0].chain: is missing; suppliers are not asked of which chain they are: evm, cometbft, cosmos, solana, custom",
		strings.Replace(suppliers("questions: [{method: eth_chainId}]"), "    chain: evm\n", "", 1): "groups[0].chain: is missing",
		suppliers("chain: auto"):                                          `groups[0].chain: is "auto"; allowed: evm, cometbft, cosmos, solana, custom`,
		suppliers("chain: custom"):                                        "groups[0].questions: is missing",
		suppliers("chain: evm", "catalogue: cosmos"):                      `groups[0].catalogue: is "cosmos"; allowed for chain evm`,
		suppliers("interval: 99ms"):                                       `groups[0].interval: is "99ms"; allowed`,
		suppliers("sla: 5s"):                                              "groups[0].timeout: is 5s; allowed: more than the sla, which is 5s",
		suppliers("quorum: 1"):                                            `groups[0].quorum: is "1"; allowed: a whole number from 2`,
		suppliers("nulls_allowed: -1"):                                    `groups[0].nulls_allowed: is "-1"; allowed`,
		strings.Replace(suppliers(), "name: eth-on-pocket", "sla: 1s", 1): "groups[0].name: is missing",

		// Groups of a configuration.
		suppliers() + strings.Replace(strings.TrimPrefix(suppliers(), "groups:\n"), "eth-on-pocket", "b", 1): "10:5: groups[1].shannon: has the application and service of the group of line 2, whose budget it would share",
		"shannon: {}\n" + suppliers(): "1:1: shannon: unknown key; allowed: listen",
	} {
		lines := refused(t, text)
		if len(lines) != 1 && !strings.Contains(want, "given twice") || !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("%.400q:\n got %q\nwant %q", text, lines, want)
		}
	}
}

func TestSuppliersAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("groups:\n")
	for i := range MaximumShannon {
		group := strings.TrimPrefix(suppliers(), "groups:\n")
		fmt.Fprint(&text, strings.NewReplacer("eth-on-pocket", fmt.Sprint("g", i), "service: eth", fmt.Sprint("service: s", i)).Replace(group))
	}
	parse(t, text.String())
	text.WriteString(strings.TrimPrefix(suppliers(), "groups:\n"))
	if lines := refused(t, text.String()); len(lines) != 1 || !strings.Contains(lines[0], "groups[16]: is one more group of suppliers; allowed: at most 16 groups with shannon") {
		t.Errorf("%q", lines)
	}
}

// What the example has in comments is valid.
func TestExampleOfSuppliers(t *testing.T) {
	_, commented, found := strings.Cut(Example(), "  # - name: eth-on-pocket\n")
	if !found {
		t.Fatal("no example")
	}
	text := "groups:\n  - name: eth-on-pocket\n" + strings.ReplaceAll("\n"+commented, "\n  # ", "\n  ")
	group := parse(t, text).Groups[0]
	want := Shannon{RPC: []Secret{NewSecret("https://node.example")}, Application: anApplication, Service: "eth", Signer: "watcher",
		Keys: "/etc/keys", MaxUpoktPerSession: 500_000, MaxUpoktPerDay: 20_000_000, ChainID: "pocket"}
	if !reflect.DeepEqual(*group.Shannon, want) {
		t.Errorf("%+v", *group.Shannon)
	}
	defaults := DefaultShannonGroup()
	defaults.Name, defaults.Chain, defaults.Shannon = group.Name, ChainEVM, group.Shannon
	if !reflect.DeepEqual(group, defaults) {
		t.Errorf("the example %+v\nis not the default %+v", group, defaults)
	}
}

func TestCompareOfSuppliers(t *testing.T) {
	old := parse(t, suppliers())
	if changes := Compare(old, parse(t, suppliers())); !changes.None() {
		t.Errorf("%+v of the same", changes)
	}
	for _, line := range []string{"max_upokt_per_day: 1", "keys: k", "chain_id: a", "allow_private: true"} {
		if changes := Compare(old, parse(t, suppliers()+"      "+line+"\n")); !reflect.DeepEqual(changes, Changes{Changed: []string{"eth-on-pocket"}}) {
			t.Errorf("%s: %+v", line, changes)
		}
	}
	other := parse(t, strings.Replace(suppliers(), "https://node.example:443", "https://node.example/${S}", 1))
	if changes := Compare(old, other); len(changes.Changed) != 1 {
		t.Errorf("another node: %+v", changes)
	}
}

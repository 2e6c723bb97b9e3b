package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	first  = "0000000000000000000000000000000000000001"
	second = "0000000000000000000000000000000000000002"
	peer   = "00000000000000000000000000000000000000aa@node.example:26656"
)

// full returns a node with every role.
func full() Node {
	n := DefaultNode()
	n.LogLevel = "debug"
	n.Keys = "/var/lib/pocket/keys"
	n.Chain.BlockTime = Duration(1500 * time.Millisecond)
	n.Chain.Peers = []string{peer}
	n.Chain.KeepHeights, n.Chain.SnapshotInterval = 20_000, 500
	n.Chain.StateSync = &StateSync{RPCServers: []string{"http://node.example:26657", "https://other.example"}, TrustHeight: 4001,
		TrustHash: strings.Repeat("0", 62) + "ff", TrustPeriod: Duration(week)}
	depth, lag := int64(12), int64(3)
	n.RelayChains["0002"] = RelayChain{Catalogue: CatalogueCosmos, Recent: 10_000, MaxLag: &lag}
	n.RelayChains["0003"] = RelayChain{Catalogue: CatalogueCustom, Depth: &depth,
		Head: &HeadQuestion{Method: "eth_blockNumber", Height: "/result"},
		Questions: []Question{
			{Method: "eth_getBlockByNumber", Params: JSON(`["{height_hex}",true]`), Nothing: true, Errors: []int64{-32004, 3}},
			{Method: "eth_getLogs", Params: JSON(`[{"fromBlock":"{from_hex}","toBlock":"{height_hex}","topics":[["0x0"]]}]`), Range: 5},
		}}
	n.RelayChains["0004"] = RelayChain{Catalogue: CatalogueCustom,
		Head:      &HeadQuestion{Path: "/blocks/latest", Height: "/block/height"},
		Questions: []Question{{Path: "/blocks/{height}", Headers: map[string]string{"Accept": "application/json"}}}}
	n.Validator = &Validator{Key: first}
	n.Servicers = []Servicer{
		{Key: first, Listen: "0.0.0.0:8545", Upstreams: URLs(map[string]string{"0021": "http://geth:8545/?a=1&b=2", "0001": "http://127.0.0.1:26657"})},
		{Key: second, Listen: "[::]:8546", Upstreams: URLs(map[string]string{"0001": "https://chain.example/rpc"})},
	}
	n.Fisherman = &Fisherman{Key: second, ControlProbes: URLs(map[string]string{"0001": "http://127.0.0.1:26657"}),
		IgnoredFields: map[string][]string{"0021": {"/served_by", "/logs/*/removed"}}}
	return n
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wantInvalid(t *testing.T, err error, says ...string) {
	t.Helper()
	if !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %q is not one line that is ErrInvalid", err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func TestFilesAreKept(t *testing.T) {
	for name, node := range map[string]Node{"default.golden.json": DefaultNode(), "full.golden.json": full()} {
		t.Run(name, func(t *testing.T) {
			want := golden(t, name)
			if encoded, err := node.Encode(); err != nil || !bytes.Equal(encoded, want) {
				t.Errorf("encoded, %v:\n%s", err, encoded)
			}
			parsed, err := Parse(want)
			if err != nil || !reflect.DeepEqual(parsed, node) {
				t.Errorf("parsed %+v, %v", parsed, err)
			}
			if err := parsed.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A file that was written before chains had an allowance for lag, questions what can be their truth, and nodes a bound for
// what they keep, means the same.
func TestFilesOfBefore(t *testing.T) {
	n, err := Parse(golden(t, "before.golden.json"))
	if err == nil {
		err = n.Validate()
	}
	want := full()
	want.Chain.KeepHeights, want.Chain.SnapshotInterval, want.Chain.StateSync = KeepWeek, 1000, nil
	want.RelayChains["0002"] = RelayChain{Catalogue: CatalogueCosmos, Recent: 10_000}
	question := &want.RelayChains["0003"].Questions[0]
	question.Nothing, question.Errors = false, nil
	if err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("parsed %+v, %v", n, err)
	}
}

func TestWhatAFileDoesNotNameKeepsItsDefault(t *testing.T) {
	n, err := Parse([]byte(`{"api": {"listen": "127.0.0.1:1"}, "format": 1}`))
	want := DefaultNode()
	want.API.Listen = "127.0.0.1:1"
	if err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("parsed %+v, %v", n, err)
	}
}

// A file replaces the relay chains that it names; the others keep their catalogues.
func TestRelayChainsOfAFile(t *testing.T) {
	n, err := Parse([]byte(`{"format": 1, "relay_chains": {"0001": {"catalogue": "cometbft-uri"}, "0002": {"catalogue": "custom",
		"questions": [{"method": "a", "params": {"b" : [ 1,"c d" ]}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultRelayChains()
	want["0001"] = RelayChain{Catalogue: CatalogueCometBFTURI}
	want["0002"] = RelayChain{Catalogue: CatalogueCustom, Questions: []Question{{Method: "a", Params: JSON(`{"b":[1,"c d"]}`)}}}
	if !reflect.DeepEqual(n.RelayChains, want) {
		t.Errorf("parsed %+v", n.RelayChains)
	}
}

func TestWhatRelayChainsTake(t *testing.T) {
	for name, want := range map[string]bool{CatalogueCometBFT: false, CatalogueEVM: false, CatalogueCometBFTURI: true, CatalogueCosmos: true, "": false} {
		if got := (RelayChain{Catalogue: name}).REST(); got != want {
			t.Errorf("%q takes REST: %t", name, got)
		}
	}
	if chains := full().RelayChains; chains["0003"].REST() || !chains["0004"].REST() {
		t.Error("a list of paths is REST, one of methods is not")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"nothing":         {``, "EOF"},
		"no object":       {`[]`, "array"},
		"cut off":         {`{"format": 1`, "EOF"},
		"no format":       {`{"log_level": "info"}`, "format is 0; this program reads format 1"},
		"later format":    {`{"format": 2, "new": 1}`, "format is 2"},
		"unknown key":     {`{"format": 1, "loglevel": "info"}`, `unknown field "loglevel"`},
		"unknown deeper":  {`{"format": 1, "chain": {"blocktime": "1s"}}`, `unknown field "blocktime"`},
		"other case":      {`{"format": 1, "chain": {"Block_Time": "1s"}}`, `unknown key "chain.Block_Time"`},
		"repeated key":    {`{"format": 1, "api": {"listen": "a:1", "listen": "b:2"}}`, `key "api.listen" is repeated`},
		"something after": {`{"format": 1} {}`, "unexpected data after"},
		"bad duration":    {`{"format": 1, "chain": {"block_time": "1 second"}}`, `"1 second" is not a duration`},
		"bad type":        {`{"format": 1, "api": "127.0.0.1:1"}`, "string"},
		"unknown in list": {`{"format": 1, "relay_chains": {"0002": {"catalogue": "custom", "questions": [{"methd": "a"}]}}}`, `unknown field "methd"`},
		"repeated param":  {`{"format": 1, "relay_chains": {"0002": {"questions": [{"params": [{"a": 1, "a": 2}]}]}}}`, `key "relay_chains.0002.questions[0].params[0].a" is repeated`},
		"too deep":        {`{"format": ` + strings.Repeat("[", 1<<19), "deeper"},
		"too long":        {`{"format": 1}` + strings.Repeat(" ", MaximumSize), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			wantInvalid(t, err, test.says)
		})
	}
}

func TestEveryViolationIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Node)
		says   string
	}{
		"format":          {func(n *Node) { n.Format = 2 }, "format is 2; allowed: 1"},
		"log level":       {func(n *Node) { n.LogLevel = "loud" }, `log_level is "loud"; allowed: error, warn, info, debug`},
		"log format":      {func(n *Node) { n.LogFormat = "xml" }, `log_format is "xml"; allowed: text, json`},
		"pprof for all":   {func(n *Node) { n.Pprof.Listen = "0.0.0.0:6060" }, `pprof.listen is "0.0.0.0:6060"; allowed: an address of this machine alone`},
		"pprof no host":   {func(n *Node) { n.Pprof.Listen = ":6060" }, `pprof.listen is ":6060"`},
		"pprof by name":   {func(n *Node) { n.Pprof.Listen = "node.example:6060" }, "pprof.listen is"},
		"pprof no port":   {func(n *Node) { n.Pprof = Pprof{Listen: "127.0.0.1", AllowRemote: true} }, "pprof.listen is"},
		"pprof like API":  {func(n *Node) { n.Pprof.Listen = n.API.Listen }, `pprof.listen is "127.0.0.1:50832" like api.listen`},
		"no genesis":      {func(n *Node) { n.Genesis = "" }, `genesis is ""`},
		"long path":       {func(n *Node) { n.Keys = strings.Repeat("x", maximumText+1) }, "keys is"},
		"NUL in path":     {func(n *Node) { n.Keys = "a\x00b" }, "keys is"},
		"no port":         {func(n *Node) { n.API.Listen = "127.0.0.1" }, `api.listen is "127.0.0.1"; allowed: HOST:PORT`},
		"chain for all":   {func(n *Node) { n.Chain.RPCListen = "0.0.0.0:26657" }, `chain.rpc_listen is "0.0.0.0:26657"; allowed: a loopback address, as in 127.0.0.1:26657, unless chain.rpc_public is true`},
		"high port":       {func(n *Node) { n.Chain.RPCListen = ":65536" }, "chain.rpc_listen is"},
		"API for all":     {func(n *Node) { n.API.Listen = ":50832" }, `api.listen is ":50832"; allowed: a loopback address, as in 127.0.0.1:50832, unless api.public is true`},
		"API for some":    {func(n *Node) { n.API.Listen = "192.168.0.1:1" }, `api.listen is "192.168.0.1:1"; allowed: a loopback`},
		"API of a name":   {func(n *Node) { n.API.Listen = "node.example:1" }, `api.listen is "node.example:1"; allowed: a loopback`},
		"URL to listen":   {func(n *Node) { n.API.Listen = "http://[::1]:80" }, "api.listen is"},
		"block time low":  {func(n *Node) { n.Chain.BlockTime = Duration(9 * time.Millisecond) }, "chain.block_time is 9ms; allowed: 10ms to 1h0m0s"},
		"block time high": {func(n *Node) { n.Chain.BlockTime = Duration(time.Hour + 1) }, "chain.block_time is"},
		"few snapshots":   {func(n *Node) { n.Chain.SnapshotInterval = 99 }, "chain.snapshot_interval is 99; allowed: 0 for none, or at least 100 blocks"},
		"one server":      {func(n *Node) { n.Chain.StateSync.RPCServers = n.Chain.StateSync.RPCServers[:1] }, "chain.state_sync.rpc_servers is 1 of them; allowed: 2 to 16"},
		"server twice":    {func(n *Node) { n.Chain.StateSync.RPCServers[1] = "http://node.example:26657" }, "chain.state_sync.rpc_servers[1] is that"},
		"server's key":    {func(n *Node) { n.Chain.StateSync.RPCServers[1] = "http://a.example/?key=b" }, "chain.state_sync.rpc_servers[1] is that"},
		"trusted height":  {func(n *Node) { n.Chain.StateSync.TrustHeight = 0 }, "chain.state_sync.trust_height is 0; allowed: at least 1"},
		"trusted hash":    {func(n *Node) { n.Chain.StateSync.TrustHash = "ab" }, `chain.state_sync.trust_hash is "ab"; allowed: 64 hex digits`},
		"trust for ever":  {func(n *Node) { n.Chain.StateSync.TrustPeriod = 0 }, "chain.state_sync.trust_period is 0s; allowed: 1m0s to"},
		"P2P host":        {func(n *Node) { n.Chain.P2PListen = ":26656" }, `chain.p2p_listen is ":26656"; allowed: an address with a host`},
		"P2P like RPC":    {func(n *Node) { n.Chain.P2PListen = n.Chain.RPCListen }, `chain.p2p_listen is "127.0.0.1:26657" like chain.rpc_listen`},
		"peer without id": {func(n *Node) { n.Chain.Peers = []string{"node.example:26656"} }, `chain.peers[0] is "node.example:26656"; allowed: ID@HOST:PORT`},
		"peer's port":     {func(n *Node) { n.Chain.Peers = []string{peer[:41] + "host:0"} }, "chain.peers[0] is"},
		"peer's host":     {func(n *Node) { n.Chain.Peers = []string{peer[:41] + ":1"} }, "chain.peers[0] is"},
		"peers in one":    {func(n *Node) { n.Chain.Peers = []string{peer + "," + peer} }, "chain.peers[0] is"},
		"peer twice":      {func(n *Node) { n.Chain.Peers = []string{peer, peer} }, "chain.peers[1] is"},
		"many peers":      {func(n *Node) { n.Chain.Peers = make([]string, MaximumPeers+1) }, "chain.peers is 65 of them; allowed: at most 64"},
		"validator":       {func(n *Node) { n.Validator.Key = "" }, `validator.key is ""`},
		"servicer":        {func(n *Node) { n.Servicers[1].Key = strings.ToUpper(strings.Repeat("ab", 20)) }, "servicers[1].key is"},
		"fisherman":       {func(n *Node) { n.Fisherman.Key = "me" }, `fisherman.key is "me"`},
		"key twice":       {func(n *Node) { n.Servicers[1].Key = first }, `servicers[1].key is "` + first + `" like servicers[0].key`},
		"listen twice":    {func(n *Node) { n.Servicers[1].Listen = n.API.Listen }, `servicers[1].listen is "127.0.0.1:50832" like api.listen`},
		"no upstream":     {func(n *Node) { n.Servicers[0].Upstreams = nil }, "servicers[0].upstreams is empty"},
		"bad chain":       {func(n *Node) { n.Servicers[0].Upstreams = URLs(map[string]string{"1": "http://a"}) }, `for relay chain "1"`},
		"bad upstream":    {func(n *Node) { n.Servicers[0].Upstreams["0001"] = URL("ftp://a") }, `servicers[0].upstreams.0001 has another scheme than http and https`},
		"ignored chain":   {func(n *Node) { n.Fisherman.IgnoredFields = map[string][]string{"1": nil} }, `fisherman.ignored_fields is for relay chain "1"`},
		"ignored all":     {func(n *Node) { n.Fisherman.IgnoredFields["0021"][1] = "" }, `fisherman.ignored_fields.0021[1] is ""; allowed: a JSON pointer`},
		"ignored name":    {func(n *Node) { n.Fisherman.IgnoredFields["0021"][0] = "served_by" }, `fisherman.ignored_fields.0021[0] is "served_by"`},
		"many ignored":    {func(n *Node) { n.Fisherman.IgnoredFields["0021"] = make([]string, 65) }, "fisherman.ignored_fields.0021 is 65 of them; allowed: at most 64"},
		"fragment in URL": {func(n *Node) { n.Fisherman.ControlProbes["0001"] = URL("http://c#d") }, "fisherman.control_probes.0001 has a fragment"},
		"no host":         {func(n *Node) { n.Fisherman.ControlProbes["0001"] = URL("http://:80") }, "fisherman.control_probes.0001 has a host or port that is none"},
		"relay chain":     {func(n *Node) { n.RelayChains["21"] = n.RelayChains["0021"] }, `relay_chains is for relay chain "21"; allowed: four upper-case`},
		"no catalogue":    {func(n *Node) { n.RelayChains["0021"] = RelayChain{} }, `relay_chains.0021.catalogue is ""; allowed: cometbft, cometbft-uri, evm, evm-values, cosmos, solana, custom`},
		"depth":           {func(n *Node) { *n.RelayChains["0003"].Depth = -1 }, "relay_chains.0003.depth is -1; allowed: 0 to 1000000"},
		"lag below 0":     {func(n *Node) { *n.RelayChains["0002"].MaxLag = -1 }, "relay_chains.0002.max_lag is -1; allowed: 0 to 1000000"},
		"lag":             {func(n *Node) { *n.RelayChains["0002"].MaxLag = 1_000_001 }, "relay_chains.0002.max_lag is 1000001; allowed: 0 to 1000000"},
		"recent":          {func(n *Node) { n.RelayChains["0021"] = RelayChain{Catalogue: "evm", Recent: -1} }, "relay_chains.0021.recent is -1"},
		"head":            {func(n *Node) { n.RelayChains["0021"] = RelayChain{Catalogue: "evm", Head: &HeadQuestion{}} }, "relay_chains.0021.head is set; allowed: null"},
		"questions":       {func(n *Node) { n.RelayChains["0021"] = RelayChain{Catalogue: "evm", Questions: make([]Question, 1)} }, "relay_chains.0021.questions is set"},
		"no questions":    {func(n *Node) { n.RelayChains["0021"] = RelayChain{Catalogue: "custom"} }, "relay_chains.0021.questions is empty; allowed: at least one"},
		"many chains": {func(n *Node) {
			for i := range MaximumRelayChains {
				n.RelayChains[fmt.Sprintf("1%03X", i)] = RelayChain{Catalogue: "evm"}
			}
		}, "relay_chains is 69 of them; allowed: at most 64"},
		"many servicers": {func(n *Node) { n.Servicers = make([]Servicer, MaximumServicers+1) }, "servicers is 65 of them; allowed: at most 64"},
	} {
		t.Run(name, func(t *testing.T) {
			n := full()
			test.change(&n)
			err := n.Validate()
			wantInvalid(t, err, test.says)
			if len(err.Error()) > 4096 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestBoundsAreAllowed(t *testing.T) {
	for _, blockTime := range []time.Duration{minimumBlockTime, maximumBlockTime} {
		n := full()
		n.Chain.BlockTime = Duration(blockTime)
		n.API.Listen, n.API.Public, n.Chain.RPCListen, n.Chain.RPCPublic = ":0", true, ":0", true // port 0 is a different address each time
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestLoopbackAndPublicAddressesAreAllowed(t *testing.T) {
	for _, api := range []API{{Listen: "127.0.0.1:0"}, {Listen: "[::1]:1"}, {Listen: "localhost:1"}, {Listen: "0.0.0.0:1", Public: true}} {
		n := full()
		if n.API = api; n.Validate() != nil {
			t.Errorf("%+v: %v", api, n.Validate())
		}
	}
}

func TestManyViolationsStayOneShortLine(t *testing.T) {
	n := full()
	n.Servicers = make([]Servicer, MaximumServicers)
	wantInvalid(t, n.Validate(), "and ", " more")
}

func TestEverySettingCanBeOverridden(t *testing.T) {
	values := map[string]string{"log_level": "warn", "log_format": "json", "pprof.listen": ":4", "pprof.allow_remote": "true", "genesis": "g", "keys": "k", "api.listen": ":1", "api.public": "true", "chain.rpc_listen": ":2", "chain.rpc_public": "true", "chain.p2p_listen": "h:3", "chain.peers": peer + ",other", "chain.block_time": "2s", "chain.keep_heights": "all", "chain.snapshot_interval": "200"}
	want := DefaultNode()
	want.LogLevel, want.Genesis, want.Keys, want.API.Listen = "warn", "g", "k", ":1"
	want.API.Public = true
	want.LogFormat, want.Pprof = "json", Pprof{Listen: ":4", AllowRemote: true}
	want.Chain = Chain{RPCListen: ":2", RPCPublic: true, P2PListen: "h:3", Peers: []string{peer, "other"}, BlockTime: Duration(2 * time.Second),
		KeepHeights: KeepAll, SnapshotInterval: 200}
	environment := map[string]string{"POCKET_UNKNOWN": "x"}
	n := DefaultNode()
	for _, setting := range Settings() {
		value, known := values[setting.Name]
		if !known {
			t.Errorf("setting %s is not tested", setting.Name)
		}
		environment[setting.Variable()] = value
		if err := n.Override(setting, value); err != nil {
			t.Error(err)
		}
	}
	if !reflect.DeepEqual(n, want) {
		t.Errorf("overridden %+v, want %+v", n, want)
	}
	lookup := func(name string) (string, bool) {
		value, known := environment[name]
		return value, known
	}
	n = DefaultNode()
	if err := n.FromEnvironment(lookup); err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("from environment %+v, %v", n, err)
	}
	environment["POCKET_CHAIN_BLOCK_TIME"] = "soon"
	wantInvalid(t, n.FromEnvironment(lookup), "POCKET_CHAIN_BLOCK_TIME", `"soon" is not a duration`)
	environment = map[string]string{"POCKET_LOG_LEVEL": ""}
	if n = DefaultNode(); n.FromEnvironment(lookup) != nil || n.LogLevel != "info" {
		t.Errorf("an empty variable made the log level %q", n.LogLevel)
	}
}

func TestSettingsAreNamedAfterTheirPlace(t *testing.T) {
	paths, err := keyPaths(golden(t, "default.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range Settings() {
		if !slices.Contains(paths, setting.Name) {
			t.Errorf("no value of a file is named %s", setting.Name)
		}
	}
	if last := Settings()[len(Settings())-1]; last.Flag() != "chain-block-time" || last.Variable() != "POCKET_CHAIN_BLOCK_TIME" {
		t.Errorf("flag %s, variable %s", last.Flag(), last.Variable())
	}
}

func TestKeep(t *testing.T) {
	for text, want := range map[string]int64{`"week"`: 604_800, `"all"`: 0, `0`: 0, `"0"`: 0, `5000`: 5000, `"5000"`: 5000} {
		n, err := Parse([]byte(`{"format": 1, "chain": {"keep_heights": ` + text + `}}`))
		if got := n.Chain.KeepHeights.Heights(time.Second); err != nil || got != want {
			t.Errorf("%s keeps %d heights, %v; want %d", text, got, err, want)
		}
		encoded, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(encoded); err != nil || again.Chain.KeepHeights != n.Chain.KeepHeights {
			t.Errorf("%s comes back as %d, %v", text, again.Chain.KeepHeights, err)
		}
	}
	if got := KeepWeek.Heights(time.Minute); got != 10_080 {
		t.Errorf("a week of minutes is %d heights", got)
	}
	for _, text := range []string{`-1`, `1.5`, `"some"`, `""`, `true`, `[]`, `1e9`} {
		_, err := Parse([]byte(`{"format": 1, "chain": {"keep_heights": ` + text + `}}`))
		wantInvalid(t, err, "keep_heights")
	}
}

func TestAddressesAreNamedOnce(t *testing.T) {
	if got := full().Addresses(); !slices.Equal(got, []string{first, second}) {
		t.Errorf("addresses %v", got)
	}
	if got := DefaultNode().Addresses(); len(got) != 0 {
		t.Errorf("addresses %v", got)
	}
}

// FuzzParse: whatever the bytes, parsing ends with ErrInvalid or with a configuration that comes back from its encoding,
// and whose validation is ErrInvalid if it fails.
func FuzzParse(f *testing.F) {
	f.Add(golden(f, "default.golden.json"))
	f.Add(golden(f, "full.golden.json"))
	f.Add([]byte(`{"format":1,"relay_chains":{"0001":{"catalogue":"custom","questions":[{"params":[ {"a":"{height}"} , 1e3]}],"head":null}}}`))
	f.Add([]byte(`{"format":1,"servicers":null,"chain":{"block_time":"1h"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || len(err.Error()) > 1024 {
				t.Fatalf("error %v", err)
			}
			return
		}
		if err := n.Validate(); err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("error %v", err)
		}
		encoded, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(encoded)
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Fatalf("parsed again %+v, %v; first %+v", again, err, n)
		}
	})
}

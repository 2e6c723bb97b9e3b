package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/localnet/port"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pocket": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(int(run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Keys: commandtest.Keys})))
		},
	})
}

// TestScripts runs testdata/script/*.txtar. Besides testscript's own commands they have:
//
//	exits CODE ARG...  runs pocket, which must end with that exit code
//	freeport VAR       puts a free loopback port into a variable
//	ready URL          waits for the node at URL to have a complete session
//	bare DIR           fails unless the directory is empty
//	address VAR FILE   puts the address of the key in a JSON result into a variable
//	found VAR PATTERN  puts what the pattern's group matches in the last standard output into a variable
//	firstid VAR FILE   puts the first value of the second line of a CSV result into a variable
//	genesis FILE PORT  writes the genesis of a network of keys of seeds 01.. (validator, servicer at PORT, fisherman, application)
//	flip FILE NAME     alters one byte in the middle of the first base64 text under a name in a JSON file
//	check ADDRESS      checks a servicer on demand until this machine was not at fault; ! wants exit code 13, not 0
//	serviceurl VAR URL ADDRESS  puts the URL of a servicer of the node at URL into a variable
//	shannon            starts a node of the live Pocket network with an application and three suppliers: RPC, APP, SUPPLIER
//	prefix VAR ADDRESS N  puts the first N digits of an address into a variable
//	oneline            fails unless the last command said exactly one line on standard error, beginning with "pocket: "
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("APPLICATION", localnet.Key(1, types.ActorType_ACTOR_TYPE_APPLICATION, 0).Address())
			env.Setenv("VALIDATOR", localnet.Key(1, types.ActorType_ACTOR_TYPE_VALIDATOR, 0).Address())
			for i := range 7 {
				env.Setenv("SERVICER"+strconv.Itoa(i), localnet.Key(1, types.ActorType_ACTOR_TYPE_SERVICER, i).Address())
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"freeport": freePort,
			"ready":    ready,
			"seated":   seated,
			"bare":     bare,
			"address":  keyAddress,
			"firstid":  firstID,
			"found":    found,
			"genesis":  writeGenesis,
			"oneline":  oneLine,
			"prefix":   prefix,
			"flip":     flip,

			"check":      checkServicer,
			"serviceurl": serviceURL,
			"shannon":    func(ts *testscript.TestScript, _ bool, _ []string) { startShannon(t, ts) },
		},
		Condition: func(condition string) (bool, error) {
			if condition == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
	})
}

func found(ts *testscript.TestScript, _ bool, args []string) {
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if match == nil {
		ts.Fatalf("standard output has no %s", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// startShannon starts a fake node of the live Pocket network whose newest block is of now, and three RelayMiners.
func startShannon(t *testing.T, ts *testscript.TestScript) {
	height := chaintest.HeightOf(time.Now())
	state, node := chaintest.NewState("eth"), chaintest.New(t, "pocket", height)
	node.Serve(state.Answer)
	for _, name := range []string{"a", "b", "c"} {
		server := httptest.NewServer(&chaintest.Miner{Key: chaintest.Key(name)})
		t.Cleanup(server.Close)
		state.AddSupplier(name, "owner of "+name, server.URL)
	}
	ts.Setenv("RPC", node.URL+"/planted")
	ts.Setenv("APP", state.Application.GetAddress())
	ts.Setenv("SUPPLIER", chaintest.Key("a").Address())
	ts.Check(os.WriteFile(ts.MkAbs("gateway.hex"), []byte(hex.EncodeToString(chaintest.Key("gateway").Bytes())+"\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("stranger.hex"), []byte(hex.EncodeToString(chaintest.Key("stranger").Bytes())+"\n"), 0o600))
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("pocket", args[1:]...); err != nil {
		ended, is := errors.AsType[*exec.ExitError](err)
		if !is {
			ts.Fatalf("pocket: %v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("pocket %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func prefix(ts *testscript.TestScript, _ bool, args []string) {
	digits, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Setenv(args[0], args[1][:digits])
}

func oneLine(ts *testscript.TestScript, _ bool, _ []string) {
	text := ts.ReadFile("stderr")
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "pocket: ") {
		ts.Fatalf("standard error is not one line of pocket's: %q", text)
	}
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.ReadFile(args[0]))
	from := bytes.Index(text, []byte(`"`+args[1]+`": "`))
	if from < 0 {
		ts.Fatalf("%s has no %s", args[0], args[1])
	}
	from += len(args[1]) + 5
	middle := from + bytes.IndexByte(text[from:], '"')/2
	text[middle]++
	if c := text[middle]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
		text[middle] = 'A'
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

func checkServicer(ts *testscript.TestScript, failing bool, args []string) {
	want := map[bool]int{false: 0, true: int(command.ExitCheckFailed)}[failing]
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for range 50 {
		err := ts.Exec("pocket", "fisherman", "check", "--servicer", args[0])
		got := 0
		if ended, is := errors.AsType[*exec.ExitError](err); is {
			got = ended.ExitCode()
		}
		switch got {
		case want:
			return
		case int(command.ExitFailure), int(command.ExitUnreachable), int(command.ExitNotFound): // void, too soon, between two sessions
			<-again.C
		default:
			ts.Fatalf("exit code %d, want %d: %s", got, want, ts.ReadFile("stdout"))
		}
	}
	ts.Fatalf("no check: %s", ts.ReadFile("stderr"))
}

func serviceURL(ts *testscript.TestScript, _ bool, args []string) {
	node, err := client.New(args[1])
	ts.Check(err)
	defer node.Close()
	actors, err := node.Actors(context.Background(), "servicer", 0)
	ts.Check(err)
	for _, actor := range actors.Actors {
		if actor.Address == args[2] {
			ts.Setenv(args[0], actor.ServiceURL)
			return
		}
	}
	ts.Fatalf("no servicer %s", args[2])
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	addresses, err := port.Free(context.Background(), "127.0.0.1", 1)
	ts.Check(err)
	_, free, err := net.SplitHostPort(addresses[0])
	ts.Check(err)
	ts.Setenv(args[0], free)
}

func ready(ts *testscript.TestScript, _ bool, args []string) {
	node, err := client.New(args[0])
	ts.Check(err)
	defer node.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		report, err := node.QoS(ctx, client.QoSFilter{})
		if err == nil && slices.ContainsFunc(report.Sessions, func(s api.SessionReport) bool { return s.Complete }) {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			ts.Fatalf("no complete session: %v", err)
		}
	}
}

// seated waits until a servicer is in the session of an application at a node.
func seated(ts *testscript.TestScript, _ bool, args []string) {
	node, err := client.New(args[0])
	ts.Check(err)
	defer node.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		session, err := node.Session(ctx, args[1], "0001", 0)
		if err == nil && slices.ContainsFunc(session.Servicers, func(a api.Actor) bool { return a.Address == args[2] }) {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			ts.Fatalf("the servicer is in no session: %v", err)
		}
	}
}

func keyAddress(ts *testscript.TestScript, _ bool, args []string) {
	var result struct {
		Address string `json:"address"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &result))
	ts.Check(types.ValidateAddress(result.Address))
	ts.Setenv(args[0], result.Address)
}

func firstID(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(ts.ReadFile(args[1]), "\n")
	if len(lines) < 3 {
		ts.Fatalf("%s has no second line", args[1])
	}
	id, _, _ := strings.Cut(lines[1], ",")
	ts.Setenv(args[0], id)
}

func writeGenesis(ts *testscript.TestScript, _ bool, args []string) {
	params := genesis.DefaultParams()
	params.Session.BlocksPerSession = 5
	params.Qos.ChecksPerSession = 3
	g := &genesis.Genesis{ChainId: "one-node", GenesisTime: timestamppb.Now(), Params: params}
	for i, role := range []types.ActorType{types.ActorType_ACTOR_TYPE_VALIDATOR, types.ActorType_ACTOR_TYPE_SERVICER,
		types.ActorType_ACTOR_TYPE_FISHERMAN, types.ActorType_ACTOR_TYPE_APPLICATION} {
		key := crypto.KeyFromSeed([32]byte{byte(i + 1)})
		actor := &types.Actor{Type: role, Address: key.Address(), PublicKey: key.PublicKeyHex(), StakeUpokt: 15_000_000_000}
		if role != types.ActorType_ACTOR_TYPE_VALIDATOR {
			actor.Chains, actor.GeoZone = []string{"0001"}, "local"
		}
		if role == types.ActorType_ACTOR_TYPE_SERVICER {
			actor.ServiceUrl = "http://127.0.0.1:" + args[1]
		}
		g.Actors = append(g.Actors, actor)
	}
	ts.Check(g.Validate())
	data, err := g.Marshal()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

func bare(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}

package localnet

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func recordedOptions() Options {
	o := DefaultOptions()
	o.Servicers, o.Slow, o.Down, o.Lying, o.Behind = 24, 2, 3, 4, 5
	o.Delay, o.BlockTime = 100*time.Millisecond, 2*time.Second
	o.BlocksPerSession, o.ChecksPerSession, o.Seed, o.ServicersPerSession = 11, 12, 13, 14
	o.RPCListen = "127.0.0.1:40000"
	return o
}

func TestResumeTakesWhatIsRecorded(t *testing.T) {
	given := DefaultOptions()
	given.Home, given.Logger = "/somewhere", slog.New(slog.DiscardHandler)
	given.Servicers, given.Explicit = 24, Flags{FlagServicers: true}
	got, err := given.resume(recordedOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := recordedOptions()
	if got.Servicers != want.Servicers || got.Slow != want.Slow || got.Down != want.Down || got.Lying != want.Lying || got.Behind != want.Behind ||
		got.Delay != want.Delay || got.BlockTime != want.BlockTime || got.BlocksPerSession != want.BlocksPerSession ||
		got.ChecksPerSession != want.ChecksPerSession || got.ServicersPerSession != want.ServicersPerSession || got.Seed != want.Seed || got.RPCListen != want.RPCListen {
		t.Errorf("resume() = %+v, want the recorded %+v", got, want)
	}
	if got.Home != given.Home || got.Logger != given.Logger {
		t.Errorf("resume() = %+v, want home and logger of %+v", got, given)
	}
}

func TestResumeRefusesAnotherExplicitOption(t *testing.T) {
	for _, c := range []struct {
		flag Flag
		set  func(*Options)
		want string
	}{
		{FlagServicers, func(o *Options) { o.Servicers = 3 }, "--servicers is 3, but /h was made with 24"},
		{FlagSlow, func(o *Options) { o.Slow = 0 }, "--slow is 0, but /h was made with 2"},
		{FlagDown, func(o *Options) { o.Down = 0 }, "--down is 0, but /h was made with 3"},
		{FlagBehind, func(o *Options) { o.Behind = 0 }, "--behind is 0, but /h was made with 5"},
		{FlagLying, func(o *Options) { o.Lying = 0 }, "--lying is 0, but /h was made with 4"},
		{FlagDelay, func(o *Options) { o.Delay = time.Second }, "--delay is 1s, but /h was made with 100ms"},
		{FlagBlockTime, func(o *Options) { o.BlockTime = time.Second }, "--block-time is 1s, but /h was made with 2s"},
		{FlagBlocksPerSession, func(o *Options) { o.BlocksPerSession = 9 }, "--blocks-per-session is 9, but /h was made with 11"},
		{FlagChecksPerSession, func(o *Options) { o.ChecksPerSession = 9 }, "--checks-per-session is 9, but /h was made with 12"},
		{FlagServicersPerSession, func(o *Options) { o.ServicersPerSession = 9 }, "--servicers-per-session is 9, but /h was made with 14"},
		{FlagSeed, func(o *Options) { o.Seed = 9 }, "--seed is 9, but /h was made with 13"},
		{FlagEthereum, func(o *Options) { o.Ethereum = true }, "--ethereum is true, but /h was made with false"},
		{FlagRPCListen, func(o *Options) { o.RPCListen = "127.0.0.1:9" },
			"--rpc-listen is 127.0.0.1:9, but /h was made with 127.0.0.1:40000"},
	} {
		given := recordedOptions()
		given.Home = "/h"
		c.set(&given)
		if _, err := given.resume(recordedOptions()); err != nil {
			t.Errorf("--%s, not explicit: %v", c.flag, err)
		}
		given.Explicit = Flags{c.flag: true}
		_, err := given.resume(recordedOptions())
		if !errors.Is(err, ErrRecordedOption) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--%s: %v, want ErrRecordedOption with %q", c.flag, err, c.want)
		}
	}
}

func TestResumeTakesAnyPortForTheRecordedOne(t *testing.T) {
	given := recordedOptions()
	given.Explicit = Flags{FlagRPCListen: true}
	given.RPCListen = "127.0.0.1:0"
	if got, err := given.resume(recordedOptions()); err != nil || got.RPCListen != "127.0.0.1:40000" {
		t.Errorf("resume() = %q, %v; want the recorded address", got.RPCListen, err)
	}
	given.RPCListen = "[::1]:0"
	if _, err := given.resume(recordedOptions()); !errors.Is(err, ErrRecordedOption) {
		t.Errorf("resume() with another host = %v, want ErrRecordedOption", err)
	}
}

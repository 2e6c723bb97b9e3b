package localnet

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDefaultOptionsFitAsTheyAre(t *testing.T) {
	o, err := DefaultOptions().Fit()
	if err != nil {
		t.Fatal(err)
	}
	if o.Servicers != 6 || o.Slow != 1 || o.Down != 1 || o.Lying != 1 || o.Behind != 0 {
		t.Errorf("servicers, slow, down, lying, behind = %d, %d, %d, %d, %d; want 6, 1, 1, 1, 0", o.Servicers, o.Slow, o.Down, o.Lying, o.Behind)
	}
}

func TestValidateNamesFlagValueAndRange(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"no servicer", func(o *Options) { o.Servicers = 0 }, "--servicers is 0; allowed are 1 to 256"},
		{"too many servicers", func(o *Options) { o.Servicers = 257 }, "--servicers is 257; allowed are 1 to 256"},
		{"negative slow", func(o *Options) { o.Slow = -1 }, "--slow is -1; allowed are 0 to 6"},
		{"too many slow", func(o *Options) { o.Slow = 7 }, "--slow is 7; allowed are 0 to 6"},
		{"too many down", func(o *Options) { o.Down = 7 }, "--down is 7; allowed are 0 to 6"},
		{"too many lying", func(o *Options) { o.Lying = 7 }, "--lying is 7; allowed are 0 to 6"},
		{"too many behind", func(o *Options) { o.Behind = 7 }, "--behind is 7; allowed are 0 to 6"},
		{"short delay", func(o *Options) { o.Delay = time.Millisecond - 1 }, "--delay is 999.999µs; allowed are 1ms to 1m0s"},
		{"long delay", func(o *Options) { o.Delay = time.Minute + 1 }, "--delay is 1m0.000000001s; allowed are 1ms to 1m0s"},
		{"short block", func(o *Options) { o.BlockTime = 49 * time.Millisecond }, "--block-time is 49ms; allowed are 50ms to 10m0s"},
		{"long block", func(o *Options) { o.BlockTime = 11 * time.Minute }, "--block-time is 11m0s; allowed are 50ms to 10m0s"},
		{"one block", func(o *Options) { o.BlocksPerSession = 1 }, "--blocks-per-session is 1; allowed are 2 to 10000"},
		{"many blocks", func(o *Options) { o.BlocksPerSession = 10001 }, "--blocks-per-session is 10001; allowed are 2 to 10000"},
		{"no check", func(o *Options) { o.ChecksPerSession = 0 }, "--checks-per-session is 0; allowed are 1 to 10000"},
		{"many checks", func(o *Options) { o.ChecksPerSession = 10001 }, "--checks-per-session is 10001; allowed are 1 to 10000"},
		{"one in a session", func(o *Options) { o.ServicersPerSession = 1 }, "--servicers-per-session is 1; allowed are 2 to 256"},
		{"too many in a session", func(o *Options) { o.ServicersPerSession = 257 }, "--servicers-per-session is 257; allowed are 2 to 256"},
		{"every interface", func(o *Options) { o.RPCListen = ":50832" }, `--rpc-listen is ":50832"; allowed are host:port`},
		{"public", func(o *Options) { o.RPCListen = "10.0.0.1:1" }, `--rpc-listen is "10.0.0.1:1"; allowed are host:port`},
		{"no port", func(o *Options) { o.RPCListen = "127.0.0.1" }, `--rpc-listen is "127.0.0.1"; allowed are host:port`},
		{"named port", func(o *Options) { o.RPCListen = "127.0.0.1:http" }, `--rpc-listen is "127.0.0.1:http"; allowed are`},
		{"large port", func(o *Options) { o.RPCListen = "127.0.0.1:65536" }, `--rpc-listen is "127.0.0.1:65536"; allowed are`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := DefaultOptions()
			c.change(&o)
			err := o.Validate()
			if !errors.Is(err, ErrBadOption) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate() = %v, want ErrBadOption with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error is more than one line: %q", err)
			}
		})
	}
}

func TestValidateAcceptsLimits(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"least": func(o *Options) {
			o.Servicers, o.Slow, o.Down, o.Lying = 1, 0, 0, 0
			o.Delay, o.BlockTime = time.Millisecond, 50*time.Millisecond
			o.BlocksPerSession, o.ChecksPerSession, o.ServicersPerSession = 2, 1, 2
			o.RPCListen = "[::1]:0"
		},
		"most": func(o *Options) {
			o.Servicers, o.Slow, o.Down, o.Lying, o.Behind = 256, 256, 256, 256, 256
			o.Delay, o.BlockTime = time.Minute, 10*time.Minute
			o.BlocksPerSession, o.ChecksPerSession, o.ServicersPerSession = 10_000, 10_000, 256
			o.RPCListen = "localhost:65535"
		},
	} {
		o := DefaultOptions()
		change(&o)
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFit(t *testing.T) {
	type counts struct{ servicers, slow, down, lying, behind int }
	for _, c := range []struct {
		name     string
		given    counts
		explicit []Flag
		want     counts
	}{
		{"defaults on four", counts{4, 1, 1, 1, 0}, nil, counts{4, 1, 1, 1, 0}},
		{"down goes first", counts{3, 1, 1, 1, 0}, nil, counts{3, 1, 0, 1, 0}},
		{"then slow", counts{2, 1, 1, 1, 0}, nil, counts{2, 0, 0, 1, 0}},
		{"then lying", counts{1, 1, 1, 1, 0}, nil, counts{1, 0, 0, 0, 0}},
		{"shrinks only as needed", counts{6, 2, 3, 2, 0}, nil, counts{6, 2, 1, 2, 0}},
		{"two liars of three", counts{3, 1, 1, 2, 0}, []Flag{FlagServicers, FlagLying}, counts{3, 0, 0, 2, 0}},
		{"slow goes before behind", counts{3, 1, 1, 1, 1}, nil, counts{3, 0, 0, 1, 1}},
		{"behind goes before lying", counts{2, 1, 1, 1, 1}, nil, counts{2, 0, 0, 1, 0}},
		{"explicit behind stays", counts{4, 1, 1, 1, 1}, []Flag{FlagBehind}, counts{4, 1, 0, 1, 1}},
		{"explicit down stays", counts{3, 1, 1, 1, 0}, []Flag{FlagDown}, counts{3, 0, 1, 1, 0}},
		{"explicit zero stays", counts{6, 1, 1, 0, 0}, []Flag{FlagLying}, counts{6, 1, 1, 0, 0}},
		{"explicit leaves none honest", counts{3, 1, 1, 3, 0}, []Flag{FlagLying}, counts{3, 0, 0, 3, 0}},
		{"explicit fill exactly", counts{3, 1, 1, 1, 0}, []Flag{FlagSlow, FlagDown, FlagLying}, counts{3, 1, 1, 1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := DefaultOptions()
			o.Servicers, o.Slow, o.Down = c.given.servicers, c.given.slow, c.given.down
			o.Lying, o.Behind = c.given.lying, c.given.behind
			o.Explicit = Flags{}
			for _, flag := range c.explicit {
				o.Explicit[flag] = true
			}
			got, err := o.Fit()
			if err != nil {
				t.Fatal(err)
			}
			if got := (counts{got.Servicers, got.Slow, got.Down, got.Lying, got.Behind}); got != c.want {
				t.Errorf("Fit() = %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestFitRefusesExplicitFaultsThatDoNotFit(t *testing.T) {
	o := DefaultOptions()
	o.Servicers, o.Slow, o.Lying = 3, 2, 2
	o.Explicit = Flags{FlagSlow: true, FlagLying: true}
	_, err := o.Fit()
	want := "--lying 2 --slow 2 together name 4 servicers; allowed are 0 to 3 (--servicers)"
	if !errors.Is(err, ErrBadOption) || !strings.Contains(err.Error(), want) {
		t.Errorf("Fit() = %v, want ErrBadOption with %q", err, want)
	}
	if _, err := (Options{}).Fit(); !errors.Is(err, ErrBadOption) {
		t.Errorf("Fit() of no options = %v, want ErrBadOption", err)
	}
}

func TestFaultsByIndex(t *testing.T) {
	o := DefaultOptions()
	o.Servicers, o.Slow, o.Down, o.Lying, o.Behind = 8, 1, 2, 3, 1
	want := []Fault{FaultNone, FaultBehind, FaultSlow, FaultDown, FaultDown, FaultLying, FaultLying, FaultLying}
	for i, fault := range want {
		if got := o.fault(i); got != fault {
			t.Errorf("fault(%d) = %q, want %q", i, got, fault)
		}
	}
}

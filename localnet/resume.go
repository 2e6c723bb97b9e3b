package localnet

import (
	"fmt"
	"net"
)

// settle returns the options: those that the home recorded, or, if it is new, the given ones, fitted.
func (h *home) settle(given Options) (Options, error) {
	if h.marker != nil {
		if made := h.marker.Options.Processes; made != (given.Processes != nil) {
			return Options{}, fmt.Errorf("%w: %s was made with --processes=%t", ErrRecordedOption, given.Home, made)
		}
		return given.resume(h.marker.options())
	}
	return given.Fit()
}

// resume returns the given options, replaced by those that the home recorded. If an explicitly set option differs, the
// error is ErrRecordedOption.
func (o Options) resume(recorded Options) (Options, error) {
	merged := recorded
	merged.Home, merged.Logger, merged.Explicit = o.Home, o.Logger, o.Explicit
	merged.Geth, merged.Processes, merged.REST = o.Geth, o.Processes, o.REST
	for _, err := range []error{
		same(o, FlagServicers, o.Servicers, recorded.Servicers),
		same(o, FlagSlow, o.Slow, recorded.Slow),
		same(o, FlagDown, o.Down, recorded.Down),
		same(o, FlagLying, o.Lying, recorded.Lying),
		same(o, FlagBehind, o.Behind, recorded.Behind),
		same(o, FlagDelay, o.Delay, recorded.Delay),
		same(o, FlagBlockTime, o.BlockTime, recorded.BlockTime),
		same(o, FlagBlocksPerSession, o.BlocksPerSession, recorded.BlocksPerSession),
		same(o, FlagChecksPerSession, o.ChecksPerSession, recorded.ChecksPerSession),
		same(o, FlagServicersPerSession, o.ServicersPerSession, recorded.ServicersPerSession),
		same(o, FlagSeed, o.Seed, recorded.Seed),
		same(o, FlagEthereum, o.Ethereum, recorded.Ethereum),
	} {
		if err != nil {
			return Options{}, err
		}
	}
	if !allowsAddress(o.RPCListen, recorded.RPCListen) {
		if err := same(o, FlagRPCListen, o.RPCListen, recorded.RPCListen); err != nil {
			return Options{}, err
		}
	}
	return merged, nil
}

func same[T comparable](o Options, flag Flag, given, recorded T) error {
	if o.Explicit[flag] && given != recorded {
		return fmt.Errorf("%w: --%s is %v, but %s was made with %v", ErrRecordedOption, flag, given, o.Home, recorded)
	}
	return nil
}

// allowsAddress reports whether the given address, whose port 0 means any, allows the recorded one.
func allowsAddress(given, recorded string) bool {
	host, port, err := net.SplitHostPort(given)
	recordedHost, _, recordedErr := net.SplitHostPort(recorded)
	return err == nil && recordedErr == nil && port == "0" && host == recordedHost
}

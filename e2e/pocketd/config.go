package pocketd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// setting is one line of a TOML file.
type setting struct {
	// section is empty for the lines before the first one.
	section, key string
	// value is in TOML's spelling.
	value string
}

// addresses are where a validator listens, as host:port.
type addresses struct{ rpc, grpc, rest string }

// configure writes what differs from the defaults of `pocketd init` into the home's configuration.
func (p program) configure(options Options, at addresses) error {
	consensus := []setting{
		{"", "log_level", `"error"`},
		{"rpc", "laddr", quote("tcp://" + at.rpc)},
		{"rpc", "pprof_laddr", `""`},
		{"rpc", "max_subscriptions_per_client", "100"},
		{"p2p", "laddr", `"tcp://127.0.0.1:0"`},
		{"p2p", "pex", "false"},
		{"consensus", "timeout_commit", quote(options.BlockTime.String())},
		{"consensus", "timeout_propose", `"2s"`},
		{"consensus", "timeout_prevote", `"1s"`},
		{"consensus", "timeout_precommit", `"1s"`},
		{"instrumentation", "prometheus", "false"},
	}
	application := []setting{
		{"", "minimum-gas-prices", quote("0" + denomination)},
		{"telemetry", "enabled", "false"},
		{"api", "enable", "true"},
		{"api", "swagger", "false"},
		{"api", "address", quote("tcp://" + at.rest)},
		{"grpc", "address", quote(at.grpc)},
		{"grpc-web", "enable", "false"},
	}
	if err := configureFile(filepath.Join(p.home(), "config", "config.toml"), consensus); err != nil {
		return err
	}
	return configureFile(filepath.Join(p.home(), "config", "app.toml"), application)
}

func configureFile(path string, settings []setting) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(data)
	for _, s := range settings {
		if text, err = s.apply(text); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// apply replaces the line of the key. A key that is not there is an error: another version may call it otherwise.
func (s setting) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	section := ""
	for i, line := range lines {
		if name, is := strings.CutPrefix(line, "["); is {
			section, _, _ = strings.Cut(name, "]")
		}
		key, _, is := strings.Cut(line, "=")
		if is && section == s.section && strings.TrimSpace(key) == s.key {
			lines[i] = s.key + " = " + s.value
			return strings.Join(lines, "\n"), nil
		}
	}
	return "", fmt.Errorf("no key %s in section %q", s.key, s.section)
}

func quote(text string) string { return `"` + text + `"` }

package groups

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Load reads a configuration file, the environment variables and the files that it names. The error is an *Error.
func Load(path string, env Environment) (Config, error) {
	config, _, err := load(path, env)
	return config, err
}

// load returns the files that it read too, as they were just before.
func load(path string, env Environment) (Config, files, error) {
	r := newReader(path, env)
	r.files.look(path)
	data, err := secret.ReadRegular(path, MaximumSize)
	if err != nil {
		r.file("cannot be read: " + secret.Reason(err))
		return Config{}, r.files, r.err(path)
	}
	config, err := r.parse(data, path)
	return config, r.files, err
}

// Parse reads the text of a configuration. The path is that of its file: errors begin with it, and relative paths in the
// text are relative to its directory. The error is an *Error.
func Parse(data []byte, path string, env Environment) (Config, error) {
	return newReader(path, env).parse(data, path)
}

func (r *reader) parse(data []byte, path string) (Config, error) {
	config := Default()
	if top := r.document(data); top != nil {
		r.config(top, &config)
	}
	config.Data = secret.Within(r.dir, config.Data)
	if err := r.err(path); err != nil {
		return Config{}, err
	}
	return config, nil
}

// config reads the top of a configuration.
func (r *reader) config(n *yaml.Node, c *Config) {
	read, ok := r.object(n, "", r.top(c)...)
	if !ok {
		return
	}
	r.needs(read, "groups", "a list of at least one group")
	r.checkSuppliers(read, c.Groups)
	r.checkScopes(read, c)
	if read.fine("listen", "public") && !c.Public && !onLoopback(c.Listen) {
		r.add(read.at("listen"), "listen", "is "+shown(c.Listen)+"; allowed: a loopback address, as in 127.0.0.1:50832, unless public is true")
	}
}

// top is the keys of a configuration.
func (r *reader) top(c *Config) []field {
	return []field{
		{"listen", func(n *yaml.Node, key string) { c.Listen = r.listen(n, key) }},
		{"public", func(n *yaml.Node, key string) { c.Public = r.truth(n, key) }},
		{"data", func(n *yaml.Node, key string) { c.Data = r.path(n, key) }},
		{"log_level", func(n *yaml.Node, key string) { c.LogLevel = r.word(n, key, "error", "warn", "info", "debug") }},
		{"log_format", func(n *yaml.Node, key string) { c.LogFormat = r.word(n, key, "text", "json") }},
		{"history", func(n *yaml.Node, key string) { r.history(n, key, &c.History) }},
		{"groups", func(n *yaml.Node, key string) {
			names := make(claims)
			r.list(n, key, MaximumGroups, func(n *yaml.Node, key string) { c.Groups = append(c.Groups, r.group(n, key, names)) })
		}},
		{"alerts", func(n *yaml.Node, key string) { c.Alerts = r.alerts(n, key) }},
		{"feed", func(n *yaml.Node, key string) { c.Feed = r.feed(n, key) }},
	}
}

// claims are the names that are taken, with the line of each.
type claims map[string]int

// claim adds a problem if the name was taken before.
func (r *reader) claim(taken claims, n *yaml.Node, key, name string) {
	if line, is := taken[name]; is {
		r.add(n, key, "is "+shown(name)+" like the one of line "+strconv.Itoa(line)+"; allowed: a name of its own")
		return
	}
	taken[name] = n.Line
}

func (r *reader) path(n *yaml.Node, key string) string {
	value, ok := r.text(n, key, "a path")
	if ok && !secret.IsPath(value) {
		r.add(n, key, "is not a path of 1 to 2048 bytes")
	}
	return value
}

// listen reads a host:port.
func (r *reader) listen(n *yaml.Node, key string) string {
	const want = "HOST:PORT with a port of 0 to 65535, as in 127.0.0.1:50832"
	value, ok := r.text(n, key, want)
	if !ok {
		return ""
	}
	host, port, err := net.SplitHostPort(value)
	_, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || len(value) > 300 || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' || r == '@' }) {
		r.add(n, key, "is "+shown(value)+"; allowed: "+want)
	}
	return value
}

// onLoopback reports whether a host:port can be reached from this machine only. The name localhost counts as such.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

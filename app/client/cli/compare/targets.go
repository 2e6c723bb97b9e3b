package compare

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/wire"
)

// mostTargets is how many can be compared: all of them are asked at once.
const mostTargets = groups.MaximumTargets

// resolving bounds how long names of hosts are looked up before the first target is asked.
const resolving = 2 * time.Second

// parseTargets reads targets as the user has written them, [NAME=]URL. Errors name a target by its place or its name.
func parseTargets(args []string, allowPrivate bool) ([]groups.Target, error) {
	switch {
	case len(args) == 0:
		return nil, command.Fail(command.ExitUsage, "compare what? Give URLs, as in 'pocket compare https://a.example https://b.example'")
	case len(args) > mostTargets:
		return nil, command.Fail(command.ExitUsage, "%d targets are too many; at most are %d", len(args), mostTargets)
	}
	targets := make([]groups.Target, len(args))
	given := make(map[string]int)
	for i, arg := range args {
		name, raw, named := cutName(arg)
		called := fmt.Sprintf("target %d", i+1)
		if named {
			if _, err := groups.ParseName(name); err != nil {
				return nil, command.Fail(command.ExitUsage, "%s: the name before = is none: %w", called, err)
			}
			called = "target " + name
			if first, taken := given[name]; taken {
				return nil, command.Fail(command.ExitUsage, "targets %d and %d are both called %s; give each a name of its own, as in NAME=URL", first, i+1, name)
			}
			given[name] = i + 1
		}
		secret, err := groups.ParseURL(withScheme(raw))
		if err != nil {
			return nil, command.Fail(command.ExitUsage, "%s: %w", called, err)
		}
		targets[i] = groups.Target{Name: name, URL: secret, Private: allowPrivate}
	}
	nameByHost(targets, given)
	return targets, nil
}

// cutName cuts NAME= off. A part of a URL that has a = is no name: it may be a key.
func cutName(arg string) (name, raw string, named bool) {
	name, raw, named = strings.Cut(arg, "=")
	if !named || strings.ContainsAny(name, "/?#@&%") {
		return "", arg, false
	}
	return name, raw, true
}

var schemed = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// withScheme adds the scheme that a URL does not have: https, which protects a key on its way, or http to places where
// nobody has a certificate.
func withScheme(raw string) string {
	if raw == "" || schemed.MatchString(raw) {
		return raw
	}
	parsed, err := url.Parse("https://" + raw)
	if err == nil && isNear(parsed.Hostname()) {
		return "http://" + raw
	}
	return "https://" + raw
}

// isNear reports whether a host is this machine by name, or an address that is not of the public internet.
func isNear(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && !wire.Public(address)
}

// nameByHost names the targets that were given no name: by the host, by host and port if another of them is of that host,
// and with a number where that name is taken.
func nameByHost(targets []groups.Target, taken map[string]int) {
	hosts := make(map[string]int)
	for _, t := range targets {
		if t.Name == "" {
			hosts[hostOf(t).Hostname()]++
		}
	}
	for i := range targets {
		t := &targets[i]
		if t.Name != "" {
			continue
		}
		host := hostOf(*t)
		name := host.Hostname()
		if hosts[name] > 1 {
			name = host.Host
		}
		t.Name = free(name, taken)
		taken[t.Name] = i + 1
	}
}

func hostOf(t groups.Target) *url.URL {
	parsed, err := url.Parse(t.Origin())
	if err != nil {
		return &url.URL{}
	}
	return parsed
}

// mostHost bounds a name that is taken from a host, so that a number has room.
const mostHost = 58

// free returns a name that is not taken.
func free(name string, taken map[string]int) string {
	name = fmt.Sprintf("%.*s", mostHost, cmp.Or(name, "target"))
	unique := name
	for n := 2; taken[unique] > 0; n++ {
		unique = fmt.Sprintf("%s#%d", name, n)
	}
	return unique
}

// reference is what stands for an environment variable in the value of a header: ${NAME} anywhere, and $NAME as a word.
var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|(^| )\$([A-Za-z_][A-Za-z0-9_]*)( |$)`)

// addHeaders adds headers as the user has written them, 'NAME: HEADER: VALUE'. Errors repeat nothing of a value, nor of a
// text that may be one.
func addHeaders(targets []groups.Target, given []string) error {
	for i, text := range given {
		t, rest := addressee(targets, text)
		if t == nil {
			return command.Fail(command.ExitUsage, "--header %d names no target; write --header 'NAME: HEADER: VALUE' with NAME one of %s", i+1, namesOf(targets))
		}
		header, written, _ := strings.Cut(rest, ":")
		value, err := revealed(strings.TrimSpace(written))
		if err != nil {
			return command.Fail(command.ExitUsage, "--header of target %s: %w", t.Name, err)
		}
		name, secret, err := groups.ParseHeader(strings.TrimSpace(header), value)
		if err != nil {
			return command.Fail(command.ExitUsage, "--header of target %s: %w", t.Name, err)
		}
		if t.Headers == nil {
			t.Headers = make(map[string]groups.Secret)
		}
		_, repeated := t.Headers[name]
		switch {
		case repeated:
			return command.Fail(command.ExitUsage, "--header of target %s: %s is given twice", t.Name, name)
		case len(t.Headers) == groups.MaximumHeaders:
			return command.Fail(command.ExitUsage, "--header of target %s: at most are %d headers", t.Name, groups.MaximumHeaders)
		case name == "Authorization" && hasUser(*t):
			return command.Fail(command.ExitUsage, "target %s has a user in its URL and a header Authorization, which mean the same; give one of them", t.Name)
		}
		t.Headers[name] = secret
	}
	return nil
}

// addressee returns the target whose name a header begins with, of several the one of the longest name.
func addressee(targets []groups.Target, text string) (found *groups.Target, rest string) {
	for i := range targets {
		if after, is := strings.CutPrefix(text, targets[i].Name+":"); is && (found == nil || len(targets[i].Name) > len(found.Name)) {
			found, rest = &targets[i], after
		}
	}
	return found, rest
}

func hasUser(t groups.Target) bool {
	parsed, err := url.Parse(t.URL.Reveal())
	return err == nil && parsed.User != nil
}

// mostNamed is how many targets are listed in an error.
const mostNamed = 10

func namesOf(targets []groups.Target) string {
	var names []string
	for _, t := range targets[:min(len(targets), mostNamed)] {
		names = append(names, terminal.Clean(t.Name))
	}
	if len(targets) > mostNamed {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// revealed returns what a value stands for: the contents of a file, or text in which environment variables are replaced.
func revealed(written string) (value string, err error) {
	if path, is := strings.CutPrefix(written, "@"); is {
		return groups.ReadSecret(path)
	}
	value = reference.ReplaceAllStringFunc(written, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		variable := cmp.Or(parts[1], parts[3])
		content := os.Getenv(variable)
		if content == "" {
			err = command.Fail(command.ExitUsage, "an environment variable that its value names is not set, or empty")
		}
		return parts[2] + content + parts[4]
	})
	return value, err
}

// refusePrivate refuses targets that lead to this machine or into a private network. One whose name cannot be resolved is
// not refused: that is what there is to report of it, and it is never connected to at such an address.
func refusePrivate(ctx context.Context, targets []groups.Target) error {
	ctx, cancel := context.WithTimeout(ctx, resolving)
	defer cancel()
	private := make([]bool, len(targets))
	var looking sync.WaitGroup
	turns := make(chan struct{}, 32)
	for i, t := range targets {
		turns <- struct{}{}
		looking.Go(func() {
			defer func() { <-turns }()
			addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", hostOf(t).Hostname())
			private[i] = err == nil && len(addresses) > 0
			for _, address := range addresses {
				private[i] = private[i] && !wire.Public(address)
			}
		})
	}
	looking.Wait()
	for i, t := range targets {
		if private[i] {
			return command.Fail(command.ExitUsage, "target %s is on this machine or in a private network; add --allow-private if it is to be asked", t.Name)
		}
	}
	return nil
}

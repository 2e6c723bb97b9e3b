package groups

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// feed reads where samples are published.
func (r *reader) feed(n *yaml.Node, key string) *configs.Feed {
	f := new(configs.Feed)
	read, ok := r.object(n, key, r.ofFeed(f)...)
	if !ok {
		return f
	}
	if read.fine("nats", "embedded") && f.Embedded == (len(f.NATS) > 0) {
		r.add(n, key, "has to have either nats, as in nats: nats://nats.example:4222, or embedded: true")
	}
	if f.Embedded {
		for _, name := range []string{"credentials", "tls"} {
			if read.has(name) {
				r.say(read, name, "is for nats, but the feed is embedded: that server is for this machine alone; remove it")
			}
		}
		if f.Replicas > 1 {
			r.say(read, "replicas", "is %d, but the embedded server is one; remove it", f.Replicas)
		}
	} else if read.has("listen") {
		r.say(read, "listen", "is for the embedded server; remove it, or set embedded: true")
	}
	*f = f.Within(r.dir)
	return f
}

// ofFeed is the keys of a feed.
func (r *reader) ofFeed(f *configs.Feed) []field {
	return []field{
		{"nats", func(n *yaml.Node, key string) {
			if n.Kind == yaml.SequenceNode {
				r.list(n, key, configs.MaximumServers, func(n *yaml.Node, key string) { f.NATS = append(f.NATS, r.server(n, key)) })
				return
			}
			f.NATS = configs.Servers{r.server(n, key)}
		}},
		{"credentials", func(n *yaml.Node, key string) { f.Credentials = r.path(n, key) }},
		{"tls", func(n *yaml.Node, key string) { r.feedTLS(n, key, &f.TLS) }},
		{"embedded", func(n *yaml.Node, key string) { f.Embedded = r.truth(n, key) }},
		{"listen", func(n *yaml.Node, key string) {
			f.Listen = r.listen(n, key)
			if f.Listen != "" && !configs.IsFeedListen(f.Listen) {
				r.add(n, key, "is "+shown(f.Listen)+"; allowed: a loopback address, as in "+configs.DefaultFeedListen+": the embedded server asks nobody who he is")
			}
		}},
		{"stream", func(n *yaml.Node, key string) {
			value, ok := r.text(n, key, configs.StreamForm)
			if ok && !configs.IsStreamName(value) {
				r.add(n, key, "is "+shown(value)+"; allowed: "+configs.StreamForm)
			}
			f.Stream = value
		}},
		{"replicas", func(n *yaml.Node, key string) { f.Replicas = int(r.whole(n, key, 1, configs.MaximumReplicas)) }},
		{"max_age", func(n *yaml.Node, key string) { f.MaxAge = new(r.days(n, key)) }},
		{"max_bytes", func(n *yaml.Node, key string) { f.MaxBytes = r.bytes(n, key) }},
		{"discard", func(n *yaml.Node, key string) { f.Discard = r.word(n, key, configs.DiscardOld, configs.DiscardNew) }},
		{"place", func(n *yaml.Node, key string) {
			want := fmt.Sprintf("1 to %d bytes of printable text", configs.MaximumPlace)
			value, ok := r.text(n, key, want)
			if ok && !configs.IsPlace(value) {
				r.add(n, key, "is "+shown(value)+"; allowed: "+want)
			}
			f.Place = value
		}},
	}
}

// feedTLS reads the files of a TLS connection.
func (r *reader) feedTLS(n *yaml.Node, key string, tls *configs.FeedTLS) {
	read, ok := r.object(n, key,
		field{"ca", func(n *yaml.Node, key string) { tls.CA = r.path(n, key) }},
		field{"cert", func(n *yaml.Node, key string) { tls.Cert = r.path(n, key) }},
		field{"key", func(n *yaml.Node, key string) { tls.Key = r.path(n, key) }})
	if ok && read.has("cert") != read.has("key") {
		r.add(n, key, "has cert or key alone; allowed: both or none")
	}
}

// server reads the URL of a NATS server.
func (r *reader) server(n *yaml.Node, key string) secret.Written {
	raw, ok := r.secret(n, key)
	if !ok {
		return secret.Written{}
	}
	if problem := secret.NATSProblem(raw); problem != "" {
		r.add(n, key, problem+"; allowed: "+secret.NATSForm)
	}
	return secret.Text(raw)
}

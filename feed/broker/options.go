package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/nats-io/nkeys"

	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// MaximumURLs is the maximum number of servers that are named.
const MaximumURLs = 16

// Options say where NATS is and who we are.
type Options struct {
	// URLs of the servers; they may hold a user, a password or a token.
	URLs []secret.Secret
	// Credentials is a file as 'nsc' makes them: a user's JWT and key; empty for none.
	Credentials string
	// TLS of the connection.
	TLS TLS
	// Embedded is the server to connect to, within the process, instead of URLs; nil for none.
	Embedded *Embedded
	// Name is what the server shows of the client.
	Name string
	// Logger takes what is said of the connection; nil discards it.
	Logger *slog.Logger
}

// TLS names files in PEM. What is left out is the system's.
type TLS struct {
	// CA are the authorities that the server is verified by.
	CA string
	// Cert and Key are the client's certificate; both or none.
	Cert, Key string
}

// config returns the TLS configuration; nil if nothing is set. The error names the file.
func (t TLS) config() (*tls.Config, error) {
	if t == (TLS{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		authorities, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("tls.ca %s has no certificate in PEM", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert and tls.key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Check returns an error if a file that the options name cannot be used. It connects to nothing.
func (o Options) Check() error {
	if _, err := o.TLS.config(); err != nil {
		return err
	}
	if o.Credentials == "" {
		return nil
	}
	held, err := os.ReadFile(o.Credentials)
	if err != nil {
		return fmt.Errorf("read credentials: %w", err)
	}
	if _, err := nkeys.ParseDecoratedJWT(held); err != nil {
		return fmt.Errorf("credentials %s hold no user's JWT; 'nsc generate creds' makes such a file", o.Credentials)
	}
	pair, err := nkeys.ParseDecoratedUserNKey(held)
	if err != nil {
		return fmt.Errorf("credentials %s hold no user's key; 'nsc generate creds' makes such a file", o.Credentials)
	}
	pair.Wipe()
	return nil
}

// errNoServer is returned for options without a server.
var errNoServer = errors.New("no server of NATS is named")

// servers returns the URLs in the form of the library.
func (o Options) servers() ([]string, error) {
	if len(o.URLs) == 0 && o.Embedded == nil {
		return nil, errNoServer
	}
	var servers []string
	for _, each := range o.URLs {
		if problem := secret.NATSProblem(each.Reveal()); problem != "" {
			return nil, errors.New("the URL of a server " + problem)
		}
		servers = append(servers, each.Reveal())
	}
	return slices.Clip(servers), nil
}

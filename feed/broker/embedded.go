package broker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// EmbeddedDescriptors is how many files and connections an embedded server may have open.
	EmbeddedDescriptors = embeddedClients + embeddedFiles
	// embeddedClients are its connections, beside ours, which is in the process.
	embeddedClients = 64
	// embeddedFiles are those of its store.
	embeddedFiles = 64
	// startTimeout is how long it may take to open its store.
	startTimeout = 30 * time.Second
	// embeddedMemory bounds streams in memory; ours is in files.
	embeddedMemory = 1 << 20
	// storeSlack is room beside the stream for its state and what the collector keeps.
	storeSlack = 256 << 20
)

// EmbeddedOptions say where an embedded server is.
type EmbeddedOptions struct {
	// Directory of its store.
	Directory string
	// Listen is a loopback HOST:PORT, for collectors on this machine. Port 0 stands for any free port.
	Listen string
	// MaxBytes of the stream.
	MaxBytes int64
	// Logger takes its log; nil discards it.
	Logger *slog.Logger
}

// Embedded is a NATS server within the process, for this machine alone.
type Embedded struct{ server *server.Server }

// ValidateListen returns an error unless an address is a loopback HOST:PORT: an embedded server asks nobody who he is.
func ValidateListen(address string) error {
	_, _, err := loopback(address)
	return err
}

func loopback(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", 0, errors.New("the embedded server is for this machine alone: its address has to be a loopback one, as in 127.0.0.1:4222")
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q has no port of 0 to 65535", address)
	}
	return host, int(number), nil
}

// StartEmbedded starts a server. End it with Close.
func StartEmbedded(o EmbeddedOptions) (*Embedded, error) {
	host, port, err := loopback(o.Listen)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	made, err := server.NewServer(&server.Options{
		ServerName: "pocket", Host: host, Port: port, MaxConn: embeddedClients, NoSigs: true, JetStream: true, StoreDir: o.Directory,
		JetStreamMaxMemory: embeddedMemory, JetStreamMaxStore: max(o.MaxBytes, DefaultMaxBytes) + storeSlack,
		// What is acknowledged is on the disk: our own store forgets it then.
		SyncAlways: true,
	})
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	made.SetLoggerV2(serverLog{cmp.Or(o.Logger, slog.New(slog.DiscardHandler))}, false, false, false)
	// Start returns once the server listens, or has said in its log why it does not.
	made.Start()
	if !made.ReadyForConnections(startTimeout) {
		made.Shutdown()
		made.WaitForShutdown()
		return nil, fmt.Errorf("the embedded NATS server does not start at %s; the log says why", o.Listen)
	}
	return &Embedded{made}, nil
}

// Address returns where the server listens.
func (e *Embedded) Address() string { return e.server.Addr().String() }

// Close stops the server and returns once its store is closed.
func (e *Embedded) Close() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// serverLog writes the server's log to ours.
type serverLog struct{ logger *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.logger.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.logger.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)           {}
func (l serverLog) Tracef(string, ...any)           {}

// Fatalf writes an error: the server ends no process that it is a part of.
func (l serverLog) Fatalf(format string, v ...any) { l.logger.Error(fmt.Sprintf(format, v...)) }

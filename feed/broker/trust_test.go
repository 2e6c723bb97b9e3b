package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/pocket-fisherman/fisherman/feed/broker"
)

// check ends a test with an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestForbidden: who may publish, and may not look at the stream, is told so.
func TestForbidden(t *testing.T) {
	s := startServer(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "all", Password: "a"}, {Username: "some", Password: "b", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"qos.v1.>"}}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}}}
	})
	url := func(user string) string { return strings.Replace(s.ClientURL(), "nats://", "nats://"+user+"@", 1) }
	check(t, connect(t, to(url("all:a"))).Ensure(t.Context(), want))
	some := connect(t, to(url("some:b")))
	if err := some.Ensure(t.Context(), want); !errors.Is(err, broker.ErrForbidden) {
		t.Errorf("got %v", err)
	}
	if _, err := some.JetStream().Publish(t.Context(), "qos.v1.a.b.c", nil, jetstream.WithExpectStream("qos")); err != nil {
		t.Errorf("publish: %v", err)
	}
}

// credentials makes the file of a user of an account, as nsc does.
func credentials(t *testing.T, account nkeys.KeyPair) string {
	t.Helper()
	user, err := nkeys.CreateUser()
	check(t, err)
	public, err := user.PublicKey()
	check(t, err)
	token, err := jwt.NewUserClaims(public).Encode(account)
	check(t, err)
	seed, err := user.Seed()
	check(t, err)
	held, err := jwt.FormatUserConfig(token, seed)
	check(t, err)
	path := filepath.Join(t.TempDir(), "user.creds")
	check(t, os.WriteFile(path, held, 0o600))
	return path
}

// TestCredentials: a user's file is accepted, that of another account is refused, and what is no such file is said to be none.
func TestCredentials(t *testing.T) {
	operator, err := nkeys.CreateOperator()
	check(t, err)
	account, err := nkeys.CreateAccount()
	check(t, err)
	trusted, err := operator.PublicKey()
	check(t, err)
	name, err := account.PublicKey()
	check(t, err)
	claims := jwt.NewAccountClaims(name)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	known, err := claims.Encode(operator)
	check(t, err)
	resolver := &server.MemAccResolver{}
	check(t, resolver.Store(name, known))
	s := startServer(t, func(o *server.Options) {
		o.JetStream, o.TrustedKeys, o.AccountResolver = false, []string{trusted}, resolver
	})
	good := to(s.ClientURL())
	good.Credentials = credentials(t, account)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	check(t, connect(t, good).Await(ctx))

	stranger, err := nkeys.CreateAccount()
	check(t, err)
	bad := to(s.ClientURL())
	bad.Credentials = credentials(t, stranger)
	if reason := await(t, connect(t, bad), broker.ProblemRefused); !strings.Contains(reason, "credentials") {
		t.Errorf("reason %q", reason)
	}

	none := to(s.ClientURL())
	none.Credentials = filepath.Join(t.TempDir(), "absent")
	if _, err := broker.Connect(none); err == nil || !strings.Contains(err.Error(), "read credentials") {
		t.Errorf("absent: %v", err)
	}
	check(t, os.WriteFile(none.Credentials, []byte("SUANOSECRET"), 0o600))
	if _, err := broker.Connect(none); err == nil || !strings.Contains(err.Error(), "nsc generate creds") || strings.Contains(err.Error(), "SUANO") {
		t.Errorf("no such file: %v", err)
	}
}

// authority makes a certificate of this machine, and returns it and the file of its authority.
func authority(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	path := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, path
}

// TestTLS: a server whose authority is known is reached, another one is a problem of TLS.
func TestTLS(t *testing.T) {
	certificate, ca := authority(t)
	s := startServer(t, func(o *server.Options) {
		o.TLS, o.TLSTimeout, o.TLSConfig = true, 5, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	})
	known := to(s.ClientURL())
	known.TLS.CA = ca
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	check(t, connect(t, known).Await(ctx))
	if reason := await(t, connect(t, to(s.ClientURL())), broker.ProblemTLS); reason == "" {
		t.Error("no reason")
	}
	known.TLS.CA = filepath.Join(t.TempDir(), "absent")
	if _, err := broker.Connect(known); err == nil || !strings.Contains(err.Error(), "tls.ca") {
		t.Errorf("absent: %v", err)
	}
}

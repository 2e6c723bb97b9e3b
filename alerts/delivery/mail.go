package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/url"
	"strconv"
	"strings"
	"time"

	shoutrrr "github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

// mailbox is a receiver of mail, by way of an SMTP server.
type mailbox struct {
	config  shoutrrr.Config
	options Options
	from    mail.Address
	to      []string
}

const (
	defaultMailPort = 25
	// secureMailPort is the port of SMTP over TLS.
	secureMailPort = 465
	// maximumRecipients bounds the recipients of a receiver.
	maximumRecipients = 32
)

func newMail(parsed *url.URL, options Options) (Receiver, error) {
	implicit := parsed.Scheme == "smtps"
	config := shoutrrr.Config{Port: defaultMailPort, Auth: shoutrrr.AuthTypes.Unknown, UseStartTLS: true, Encryption: shoutrrr.EncMethods.Auto,
		ClientHost: "localhost"}
	if implicit {
		config.Port, config.Encryption = secureMailPort, shoutrrr.EncMethods.ImplicitTLS
	}
	if err := guard(mailForm, func() error { return config.SetURL(parsed) }); err != nil {
		return nil, err
	}
	config.FixEmailTags()
	if config.Auth == shoutrrr.AuthTypes.Unknown {
		config.Auth = shoutrrr.AuthTypes.None
		if config.Username != "" {
			config.Auth = shoutrrr.AuthTypes.Plain
		}
	}
	from, err := mail.ParseAddress(config.FromAddress)
	if err != nil || config.Host == "" || len(config.ToAddresses) > maximumRecipients || strings.ContainsAny(config.ClientHost, " \r\n") {
		return nil, &URLError{"has no host, no sender, or more than 32 recipients", mailForm}
	}
	made := &mailbox{config: config, options: options, from: *from}
	if config.FromName != "" {
		made.from.Name = config.FromName
	}
	for _, each := range config.ToAddresses {
		address, err := mail.ParseAddress(each)
		if err != nil {
			return nil, &URLError{"has a recipient that is no address", mailForm}
		}
		made.to = append(made.to, address.Address)
	}
	return made, nil
}

// Kind implements Receiver.
func (m *mailbox) Kind() Kind { return KindMail }

// Send implements Receiver. All recipients get one message.
func (m *mailbox) Send(ctx context.Context, message machine.Message) error {
	if err := m.send(ctx, message); err != nil {
		return failed(ctx, err)
	}
	return nil
}

func (m *mailbox) send(ctx context.Context, message machine.Message) error {
	conn, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The client has no context: whatever it waits for ends with the connection.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	client, err := smtp.NewClient(conn, m.config.Host)
	if err != nil {
		return err
	}
	if err := m.greet(client); err != nil {
		return err
	}
	if err := client.Mail(m.from.Address); err != nil {
		return err
	}
	for _, each := range m.to {
		if err := client.Rcpt(each); err != nil {
			return err
		}
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(m.compose(message)); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the server has taken the message
	return nil
}

func (m *mailbox) connect(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(m.config.Host, strconv.Itoa(int(m.config.Port)))
	if m.implicitTLS() {
		return (&tls.Dialer{Config: m.tls()}).DialContext(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

func (m *mailbox) implicitTLS() bool {
	return m.config.Encryption == shoutrrr.EncMethods.ImplicitTLS ||
		m.config.Encryption == shoutrrr.EncMethods.Auto && m.config.Port == secureMailPort
}

func (m *mailbox) tls() *tls.Config {
	return &tls.Config{ServerName: m.config.Host, RootCAs: m.options.RootCAs, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: m.config.SkipTLSVerify} // the operator's own word, of the operator's own server
}

// greet says who we are, over TLS where the server offers it.
func (m *mailbox) greet(client *smtp.Client) error {
	if err := client.Hello(m.config.ClientHost); err != nil {
		return err
	}
	if !m.implicitTLS() && m.config.UseStartTLS && m.config.Encryption != shoutrrr.EncMethods.None {
		offered, _ := client.Extension("STARTTLS")
		if !offered && (m.config.RequireStartTLS || m.config.Encryption == shoutrrr.EncMethods.ExplicitTLS) {
			return &Error{Cause: CauseInsecure, Permanent: true}
		}
		if offered {
			if err := client.StartTLS(m.tls()); err != nil {
				return err
			}
		}
	}
	proof := m.proof()
	if proof == nil {
		return nil
	}
	if _, secure := client.TLSConnectionState(); !secure && !isLocal(m.config.Host) {
		return &Error{Cause: CauseInsecure, Permanent: true}
	}
	return client.Auth(proof)
}

// isLocal reports whether a host is this machine, to which a password may go as it is.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// proof returns how we prove who we are; nil if we do not.
func (m *mailbox) proof() smtp.Auth {
	switch m.config.Auth {
	case shoutrrr.AuthTypes.Plain:
		return smtp.PlainAuth("", m.config.Username, m.config.Password, m.config.Host)
	case shoutrrr.AuthTypes.CRAMMD5:
		return smtp.CRAMMD5Auth(m.config.Username, m.config.Password)
	case shoutrrr.AuthTypes.OAuth2:
		return shoutrrr.OAuth2Auth(m.config.Username, m.config.Password)
	default:
		return nil
	}
}

// compose writes a message with its header.
func (m *mailbox) compose(message machine.Message) []byte {
	var written bytes.Buffer
	_, domain, _ := strings.Cut(m.from.Address, "@")
	for _, field := range [][2]string{
		{"Date", message.At.Format(time.RFC1123Z)},
		{"From", m.from.String()},
		{"To", strings.Join(m.to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", message.Title)},
		{"Message-ID", fmt.Sprintf("<%s@%s>", message.ID, domain)},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&written, "%s: %s\r\n", field[0], field[1])
	}
	written.WriteString("\r\n")
	encoder := quotedprintable.NewWriter(&written)
	// Writing into memory does not fail.
	_, _ = encoder.Write([]byte(strings.ReplaceAll(body(message)+"\n", "\n", "\r\n")))
	_ = encoder.Close()
	return written.Bytes()
}

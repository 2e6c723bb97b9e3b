package delivery

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

// Kind is what a receiver is.
type Kind string

// Kinds of receivers.
const (
	// KindWebhook takes a machine.Message as JSON, by POST.
	KindWebhook Kind = "webhook"
	// KindSlack is a channel of Slack.
	KindSlack Kind = "slack"
	// KindDiscord is a channel of Discord.
	KindDiscord Kind = "discord"
	// KindTelegram is a chat of Telegram.
	KindTelegram Kind = "telegram"
	// KindMail is mail by SMTP.
	KindMail Kind = "mail"
)

// Receiver takes messages.
type Receiver interface {
	// Kind says what the receiver is.
	Kind() Kind
	// Send sends a message. It returns when the message was taken, was not, or the context ended, with nil or an *Error.
	Send(ctx context.Context, message machine.Message) error
}

// Options of a receiver; the zero value is that of a real one.
type Options struct {
	// Headers that requests of a webhook have in addition, by name.
	Headers map[string]string
	// Transport makes requests; nil stands for one of the receiver's own.
	Transport http.RoundTripper
	// RootCAs verify mail servers, and others if there is no Transport; nil stands for the system's.
	RootCAs *x509.CertPool
}

// URLError is returned when a URL is that of no receiver. It says what would be one, and shows nothing of the URL.
type URLError struct{ problem, want string }

// Error returns Problem and Allowed.
func (e *URLError) Error() string { return e.problem + "; allowed: " + e.want }

// Forms of the URLs.
const (
	webhookForm  = "https://HOST/PATH"
	slackForm    = "slack://hook:A-B-C@webhook of a webhook's https://hooks.slack.com/services/A/B/C, or slack://xoxb:A-B-C@CHANNEL"
	discordForm  = "discord://TOKEN@ID of a webhook's https://discord.com/api/webhooks/ID/TOKEN"
	telegramForm = "telegram://TOKEN@telegram?chats=CHAT with one chat"
	mailForm     = "smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS&to=ADDRESS"
	anyForm      = "a URL that begins with https, http, slack, discord, telegram or smtp"
)

// maximumURL bounds a URL, in bytes.
const maximumURL = 4096

// New makes a receiver of a URL. The error is a *URLError.
func New(raw string, options Options) (Receiver, error) {
	parsed, err := url.Parse(raw)
	if err != nil || len(raw) > maximumURL || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, &URLError{fmt.Sprintf("is not a URL of at most %d bytes", maximumURL), anyForm}
	}
	switch parsed.Scheme {
	case "http", "https":
		return newWebhook(parsed, options)
	case "slack":
		return newSlack(parsed, options)
	case "discord":
		return newDiscord(parsed, options)
	case "telegram":
		return newTelegram(parsed, options)
	case "smtp", "smtps":
		return newMail(parsed, options)
	default:
		return nil, &URLError{"has a scheme of no receiver", anyForm}
	}
}

// guard returns a URLError instead of what a library panics with: its parsers take the text of a configuration.
func guard(want string, parse func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &URLError{"does not have the form of one", want}
		}
	}()
	if parse() != nil {
		return &URLError{"does not have the form of one", want}
	}
	return nil
}

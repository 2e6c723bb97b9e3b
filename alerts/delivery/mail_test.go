package delivery

import (
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// post is a real mail server on a socket.
type post struct {
	address string
	refuse  *smtp.SMTPError

	mu       sync.Mutex
	users    []string
	received []letter
}

type letter struct {
	from string
	to   []string
	data string
}

func newPost(t *testing.T, refuse *smtp.SMTPError) *post {
	t.Helper()
	p := &post{refuse: refuse}
	server := smtp.NewServer(p)
	server.AllowInsecureAuth = true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return p
}

// NewSession implements smtp.Backend.
func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return &visit{post: p}, nil }

type visit struct {
	post *post
	letter
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		v.post.mu.Lock()
		defer v.post.mu.Unlock()
		v.post.users = append(v.post.users, user+":"+password)
		if password != planted {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.from = from
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if v.post.refuse != nil {
		return v.post.refuse
	}
	v.to = append(v.to, to)
	return nil
}

func (v *visit) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	v.data = string(data)
	v.post.mu.Lock()
	defer v.post.mu.Unlock()
	v.post.received = append(v.post.received, v.letter)
	return err
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

func TestMail(t *testing.T) {
	p := newPost(t, nil)
	receiver := made(t, "smtp://user:"+planted+"@"+p.address+"/?from=fisher%2Bman@a.example&fromname=The+F%C3%AFsherman&to=b@b.example,c@c.example", Options{})
	sent := message()
	sent.Title += " é\r\nBcc: x@x.example"
	if err := receiver.Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.received) != 1 || !slices.Equal(p.users, []string{"user:" + planted}) {
		t.Fatalf("%+v", p.received)
	}
	got := p.received[0]
	if got.from != "fisher+man@a.example" || !slices.Equal(got.to, []string{"b@b.example", "c@c.example"}) {
		t.Errorf("%+v", got)
	}
	read, err := mail.ReadMessage(strings.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil || subject != sent.Title || read.Header.Get("Bcc") != "" || read.Header.Get("Message-Id") != "<"+sent.ID+"@a.example>" {
		t.Errorf("%q, %v in %v", subject, err, read.Header)
	}
	from, err := read.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "The Fïsherman" || from[0].Address != "fisher+man@a.example" {
		t.Errorf("%v, %v", from, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if want := strings.ReplaceAll(sent.Text+"\n"+sent.Link+"\n", "\n", "\r\n"); err != nil || string(body) != want {
		t.Errorf("%q, want %q, %v", body, want, err)
	}
	for _, line := range strings.Split(got.data, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d bytes", len(line))
		}
	}
}

func TestMailServersThatRefuse(t *testing.T) {
	for name, test := range map[string]struct {
		refuse   *smtp.SMTPError
		password string
		want     Error
	}{
		"for good":     {&smtp.SMTPError{Code: 550, Message: planted}, planted, Error{Cause: CauseReply, Code: 550, Permanent: true}},
		"for now":      {&smtp.SMTPError{Code: 451, Message: planted}, planted, Error{Cause: CauseReply, Code: 451}},
		"the password": {nil, "plantedother", Error{Cause: CauseReply, Code: 535, Permanent: true}},
	} {
		p := newPost(t, test.refuse)
		err := made(t, "smtp://user:"+test.password+"@"+p.address+"/?from=a@a.example&to=b@b.example", Options{}).Send(t.Context(), message())
		wrong, is := errors.AsType[*Error](err)
		if !is || *wrong != test.want || strings.Contains(strings.ToLower(err.Error()), "planted") {
			t.Errorf("%s: %#v: %v", name, err, err)
		}
	}
}

// No password leaves without TLS, except to this machine, and none where TLS is asked for.
func TestNoPasswordWithoutTLS(t *testing.T) {
	p := newPost(t, nil)
	err := made(t, "smtp://user:"+planted+"@"+p.address+"/?from=a@a.example&to=b@b.example&requirestarttls=yes", Options{}).Send(t.Context(), message())
	if wrong, is := errors.AsType[*Error](err); !is || wrong.Cause != CauseInsecure || !wrong.Permanent || len(p.users) > 0 {
		t.Errorf("%#v", err)
	}
	if isLocal("mail.example") || isLocal("10.0.0.1") || !isLocal("127.0.0.1") || !isLocal("::1") || !isLocal("localhost") {
		t.Error("what this machine is")
	}
}

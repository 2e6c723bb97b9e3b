package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	requestTimeout  = 15 * time.Second
	checkTimeout    = 30 * time.Second
	dialTimeout     = 3 * time.Second
	maximumHeader   = 64 << 10
	maximumBody     = 64 << 20
	maximumSentence = 512
)

// Client asks one node. It is safe for use by many goroutines.
type Client struct {
	base *url.URL
	http *http.Client
}

// New makes a client of the node at baseURL: http or https, with a host, without user, query or fragment. It connects
// to nothing. Proxies from the environment are not used and redirects are not followed.
func New(baseURL string) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" || base.User != nil ||
		base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, fmt.Errorf("%q is not the URL of a node, as in http://127.0.0.1:50832", baseURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  checkTimeout,
		MaxResponseHeaderBytes: maximumHeader,
		MaxConnsPerHost:        4,
		IdleConnTimeout:        30 * time.Second,
	}
	return &Client{base: base, http: &http.Client{
		Transport:     transport,
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// URL is the node's, as New was given it.
func (c *Client) URL() string { return c.base.String() }

// Close closes the connections that are kept for further requests.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status reads what the node is. It is answered before the first block too, with height 0.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	return get[api.Status](ctx, c, "/v1/status", url.Values{})
}

// Session reads the session of an application on a relay chain at a height; height 0 means the latest.
func (c *Client) Session(ctx context.Context, application, relayChain string, height int64) (api.Session, error) {
	parameters := url.Values{"application": {application}, "relay_chain": {relayChain}}
	addHeight(parameters, height)
	return get[api.Session](ctx, c, "/v1/session", parameters)
}

// Actors reads the staked actors of one type ("application", "servicer", "fisherman", "validator") at a height; height 0
// means the latest.
func (c *Client) Actors(ctx context.Context, actorType string, height int64) (api.Actors, error) {
	parameters := url.Values{"type": {actorType}}
	addHeight(parameters, height)
	return get[api.Actors](ctx, c, "/v1/actors", parameters)
}

// QoS reads the quality of service that the node's fisherman measured.
func (c *Client) QoS(ctx context.Context, filter QoSFilter) (api.Report, error) {
	parameters := url.Values{}
	if filter.SessionID != "" {
		parameters.Set("session", filter.SessionID)
	}
	if filter.Servicer != "" {
		parameters.Set("servicer", filter.Servicer)
	}
	if filter.Last != 0 {
		parameters.Set("last", strconv.Itoa(filter.Last))
	}
	if filter.Rolling != (RollingSpan{}) {
		parameters.Set("rolling", filter.Rolling.String())
	}
	return get[api.Report](ctx, c, "/v1/qos", parameters)
}

// QoSWindow reads the same, merged over the newest sessions.
func (c *Client) QoSWindow(ctx context.Context, filter WindowFilter) (api.WindowsReport, error) {
	parameters := url.Values{"window": {filter.Span.String()}}
	if filter.Servicer != "" {
		parameters.Set("servicer", filter.Servicer)
	}
	return get[api.WindowsReport](ctx, c, "/v1/qos", parameters)
}

// Evidence reads a page of the checks in which servicers disagreed, the newest first. What it holds is the node's word
// until its signatures are checked.
func (c *Client) Evidence(ctx context.Context, filter EvidenceFilter) (api.EvidencePage, error) {
	parameters := url.Values{}
	if filter.SessionID != "" {
		parameters.Set("session", filter.SessionID)
	}
	if filter.Servicer != "" {
		parameters.Set("servicer", filter.Servicer)
	}
	if filter.Check != nil {
		parameters.Set("check", strconv.FormatUint(uint64(*filter.Check), 10))
	}
	if filter.Before != nil {
		parameters.Set("before_session", filter.Before.Session)
		parameters.Set("before_check", strconv.FormatUint(uint64(filter.Before.Check), 10))
		if filter.Before.Vantage != "" {
			parameters.Set("before_vantage", filter.Before.Vantage)
		}
	}
	if filter.Limit != 0 {
		parameters.Set("limit", strconv.Itoa(filter.Limit))
	}
	return get[api.EvidencePage](ctx, c, "/v1/evidence", parameters)
}

// Check has the node's fisherman ask a servicer now, with all others of its session, outside of the schedule; it counts for
// nothing. Application and relay chain narrow the sessions down; empty ones admit all. It may take half a minute.
func (c *Client) Check(ctx context.Context, servicer, application, relayChain string) (api.CheckReport, error) {
	parameters := url.Values{"servicer": {servicer}}
	if application != "" {
		parameters.Set("application", application)
	}
	if relayChain != "" {
		parameters.Set("relay_chain", relayChain)
	}
	patient := *c.http
	patient.Timeout = checkTimeout
	var report api.CheckReport
	err := (&Client{base: c.base, http: &patient}).do(ctx, http.MethodPost, "/v1/check", parameters, nil, &report)
	return report, err
}

// Account reads what an address owns at a height; height 0 means the latest. An address that never owned anything has an
// empty account.
func (c *Client) Account(ctx context.Context, address string, height int64) (api.Account, error) {
	parameters := url.Values{"address": {address}}
	addHeight(parameters, height)
	return get[api.Account](ctx, c, "/v1/account", parameters)
}

// Submit hands in the envelope of a transaction. When it is to wait, the node answers after a block has taken the
// transaction, or with height 0 when none has in time. A transaction that the node refuses is an Error whose code is
// "transaction_" and the name of the result in lower case.
func (c *Client) Submit(ctx context.Context, envelope []byte, wait bool) (api.Receipt, error) {
	var receipt api.Receipt
	parameters := url.Values{"wait": {strconv.FormatBool(wait)}}
	err := c.do(ctx, http.MethodPost, "/v1/tx", parameters, bytes.NewReader(envelope), &receipt)
	return receipt, err
}

func addHeight(parameters url.Values, height int64) {
	if height != 0 {
		parameters.Set("height", strconv.FormatInt(height, 10))
	}
}

// get asks for one path and decodes the answer.
func get[T any](ctx context.Context, c *Client, path string, parameters url.Values) (T, error) {
	var body T
	err := c.do(ctx, http.MethodGet, path, parameters, nil, &body)
	return body, err
}

// do sends one request, with a transaction as its content if there is any, and decodes the answer into body.
func (c *Client) do(ctx context.Context, method, path string, parameters url.Values, content io.Reader, body any) error {
	target := *c.base
	target.Path += path
	target.RawQuery = parameters.Encode()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), content)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	if content != nil {
		request.Header.Set("Content-Type", "application/x-protobuf")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maximumBody+1))
	switch {
	case err != nil:
		return c.unreachable(ctx, err)
	case len(answer) > maximumBody:
		return c.notANode("it is longer than %d bytes", maximumBody)
	}
	return c.decode(response, answer, body)
}

// decode reads a refusal or the body of an answer.
func (c *Client) decode(response *http.Response, content []byte, body any) error {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return c.notANode("HTTP status %d without JSON", response.StatusCode)
	}
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(content, body); err != nil {
			return c.notANode("its JSON is of another form: %v", err)
		}
		return nil
	}
	var refusal api.Error
	if err := json.Unmarshal(content, &refusal); err != nil || refusal.Error.Code == "" {
		return c.notANode("HTTP status %d without an error of this API", response.StatusCode)
	}
	return &Error{
		Status:  response.StatusCode,
		Code:    api.ErrorCode(text.Line(string(refusal.Error.Code), maximumSentence)),
		Message: text.Line(refusal.Error.Message, maximumSentence),
	}
}

// unreachable wraps why no answer came. The end of the caller's own context is not the node's fault.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("ask node at %s: %w", c.base, cause)
	}
	if wrapped, is := errors.AsType[*url.Error](err); is {
		err = wrapped.Err
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.base, err)
}

func (c *Client) notANode(format string, args ...any) error {
	return fmt.Errorf("%w at %s: %s", ErrNotANode, c.base, fmt.Sprintf(format, args...))
}

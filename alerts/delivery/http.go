package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// maximumAnswer bounds what is read of an answer, in bytes.
	maximumAnswer = 64 << 10
	// maximumAfter bounds how long a receiver can ask to be left alone.
	maximumAfter = 5 * time.Minute
)

// poster sends JSON by POST.
type poster struct {
	client  *http.Client
	url     string
	headers map[string]string
}

func newPoster(url string, options Options) poster {
	transport := options.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // messages are rare
			MaxResponseHeaderBytes: maximumAnswer,
		}
	}
	// What a receiver redirects to is not what the operator named.
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return poster{client: client, url: url}
}

// post sends a payload, and returns the beginning of the answer. The error is an *Error.
func (p *poster) post(ctx context.Context, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, &Error{Permanent: true}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Permanent: true}
	}
	request.Header.Set("User-Agent", "pocket-fisherman")
	for name, value := range p.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return nil, failed(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return nil, refusal(response)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maximumAnswer))
	if err != nil && ctx.Err() != nil {
		return nil, failed(ctx, err)
	}
	return answer, nil // a receiver that answered 200 has taken the message, whatever else it says
}

// refusal returns the error of a status that is no success.
func refusal(response *http.Response) *Error {
	err := &Error{Cause: CauseStatus, Code: response.StatusCode}
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if seconds, wrong := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 32); wrong == nil {
			err.After = min(time.Duration(seconds)*time.Second, maximumAfter)
		}
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly:
	case code < 500:
		err.Permanent = true
	}
	return err
}

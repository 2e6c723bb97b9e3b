package localnet

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

// ServeLies passes requests on to the node at target, and its results back altered. It returns when ctx has ended (nil) or
// the listener fails.
func ServeLies(ctx context.Context, listener net.Listener, target *url.URL) error {
	return newLyingProxy(listener, target, 0, slog.New(slog.DiscardHandler)).Serve(ctx)
}

// newLyingProxy returns the proxy of the servicer with the given index, in front of the node at target. It passes on
// altered results (see liar). The servicer that uses it signs them in good faith.
func newLyingProxy(listener net.Listener, target *url.URL, index int, logger *slog.Logger) *nodeProxy {
	transport := newNodeTransport()
	return newNodeProxy(listener, transport, &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// A compressed answer could not be altered.
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: liar{index: index}.modify,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}, logger)
}

// modify replaces a response's body by the altered one.
func (l liar) modify(response *http.Response) error {
	body, err := readAnswer(response)
	if err != nil {
		return err
	}
	body = l.Lie(body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	response.TransferEncoding = nil
	return nil
}

package rpc

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// ServeHTTP answers one request. It never panics and never shows a client more than a code and a sentence.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handle(w, r, nil) }

// handle answers one request. What streams ends when ending is closed.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, ending <-chan struct{}) {
	defer func() {
		if cause := recover(); cause != nil {
			s.logger.Error("rpc request panicked", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			s.write(w, r, http.StatusInternalServerError, internal())
		}
	}()
	if page, is := s.pages[r.URL.Path]; is {
		page.ServeHTTP(w, r)
		return
	}
	body, err := s.answer(w, r, ending)
	if err == nil && body == nil {
		return // it was streamed
	}
	if err == nil {
		s.write(w, r, http.StatusOK, body)
		return
	}
	refused := refuse(err)
	if refused == nil {
		s.logger.Error("rpc request failed", "path", r.URL.Path, "error", err)
		s.write(w, r, http.StatusInternalServerError, internal())
		return
	}
	s.write(w, r, refused.status, refused.view())
}

// answer takes a request through path, method, body and parameters to its endpoint. The answer is nil when it was
// streamed.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, ending <-chan struct{}) (any, error) {
	if s.metrics != nil && r.URL.Path == MetricsPath {
		return nil, s.scrape(w, r)
	}
	endpoint, known := s.paths[r.URL.Path]
	switch {
	case !known:
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeUnknownPath, "no such path; there are " + strings.Join(s.listed(), ", ")}
	case endpoint.chain && s.readers.Chain == nil:
		w.Header().Set("Connection", "close")
		return nil, &refusal{http.StatusNotFound, api.ErrorCodeNoChain, s.network.withoutChain()}
	}
	if err := endpoint.takes(w, r); err != nil {
		return nil, err
	}
	if endpoint.submit == nil {
		if err := bodiless(w, r); err != nil {
			return nil, err
		}
	}
	parameters, err := parseQuery(r.URL.RawQuery, endpoint.parameters)
	if err != nil {
		return nil, err
	}
	if endpoint.stream != nil {
		ctx, cancel := withEnd(r.Context(), ending)
		defer cancel()
		return nil, endpoint.stream(ctx, w, r, parameters)
	}
	limit := s.limits.answer
	if endpoint.act != nil {
		limit = s.limits.act
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	switch {
	case endpoint.answer != nil:
		return endpoint.answer(ctx, parameters)
	case endpoint.act != nil:
		return endpoint.act(ctx, parameters)
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return endpoint.submit(ctx, parameters, body)
}

// listed are the paths that the node can answer.
func (s *Server) listed() []string {
	var paths []string
	for path, endpoint := range s.paths {
		if !endpoint.chain || s.readers.Chain != nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// withEnd is a context that ends when ending is closed, too.
func withEnd(ctx context.Context, ending <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-ending:
		}
	}()
	return ctx, cancel
}

// takes refuses a method that the path does not have, and what a browser does in the name of another site.
func (e endpoint) takes(w http.ResponseWriter, r *http.Request) error {
	fits := reads
	if e.answer == nil && e.stream == nil {
		fits = acts
	}
	if err := fits(w, r); err != nil {
		return err
	}
	var own http.CrossOriginProtection
	if own.Check(r) != nil {
		w.Header().Set("Connection", "close")
		return &refusal{http.StatusForbidden, api.ErrorCodeCrossOrigin, "a page of another site may not do this"}
	}
	return nil
}

// reads refuses a method that does anything but read.
func reads(w http.ResponseWriter, r *http.Request) error {
	return permit(w, r, "this path is for reading: use GET", http.MethodGet, http.MethodHead)
}

// acts refuses a method that does not do anything.
func acts(w http.ResponseWriter, r *http.Request) error {
	return permit(w, r, "this path does something: use POST", http.MethodPost)
}

// permit refuses all methods but some.
func permit(w http.ResponseWriter, r *http.Request, hint string, methods ...string) error {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	w.Header().Set("Connection", "close")
	return &refusal{http.StatusMethodNotAllowed, api.ErrorCodeMethodNotAllowed, hint}
}

// bodiless refuses a request with a body.
func bodiless(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	w.Header().Set("Connection", "close")
	return &refusal{http.StatusBadRequest, api.ErrorCodeBadRequest, "a request has no body here"}
}

// transactionType is the media type of a transaction. A browser does not send it to another origin unasked.
const transactionType = "application/x-protobuf"

// readBody reads a transaction, and a byte more than it may have at most, so that the chain refuses it by its size.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Type") != transactionType {
		w.Header().Set("Connection", "close")
		return nil, &refusal{http.StatusUnsupportedMediaType, api.ErrorCodeBadRequest, "the body has to be " + transactionType}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, transaction.MaxBytes+1))
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, &refusal{http.StatusBadRequest, api.ErrorCodeBadRequest, "the body ended early"}
	}
	if len(body) > transaction.MaxBytes {
		w.Header().Set("Connection", "close")
	}
	return body, nil
}

// write encodes the whole body before the first byte is sent, so that an answer is never cut off by an encoding error. A large
// one is not sent when too many of them wait to be taken, and none that the client says it has.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	made, err := contentFrom(body)
	if err != nil {
		s.logger.Error("rpc answer cannot be encoded", "path", r.URL.Path, "error", err)
		status = http.StatusInternalServerError
		made = contentOf(fmt.Appendf(nil, `{"error":{"code":%q,"message":"the node failed to answer"}}`+"\n", api.ErrorCodeInternal))
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if status == http.StatusOK && reads && unchanged(w, r, &made) {
		return
	}
	leave, err := s.unwritten.put(made.own)
	if err != nil {
		w.Header().Del("ETag")
		s.write(w, r, errUnwritten.status, errUnwritten.view())
		return
	}
	defer leave()
	s.send(w, r, status, "application/json", &made)
}

// send sends an answer, compressed if the client asks for it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, media string, made *content) {
	answer, size := made.plain(), made.size
	if status == http.StatusOK {
		answer, size = s.coded(w, r, made)
	}
	setHeaders(w.Header(), media)
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := s.deliver(w, answer); err != nil {
		s.logger.Debug("rpc client went away", "path", r.URL.Path, "error", err)
	}
}

// setHeaders are those of every answer of the API.
func setHeaders(header http.Header, media string) {
	header.Set("Content-Type", media)
	guard(header)
}

// guard sets the headers that keep an answer out of caches and of other sites' pages.
func guard(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

func (r *refusal) view() api.Error {
	return api.Error{Error: api.Refusal{Code: r.code, Message: r.message}}
}

func internal() api.Error {
	failed := refusal{code: api.ErrorCodeInternal, message: "the node failed to answer"}
	return failed.view()
}

package rpc

import "net/http"

// MetricsPath is where Prometheus finds the node's metrics: beside the API, within the same bounds.
const MetricsPath = "/metrics"

// scrape answers a request for the metrics, and tells whether it was one.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) bool {
	if s.metrics == nil || r.URL.Path != MetricsPath {
		return false
	}
	header := w.Header()
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		header.Set("Connection", "close")
		refused := refusal{http.StatusMethodNotAllowed, codeMethodNotAllowed, "this path is for reading: use GET"}
		s.write(w, r, refused.status, refused.view())
	case r.ContentLength != 0:
		header.Set("Connection", "close")
		refused := refusal{http.StatusBadRequest, codeBadRequest, "a request has no body here"}
		s.write(w, r, refused.status, refused.view())
	default:
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		s.metrics.ServeHTTP(w, r)
	}
	return true
}

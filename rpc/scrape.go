package rpc

import "net/http"

// MetricsPath is where Prometheus finds the node's metrics: beside the API, within the same bounds.
const MetricsPath = "/metrics"

// scrape answers a request for the metrics.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) error {
	if err := reads(w, r); err != nil {
		return err
	}
	if err := bodiless(w, r); err != nil {
		return err
	}
	guard(w.Header())
	s.metrics.ServeHTTP(w, r)
	return nil
}

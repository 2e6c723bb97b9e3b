// Package observability checks what build/observability has for operators against Prometheus itself. Its tests run a
// LocalNet, scrape it with Prometheus' own scraper into Prometheus' own database, and evaluate every alert and every panel
// of the dashboard there. Its module is its own, so that the product does not depend on Prometheus; promtool comes from it.
//
// Build it with the tag remove_all_sd, which leaves out Prometheus' clients of cloud providers.
package observability

// Package observability tests the files for operators in build/observability against Prometheus itself. Its tests run a
// LocalNet, scrape it with Prometheus' own scraper into Prometheus' own database, and evaluate every alert and every
// panel of the dashboard there. It is a separate module, so that the program does not depend on Prometheus; promtool
// comes from the same module.
//
// Build it with the tag remove_all_sd, which leaves out Prometheus' clients for cloud providers.
package observability

// Package browser tests the dashboard as people use it: in a real Chromium, against a running LocalNet. Its tests are
// skipped if no Chromium is found (POCKET_CHROMIUM, or chromium, google-chrome or chrome on PATH).
//
// browser_test.go has the browser, network_test.go the network with a servicer that can be cut off, dashboard_test.go
// the expectations on the page. list_test.go runs a fisherman of endpoints and visits its page, history_test.go one whose store
// was filled with 30 days. screenshots_test.go takes the pictures of the documents.
package browser

// Package browser tests the dashboard as people use it: in a real Chromium, against a LocalNet that runs. Its tests are
// skipped where no Chromium is found (POCKET_CHROMIUM, or chromium, google-chrome or chrome on PATH).
//
// browser_test.go has the browser, network_test.go the network with a servicer that can be cut off, dashboard_test.go what
// is expected of the page, and screenshots_test.go makes the pictures of the README.
package browser

// Package web is the dashboard: a page, its style and its modules, embedded in the program and served as they are. Its
// central function is Pages.
//
// The page reads the node's HTTP API (package rpc) of its own origin and nothing else: index.html loads app.js, which
// draws what api.js fetches and hears. There is no build step, and nothing comes from another site. What strangers wrote
// (service URLs, details, answers) reaches the page as text only.
package web

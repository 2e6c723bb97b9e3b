package judge

import (
	"net/netip"
	"net/url"
	"strings"
)

// origin returns what a vote is counted by: scheme, host and port of a service URL, each in one spelling.
func origin(serviceURL string) string {
	parsed, err := url.Parse(serviceURL)
	if err != nil {
		return serviceURL
	}
	host, port := strings.ToLower(strings.TrimSuffix(parsed.Hostname(), ".")), parsed.Port()
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.Unmap().String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	return parsed.Scheme + "://" + host + ":" + port
}

// Package api holds the JSON types of the node's API: what the server writes, the client reads and the command line
// prints. They are generated from the API's document, rpc/v1/openapi.yaml, by `make generate`; types.gen.go is not edited.
//
// A field that is null where there is nothing is a pointer: Optional makes it. A list is never null, so who makes one of
// these types gives it a list that is not nil.
//
// The package is a leaf: it imports nothing of this module, so that all packages can share its types (docs/adr/0043).
package api

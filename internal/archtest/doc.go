// Package archtest tests the architecture. It has no code of its own, only tests that read the module's source.
//
// The central value is table (table_test.go): which folder may import which, and which folders are pure. A folder that
// is not in the table fails, so that adding a package is a decision. Each rule is a function from source to findings;
// the module must have none, and the bad examples under testdata must have exactly those that they declare.
//
// Imports, names and package comments are read by go/parser alone (source_test.go, imports_test.go). Purity needs types
// and is read by go/packages (purity_test.go, determinism_test.go). Documents may name only files that exist
// (docs_test.go).
package archtest

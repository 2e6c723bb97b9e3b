// Command release writes the files that accompany the binaries of a release: a bill of materials for each (CycloneDX
// 1.6), the notices of their modules, and checksums.
//
//	release sbom BINARY             the bill of materials, as JSON
//	release notices BINARY...       licences and notices of all modules in the binaries; run it within the main module
//	release sums DIRECTORY          SHA-256 of every file, in the form of sha256sum
//
// Everything is read from the binaries themselves (debug/buildinfo), so it describes what was built, not what go.mod
// would allow. The same binaries give the same bytes.
package main

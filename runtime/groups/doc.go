// Package groups holds the configuration of a fisherman that samples groups of endpoints and no chain: Config.
//
// Load reads a YAML file, Parse its text. Both are strict: they name every wrong key and value at once, each with its
// line and column, and never show a secret. Watch reads a file again whenever it changes. URLs and values of headers are
// Secrets: whatever prints, logs or encodes a Config shows "[secret]" for them.
package groups

package groups

import _ "embed"

//go:embed example.yaml
var example string

// Example returns the text of a complete configuration with comments. It needs the environment variables A_KEY and
// B_TOKEN.
func Example() string { return example }

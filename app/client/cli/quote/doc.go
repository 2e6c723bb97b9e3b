// Package quote reads an application's session of the live Pocket network, and what it costs, for the commands that need
// it. Source says where and for whom; errors of reading end a command with a line that says what to do.
package quote

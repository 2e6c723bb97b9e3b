// Package logs keeps a log from repeating itself. Its central function is Limit, which returns a slog.Handler that passes on a
// warning or an error once in a while, and counts those that it leaves out.
package logs

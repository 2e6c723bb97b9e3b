// Package collector has the command 'pocket collector', which reads what several fishermen publish, and 'pocket collector
// config', which checks its file. New makes them.
package collector

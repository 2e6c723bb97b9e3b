// Package alerts tells people about verdicts without Prometheus: Alerter.
//
// Every few seconds it takes a machine.Snapshot of its Source, asks the machine which messages are due, stores what is not
// delivered yet beside what the machine remembers, and hands each message to the queues of its receivers. Each receiver has
// a goroutine of its own, which sends one message at a time and sends it again for an hour: one that fails or hangs delays
// neither sampling nor other receivers. A restart tells nothing twice and loses nothing, except that a message whose
// delivery was not stored before a crash is sent again, with the same id.
package alerts

// Package relay has the command 'pocket relay': it seals a request in an application's name, sends it to one servicer, and
// shows the answer only after it is verified. New makes it.
package relay

// Package observer follows what the fisherman of a node measures, by asking the node's API again and again. Observer is
// its central type: each look makes an Observation, which is handed to the code that shows it. A node that does not answer is
// asked again, less and less often; a chain that stands still is told from a slow one.
package observer

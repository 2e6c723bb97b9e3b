// Package entrance stands in front of the listener that CometBFT makes for its peers. CometBFT counts a connection that
// never speaks like a peer, so that a few hundred of them keep all peers out. Here a connection has to prove that it is a
// peer's, soon, and makes room for a newer one until it has.
//
// The way of a connection: Entrance accepts it → it sends the first message of CometBFT's handshake → its bytes are passed
// to and from CometBFT's listener, on loopback → CometBFT knows the peer's ID, and Proved is called. The ID is the proof:
// the handshake shows that the other side has its key.
package entrance

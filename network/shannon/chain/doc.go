// Package chain is a client of full nodes of the live Pocket network: their CometBFT RPC, over plain HTTP and WebSocket.
//
// The central type is Client. Run follows the heads of all of its endpoints at once and publishes those that can be
// believed (belief.go): heights rise only, and no single endpoint of several can move them by more than a few blocks. Query
// reads the state of the chain by ABCI query, from the first endpoint that is synced. Whatever an endpoint sends is bounded,
// and endpoints are named by their place in the configuration, since their URLs may hold keys.
package chain

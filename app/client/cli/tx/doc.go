// Package tx has the commands 'pocket tx', each of which signs one transaction and hands it to a node. New makes them;
// sendTx is what each of them does.
package tx

// Package localnet has the commands 'pocket localnet', which runs a whole network on this machine beside a watch over its
// samples, and 'pocket localnet home', which writes the homes of a network whose nodes run apart. New makes them.
package localnet

// Package fisherman has the commands 'pocket fisherman': qos reports what the fisherman of a node measured, watch follows
// it, check asks a servicer now, evidence shows disagreements, verify checks evidence without a node, and config checks the
// file of a fisherman that samples endpoints. New makes them.
package fisherman

// Package fisherman has the commands 'pocket fisherman': qos reports what the fisherman of a node measured, watch follows
// it, check asks a servicer now, evidence shows disagreements, and verify checks evidence without a node. New makes them.
package fisherman

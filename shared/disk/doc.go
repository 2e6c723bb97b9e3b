// Package disk knows what file systems, operating systems and storage platforms do to a program.
//
// Owns reports whether a name in a directory is one that they put there: a directory that has to be empty, or to hold the
// files of one program only, may hold these. Full, Free and Probe say whether a disk takes writes.
package disk

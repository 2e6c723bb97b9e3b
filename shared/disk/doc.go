// Package disk knows the names that file systems, operating systems and storage platforms put into directories: Owns
// reports whether a name is one of them. A directory that has to be empty, or to hold the files of one program only, may
// hold these.
package disk

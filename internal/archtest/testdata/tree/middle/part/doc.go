// Package main is a command that calls itself a package.
package main

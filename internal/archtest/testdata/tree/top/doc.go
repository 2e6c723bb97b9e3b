// Package top imports past the row below it.
package top

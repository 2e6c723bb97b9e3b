// Package packed joins pieces of text that were compressed before to one gzip stream, without compressing them again. Its central
// type is Piece.
//
// Flow: Pack compresses a piece once. Join makes of pieces, some of which are not compressed yet, the parts of a stream
// (RFC 1952) that any decoder reads as the pieces one after the other: each piece is whole blocks of DEFLATE that refer to nothing
// before them, and the checksum of all is made of those of the pieces.
package packed

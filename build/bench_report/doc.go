// Command bench_report runs the project's benchmarks in their short form and prints what they measured against the bars that the project
// sets itself. Its central type is Row. It ends with 0 unless a benchmark failed: whether a bar is met is for the reader, since
// a machine that does other work meets few.
//
// With -growth it measures how cost grows with servicers and with sessions instead, and draws that.
package main

// Package secret reads secrets that a configuration gives or refers to: URLs and values of header fields. Its central type is
// Secret, text that nothing shows.
//
// Flow: Expand replaces references to the environment, ReadFile reads the file of a secret; ParseURL, HeaderName and HeaderValue
// say what is wrong with what was read, without repeating it. Written is a secret as a JSON configuration has it.
package secret

// This package does not say its name.
package middle

// Package terminal draws what a person sees: tables and reports of samples, the live screen of a watch, the progress of
// a LocalNet, and prompts. It knows no command. ReportText lays out a report, Screen is the live view, and NewProgress
// makes the progress that fits an output.
//
// What strangers chose (service URLs, reasons, answers) is made printable by package text before it is drawn.
package terminal

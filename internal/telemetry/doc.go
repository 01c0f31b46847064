// Package telemetry is how the program speaks of itself: its log, its metrics and
// its health. It promises that what registers published can not disturb whoever
// reads the log, and that no metric has a label of unbounded values. It measures
// nothing by itself and knows nothing of the rest of regwatch.
package telemetry

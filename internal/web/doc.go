// Package web is what regwatch answers over HTTP: for now health and metrics.
// It promises to be reachable from this machine only unless the operator said
// otherwise, to answer GET and HEAD only, and to bound what a client may send. It
// has no authentication and therefore shows nothing of what registers hold.
package web

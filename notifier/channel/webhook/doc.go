// Package webhook posts events to a URL, signed after Standard Webhooks 1.0.
//
// It promises that the body is the exact CloudEvent, that its webhook-id is the
// event's id at every attempt, that no redirect is followed, that at most 64 KiB
// of an answer are read, and that neither a secret nor the URL's path ever stands
// in an error. Whoever receives may call [Verify].
package webhook

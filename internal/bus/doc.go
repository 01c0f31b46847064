// Package bus is the wire: NATS JetStream, inside the process or somewhere
// else. The store is the truth; what is on a stream was in the store first.
//
//	schedules ──PublishDue──▶ REGWATCH_DUE ──ConsumeDue──▶ a run
//	store ──Outbox──▶ Relay ──▶ REGWATCH_CHANGES, REGWATCH_OPS ──Consume──▶ notifier
//	                                        └──▶ anybody's own JetStream consumer
//
// It promises:
//
//   - A due message that was acknowledged to its publisher is handed to a
//     handler until one returned nil, or until it is a day old; it may be
//     handed out more than once, never twice at once in one process for one
//     register.
//   - Events reach their stream at least once and per register in the order of
//     the outbox. Every event carries its id as Nats-Msg-Id; a message that
//     comes twice carries the same id, and does so only when a process was
//     killed, or a stream had discarded its last message, between two writes.
//   - Two relays never interleave, even when one of them sleeps through the
//     end of its lease: each publish, and each batch as a whole, names the
//     stream position it builds upon.
//   - An event that the embedded server acknowledged is on the disk.
//   - Close leaves no goroutine and no open file behind.
//
// It does not promise that a stream keeps a message for ever (the oldest are
// discarded, see [Limits]), that an event larger than the server's payload
// limit is on the wire at all (it is logged, and delivered from the store), or
// that JetStream on a server of somebody else's syncs before it acknowledges.
//
// Only this package imports NATS.
package bus

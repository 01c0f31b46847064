// Package notifier tells people and programs about changes: it routes every
// event by the subscriptions, writes the deliveries into the ledger, and sends
// them until their receivers have them.
//
//	stream ──handle──▶ route ──one transaction──▶ ledger ──sender per channel──▶ channel
//	ledger ──unrouted after 5 s──▶ route
//
// It promises that an event, once committed, is delivered at least once to
// every channel that a subscription names for it, or is visibly dead after
// about three days of attempts, whatever crashes: deliveries are rows before
// they are messages, and the stream is only a wake-up call. A message comes
// twice only if the process was killed, or an answer was lost, between sending
// and recording; it then carries the same id. It promises that a channel that
// fails, hangs or is gone holds up no other, and that a failed delivery holds
// up no later one of the same channel, unless the receiver asked for a pause.
//
// It does not promise order across retries, nor on channels that are [Parallel]:
// consumers have the sequence. It does not know what a channel is: those live in notifier/channel/<name>, behind
// the interface [Channel].
package notifier

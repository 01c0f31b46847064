package bus

import (
	"fmt"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// Names on the wire. Consumers outside rely on them: they never change.
const (
	StreamDue     = "REGWATCH_DUE"     // work queue: runs to do
	StreamChanges = "REGWATCH_CHANGES" // every announced change
	StreamOps     = "REGWATCH_OPS"     // what the operator is told
	streamCanary  = "REGWATCH_CANARY"  // one message, written to see whether writing works

	subjectDue     = "regwatch.v1.due."
	subjectChanges = "regwatch.v1.change."
	subjectOps     = "regwatch.v1.ops."
	subjectCanary  = "regwatch.v1.canary"
)

// HeaderSequence carries a change's sequence, in decimal. The event's id is in
// Nats-Msg-Id.
const HeaderSequence = "Regwatch-Sequence"

// streamOf names the stream on which an event goes out.
func streamOf(out register.Outgoing) string {
	if out.Change != nil {
		return StreamChanges
	}
	return StreamOps
}

// subjectOf names the subject of an event.
func subjectOf(out register.Outgoing) (string, error) {
	var prefix, last string
	switch {
	case out.Change != nil:
		prefix, last = subjectChanges, string(out.Change.Kind)
	case out.Signal != nil:
		prefix, last = subjectOps, string(out.Signal.State)
	default:
		return "", fmt.Errorf("event %s holds neither a change nor a signal", out.ID)
	}
	for _, token := range []string{out.Register, last} {
		if err := checkToken(token); err != nil {
			return "", fmt.Errorf("event %s: %w", out.ID, err)
		}
	}
	return prefix + out.Register + "." + last, nil
}

// registerSubjects matches all events of a register on its stream.
func registerSubjects(stream, registerID string) string {
	if stream == StreamChanges {
		return subjectChanges + registerID + ".*"
	}
	return subjectOps + registerID + ".*"
}

// checkToken accepts what can stand between two dots of a subject.
func checkToken(token string) error {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' || r == '*' || r == '>' }) {
		return fmt.Errorf("%q can not be part of a subject: want letters, digits, '-' and '_'", token)
	}
	return nil
}

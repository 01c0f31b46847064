package register

import "errors"

// Classes of failures: what came instead of a register, in one word. They stay
// the same while the reason's wording may change, so that a story of failures is
// told once.
const (
	ClassUnreachable    = "unreachable"     // no connection, no name, timed out before an answer
	ClassBlockedAddress = "blocked_address" // the guarded dialer refused
	ClassBlockedRobots  = "robots"          // robots.txt asks not to fetch this
	ClassStatus         = "status"          // an HTTP error
	ClassTooLarge       = "too_large"       // over fetch.max_bytes
	ClassTooSlow        = "too_slow"        // over fetch.timeout
	ClassCut            = "cut"             // ended before its end
	ClassWrongThing     = "wrong_thing"     // something else in place of the register: another kind of file, say
	ClassWebPage        = "web_page"        // a web page in place of a file
	ClassLogin          = "login"           // a login page in place of the register
	ClassCaptcha        = "captcha"         // a question whether we are human
	ClassMaintenance    = "maintenance"     // a page that asks to come back later
	ClassRejected       = "rejected"        // "request rejected", by a firewall or the server
	ClassErrorPage      = "error_page"      // an error told with status 200, as a page or in JSON
	ClassLanguage       = "other_language"  // the page in a language that it did not have before
	ClassEmpty          = "empty"           // nothing, or no entries
	ClassUndecodable    = "undecodable"     // not in the encoding it should have
	ClassShape          = "schema_changed"  // a declared column is missing
	ClassUnreadable     = "unreadable"      // the format's own syntax is broken
	ClassCount          = "count"           // outside expect.entries
	ClassDrift          = "drift"           // the pages moved while they were read
	ClassInternal       = "internal"        // ours: disk, store, defect
)

// Failure is why a fetch or its reading could not go on: what, where, and what
// to do now.
type Failure struct {
	Class string
	Where string // URL, or file:line
	Hint  string // may be empty
	Err   error
}

// Error gives the message and where it happened.
func (f *Failure) Error() string {
	if f.Where == "" {
		return f.Err.Error()
	}
	return f.Where + ": " + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// ClassOf gives the class of the failure in err's chain; [ClassInternal] where
// there is none.
func ClassOf(err error) string {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Class
	}
	return ClassInternal
}

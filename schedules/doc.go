// Package schedules knows which registers there are and when they are due.
//
// It promises two things.
//
// [Load] reads definition files and believes none of them half: a file is
// checked against one JSON Schema ([Schema], the same that an editor uses),
// against the rules that a schema can not say, and by the checks that other
// packages hand in for their own parts. Every error of every file comes at
// once, with file, line, column and what to do. What the format knows and this
// release has not built is refused by its name, never ignored.
//
// [Scheduler] publishes one due message for every tick of every enabled
// definition. A tick is a UTC instant that follows from the definition alone,
// so that several schedulers give the same ticks and the same message ids. What
// was due while nothing ran is caught up once.
//
// It does not promise that a run happens: whoever takes the due messages does.
// It opens no network connection and reads no file but those it is told to.
package schedules

// Package register is the vocabulary of regwatch: the plain values that every
// other package speaks of, and the few pure rules that give them identity. It
// does no I/O, reads no clock and imports nothing of ours.
//
// # Glossary
//
// One word for one thing, in code, logs, API and documents.
//
//   - authority: the public body that keeps a register.
//   - register: a public list kept by an authority.
//   - definition: the YAML file that says where a register is, how to read it
//     and when ([Definition]).
//   - row: what a page holds before it became an entry (owned by scraper/format).
//   - entry: one listed thing, found again by its key ([Entry]).
//   - key: the few published values that identify an entry ([Key]).
//   - fetch: one download of the pages of a register; the exact bytes stay in
//     the archive, and a [Page] describes each of them.
//   - snapshot: all entries of a register as one fetch showed them ([Snapshot]).
//   - head: the entries of a register that are believed now ([Head]).
//   - change: one accepted difference ([Change]): added, removed, changed,
//     relisted or rekeyed.
//   - run: one attempt for one register, always recorded with its outcome
//     ([Run]): baseline, unchanged, changed, held or failed.
//   - tick: the instant at which a run was due.
//   - proof: what a fetch showed of its own wholeness ([Proof]).
//   - held: differences that are not believed yet; shown to the operator, told
//     to nobody else.
//   - memory: what earlier runs left for the judgement of later ones ([Memory]).
//   - signal: something the operator should know ([Signal]).
//   - subscription: who wants to hear of which changes, over which channel
//     ([Subscription]).
//   - delivery: one change or signal on its way to one channel of one
//     subscription, with its attempts ([Delivery]).
package register

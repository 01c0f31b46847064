// Package scraper fetches the pages of a register, turns them into a snapshot,
// and proves whether the fetch was whole (gate 1).
//
// [Scraper.Fetch] promises that the exact bytes of every page are durable in the
// archive, with their request and response, before it returns; that nothing is
// ever cut silently (a body over the limit is an error, one that ended early
// says so); that it is polite: one limiter per host for all runs, robots.txt by
// RFC 9309, Retry-After, conditional requests, an honest User-Agent; that every
// step has a time limit; and that no definition, redirect or name server leads
// it to an address that is not public, unless the definition says allow_private.
//
//	urls ─▶ paging ─▶ colly ─▶ transport: URL check ─▶ robots ─▶ limiter ─▶ guarded dialer
//	         ▲          │                                                        │
//	         └── next ──┘                    archive ◀─ hash ◀─ cap ◀─ gunzip ◀──┘
//
// colly lives in fetch.go alone and sees bodies only where links are followed:
// it would cut, re-encode and buffer them.
//
// The package keeps no state about a register between fetches (that is the
// register's memory), and does not judge whether a difference is believable.
package scraper

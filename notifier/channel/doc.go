// Package channel lists the ways to tell somebody, by the type that the
// configuration gives them. A new one is a folder beside this file and one line
// in the table below; docs/adding-a-channel.md explains it.
//
// It promises that what [Check] finds nothing wrong with can be made by [New],
// save for secrets that are not there.
package channel

//go:build !linux

package scraper

func onHugePages[T olderRow | newerRow](rows []T) []T { return rows }

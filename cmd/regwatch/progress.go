package main

import (
	"fmt"
	"time"
)

// working shows on a terminal that something takes its time, until the function
// that it returns is called.
func (p *program) working(what string) (done func()) {
	if !isTerminal(p.log) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for began := time.Now(); ; {
			select {
			case <-stop:
				fmt.Fprint(p.log, clearLine)
				return
			case now := <-ticker.C:
				fmt.Fprintf(p.log, "%s%s … %s", clearLine, visible(what), now.Sub(began).Round(time.Second))
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// progress shows on a terminal how far something is; nothing clears it.
func (p *program) progress(what string, done, total int) {
	if isTerminal(p.log) {
		fmt.Fprintf(p.log, "%s%s %d of %d", clearLine, visible(what), done, total)
	}
}

func (p *program) endProgress() {
	if isTerminal(p.log) {
		fmt.Fprint(p.log, clearLine)
	}
}

const clearLine = "\r\x1b[K"

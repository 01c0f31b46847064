package app

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockFile is held, in the data directory, by the processes that run the
// service: by one alone whose broker is inside, or shared by several that meet at
// a broker of their own.
const lockFile = "service.lock"

// lock keeps a second service off the data directory. The broker's files are for
// one process only; with nats.url there are none, and the roles may be spread over
// several processes, each role in one of them: two relays of one directory would
// take each other's lease.
func (s *service) lock() (unlock func(), err error) {
	var held []*flock.Flock
	unlock = func() {
		for _, lock := range held {
			_ = lock.Unlock() // it ends with the process in any case
		}
	}
	take := func(name string, try func(*flock.Flock) (bool, error), refusal string) error {
		lock := flock.New(filepath.Join(s.Config.Data, name))
		ok, err := try(lock)
		if err != nil {
			return fmt.Errorf("lock data directory: %w", err)
		}
		if !ok {
			return fmt.Errorf("%s on the data directory %s: stop it first, or choose another with --data", refusal, s.Config.Data)
		}
		held = append(held, lock)
		return nil
	}
	if s.Config.NATS.URL == "" {
		err = take(lockFile, (*flock.Flock).TryLock, "another regwatch runs")
		if err != nil && len(s.roles) < len(Roles) {
			err = fmt.Errorf("%w; roles in several processes need a NATS server of their own, nats.url", err)
		}
	} else {
		err = take(lockFile, (*flock.Flock).TryRLock, "another regwatch, with its broker inside, runs")
		for _, role := range s.roles {
			if err == nil {
				err = take("service-"+role+".lock", (*flock.Flock).TryLock, "another regwatch has the role "+role)
			}
		}
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

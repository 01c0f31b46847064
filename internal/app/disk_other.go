//go:build !linux && !darwin && !freebsd

package app

import (
	"errors"
	"fmt"
)

// freeBytes is how much room there is for us in the file system of a directory.
func freeBytes(dir string) (int64, error) {
	return 0, fmt.Errorf("ask for free space of %s: %w", dir, errors.ErrUnsupported)
}

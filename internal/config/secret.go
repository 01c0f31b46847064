package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret refers to a secret: env:NAME or file:PATH. It is safe to show.
type Secret string

// maxSecretBytes bounds a secret's file.
const maxSecretBytes = 64 << 10

// wrong says why the reference is none, without repeating it: it may be the
// secret itself.
func (s Secret) wrong() (message, hint string) {
	scheme, rest, found := strings.Cut(string(s), ":")
	switch {
	case !found || scheme != "env" && scheme != "file":
		return "a secret is not written into the configuration", "write env:NAME or file:PATH, and put it there"
	case rest == "":
		return "refers to nothing", "write env:NAME or file:PATH"
	}
	return "", ""
}

// Reveal gives a function that reads what a reference refers to. Relative paths
// start at the configuration file's directory. One line end is cut off the end
// of a file. Errors name the reference, never a secret.
func (c Config) Reveal(env func(string) (string, bool)) func(reference string) (string, error) {
	return func(reference string) (string, error) {
		if message, hint := Secret(reference).wrong(); message != "" {
			return "", fmt.Errorf("%s (%s)", message, hint)
		}
		if name, ok := strings.CutPrefix(reference, "env:"); ok {
			value, set := env(name)
			if !set || value == "" {
				return "", fmt.Errorf("read secret %s: the environment variable is not set", reference)
			}
			return value, nil
		}
		return readSecret(c.beside(strings.TrimPrefix(reference, "file:")))
	}
}

// CredentialsPath is the path of the credentials file for nats.url; empty if
// there is none.
func (c Config) CredentialsPath() string {
	path, ok := strings.CutPrefix(string(c.NATS.Credentials), "file:")
	if !ok {
		return ""
	}
	return c.beside(path)
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretBytes {
		return "", fmt.Errorf("read secret %s: not a regular file of at most %d bytes", path, maxSecretBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("read secret %s: %w", path, errors.New("the file is empty"))
	}
	return value, nil
}

// beside takes a relative path as starting at the configuration file.
func (c Config) beside(path string) string {
	if c.file == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

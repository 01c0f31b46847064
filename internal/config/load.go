package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// FileName is looked for in the data directory.
const FileName = "regwatch.yaml"

// maxFileBytes bounds the configuration file.
const maxFileBytes = 1 << 20

// Load reads the file at path, then the environment, which wins. An empty path
// means REGWATCH_CONFIG, else the data directory's regwatch.yaml, which need not
// exist. Checks are asked about the Config as a whole; their paths are found in
// the file ("channels.ops.url", "subscriptions[0].when"). The error is [Errors],
// with the Config as far as it is right, unless the file could not be read.
func Load(path string, env func(string) (string, bool), checks ...func(Config) []register.FieldError) (Config, error) {
	c := Default()
	c.Data = DefaultData(env)
	r := reader{positions: map[string]position{}}
	text, file, err := readFile(path, env)
	if err != nil {
		return Config{}, err
	}
	if file != "" {
		c.file = file
		r.source = file
		r.file(text, &c)
	}
	r.resolve(&c, c.beside)
	r.environment(env, &c)
	r.check(c.wrong(r.failed("channels")))
	for _, check := range checks {
		r.check(check(c))
	}
	if len(r.errors) > 0 {
		r.errors.sort()
		return c, r.errors
	}
	return c, nil
}

// readFile gives the configuration file and its name; no name if there is none.
func readFile(path string, env func(string) (string, bool)) (text []byte, file string, err error) {
	explicit := path != ""
	if !explicit {
		path, explicit = env("REGWATCH_CONFIG")
		explicit = explicit && path != ""
	}
	if !explicit {
		data, _ := env("REGWATCH_DATA")
		if data == "" {
			data = DefaultData(env)
		}
		path = filepath.Join(data, FileName)
	}
	text, err = os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !explicit:
		return nil, "", nil
	case err != nil:
		return nil, "", fmt.Errorf("read configuration: %w", err)
	case len(text) > maxFileBytes:
		return nil, "", fmt.Errorf("read configuration: %s is larger than %d bytes", path, maxFileBytes)
	}
	return text, path, nil
}

// resolve turns the file's relative paths into ones that can be opened.
func (r *reader) resolve(c *Config, beside func(string) string) {
	if _, set := r.positions["data"]; set {
		c.Data = beside(c.Data)
	}
	for i, name := range c.Registers {
		if IsFile(name) {
			c.Registers[i] = beside(name)
		}
	}
}

// IsFile reports whether an element of `registers` is the path of a definition
// file and not an id.
func IsFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

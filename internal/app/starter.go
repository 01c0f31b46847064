package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regwatch/regwatch/internal/config"
)

// Init writes a commented configuration to begin with: to the file that the
// options name, else to regwatch.yaml of the data directory, which it makes if
// need be. It never writes over a file, and returns the path.
func Init(options Options) (path string, err error) {
	if path = configFile(options); path == "" {
		path = filepath.Join(dataDir(options), config.FileName)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the configuration: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s is there already, and is left as it is: edit it, or name another file with --config", path)
	}
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	_, err = file.Write(config.Starter())
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("write configuration: %w", errors.Join(err, os.Remove(path)))
	}
	return path, nil
}

func dataDir(options Options) string {
	env := lookupEnv(options)
	if data, _ := env("REGWATCH_DATA"); data != "" {
		return data
	}
	return config.DefaultData(env)
}

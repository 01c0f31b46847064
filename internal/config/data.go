package config

import (
	"path/filepath"
	"runtime"
)

// DefaultData is the platform's data directory for regwatch: under
// XDG_DATA_HOME or ~/.local/share (XDG Base Directory), ~/Library/Application
// Support on macOS, LocalAppData on Windows; /var/lib/regwatch where there is
// no home, as for a system service.
func DefaultData(env func(string) (string, bool)) string {
	get := func(name string) string { value, _ := env(name); return value }
	if xdg := get("XDG_DATA_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "regwatch")
	}
	home := get("HOME")
	switch {
	case runtime.GOOS == "windows" && get("LocalAppData") != "":
		return filepath.Join(get("LocalAppData"), "regwatch")
	case home == "" || home == "/":
		return filepath.FromSlash("/var/lib/regwatch")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "regwatch")
	}
	return filepath.Join(home, ".local", "share", "regwatch")
}

package config

import _ "embed" // the starter file is text

//go:embed starter.yaml
var starter []byte

// Starter is a commented regwatch.yaml to begin with. It loads without error
// and watches one register of the catalogue, announcing on the terminal.
func Starter() []byte { return append([]byte(nil), starter...) }

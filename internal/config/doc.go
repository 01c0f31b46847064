// Package config reads regwatch.yaml and the environment into a [Config].
//
// It promises that every error is reported at once, each with file, line and
// column or the name of the environment variable, and that an unknown field is
// an error which names the nearest known one. It promises that no secret is
// ever in a Config, nor in an error: a Config holds references (env:NAME,
// file:PATH), and [Config.Reveal] reads what they refer to.
//
// It does not know what the settings of a channel mean, or whether an
// expression is right: those who do are handed to [Load] as checks.
package config

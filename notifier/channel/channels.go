package channel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel/email"
	"github.com/regwatch/regwatch/notifier/channel/terminal"
	"github.com/regwatch/regwatch/notifier/channel/webhook"
	"github.com/regwatch/regwatch/register"
)

// kind is what a channel's package provides. Check reads the settings and leaves
// what is wrong in them; New may count on their being right.
type kind struct {
	check func(*notifier.Settings)
	new   func(*notifier.Settings, notifier.Tools) (notifier.Channel, error)
}

// kinds are all channels, by type.
func kinds() map[string]kind {
	return map[string]kind{
		"email":    {email.Check, email.New},
		"terminal": {terminal.Check, terminal.New},
		"webhook":  {webhook.Check, webhook.New},
	}
}

// Types lists the types of channels.
func Types() []string { return slices.Sorted(maps.Keys(kinds())) }

// Check gives everything wrong with a configured channel. It reads no secret.
func Check(c register.Channel) []register.FieldError {
	k, ok := kinds()[c.Type]
	if !ok {
		hint := "write one of " + strings.Join(Types(), ", ")
		if near := register.Nearest(c.Type, Types()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return []register.FieldError{{Path: "channels." + c.Name + ".type", Message: fmt.Sprintf("unknown type of channel %q", c.Type), Hint: hint}}
	}
	settings := notifier.NewSettings(c)
	k.check(settings)
	return settings.Wrong()
}

// New makes the channel that c describes, reading its secrets.
func New(c register.Channel, tools notifier.Tools) (notifier.Channel, error) {
	if wrong := Check(c); len(wrong) > 0 {
		return nil, fmt.Errorf("make channel %s: %w", c.Name, wrong[0])
	}
	made, err := kinds()[c.Type].new(notifier.NewSettings(c), tools)
	if err != nil {
		return nil, fmt.Errorf("make channel %s: %w", c.Name, err)
	}
	return made, nil
}

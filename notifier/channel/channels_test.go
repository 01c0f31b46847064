package channel_test

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel"
	"github.com/regwatch/regwatch/notifier/channel/email"
	"github.com/regwatch/regwatch/notifier/channel/terminal"
	"github.com/regwatch/regwatch/notifier/channel/webhook"
	"github.com/regwatch/regwatch/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUnknownType(t *testing.T) {
	wrong := channel.Check(register.Channel{Name: "ops", Type: "webhok"})
	if len(wrong) != 1 || wrong[0].Error() != `channels.ops.type: unknown type of channel "webhok" (did you mean webhook?)` {
		t.Errorf("%v", wrong)
	}
	if _, err := channel.New(register.Channel{Name: "ops", Type: "pigeon"}, notifier.Tools{}); err == nil || !strings.Contains(err.Error(), "email, terminal, webhook") {
		t.Errorf("%v", err)
	}
}

func TestUnknownSettingNamesTheNearest(t *testing.T) {
	wrong := channel.Check(register.Channel{Name: "s", Type: "terminal", Settings: map[string]any{"color": "never", "x": 1}})
	if len(wrong) != 2 || wrong[0].Hint != "did you mean colour?" || wrong[1].Path != "channels.s.x" {
		t.Errorf("%v", wrong)
	}
}

// TestStarterIsRight checks the starter file's channels and conditions, which
// the configuration itself can not.
func TestStarterIsRight(t *testing.T) {
	path := t.TempDir() + "/regwatch.yaml"
	if err := os.WriteFile(path, config.Starter(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path, func(string) (string, bool) { return "", false }, func(c config.Config) []register.FieldError {
		_, wrong := notifier.NewRouter(c.Subscriptions, c.Operators)
		for _, one := range c.Channels {
			wrong = append(wrong, channel.Check(one)...)
		}
		return wrong
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDocumented compares docs/configuration.md with the settings that the
// channels read.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string]func(*notifier.Settings){"terminal": terminal.Check, "webhook": webhook.Check, "email": email.Check}
	if len(checks) != len(channel.Types()) {
		t.Errorf("this test does not know all of %v", channel.Types())
	}
	for name, check := range checks {
		_, section, found := strings.Cut(string(text), "\n### "+name+"\n")
		if !found {
			t.Errorf("no section about %s", name)
		}
		section, _, _ = strings.Cut(section, "\n##")
		settings := notifier.NewSettings(register.Channel{})
		check(settings)
		for _, setting := range settings.Names() {
			if !strings.Contains(section, "\n| `"+setting+"` |") {
				t.Errorf("%s: the setting %s is not described", name, setting)
			}
		}
		if rows := strings.Count(section, "\n| `"); rows != len(settings.Names()) {
			t.Errorf("%s: %d settings are described, %d are read", name, rows, len(settings.Names()))
		}
	}
}

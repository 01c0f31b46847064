package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/regwatch/regwatch/internal/config"
)

const (
	testToken = "t0123456789abcdef"
	configAt  = "/etc/regwatch/regwatch.yaml"
	dataAt    = "/var/lib/regwatch"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadCompose(t *testing.T, environment types.Mapping) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root(t),
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(root(t), "docker-compose.yml")}},
		Environment: environment,
	})
}

func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loadCompose(t, types.Mapping{"NATS_TOKEN": testToken})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func service(t *testing.T, name string) types.ServiceConfig {
	t.Helper()
	s, err := compose(t).GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestComposeWantsAToken(t *testing.T) {
	if _, err := loadCompose(t, nil); err == nil || !strings.Contains(err.Error(), "set NATS_TOKEN") {
		t.Errorf("error %v, want one that says to set NATS_TOKEN", err)
	}
}

func TestServicesAreGuarded(t *testing.T) {
	project := compose(t)
	if names := project.ServiceNames(); !slices.Equal(names, []string{"nats", "regwatch"}) {
		t.Fatalf("services %v", names)
	}
	for name, s := range project.Services {
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || len(s.CapAdd) > 0 || s.Privileged ||
			!slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: not read-only, or with privileges", name)
		}
		if s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
		if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Test[0] != "CMD" {
			t.Errorf("%s: no health check", name)
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q", name, port.Published, port.HostIP)
			}
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
					t.Errorf("%s: %s mounted read-only %v: %v", name, v.Source, v.ReadOnly, err)
				}
			case types.VolumeTypeVolume:
				if _, declared := project.Volumes[v.Source]; !declared {
					t.Errorf("%s: volume %s is not declared", name, v.Source)
				}
			}
		}
	}
}

func mounted(s types.ServiceConfig, target, kind string) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == target && v.Type == kind })
}

func published(s types.ServiceConfig, port uint32) bool {
	return slices.ContainsFunc(s.Ports, func(p types.ServicePortConfig) bool { return p.Target == port })
}

func TestRegwatchService(t *testing.T) {
	s := service(t, "regwatch")
	if !slices.Equal(s.Command, []string{"--config", configAt, "run"}) {
		t.Errorf("command %v", s.Command)
	}
	if !slices.Equal(s.HealthCheck.Test[1:], []string{"/regwatch", "--config", configAt, "healthcheck"}) {
		t.Errorf("health check %v", s.HealthCheck.Test)
	}
	if data := s.Environment["REGWATCH_DATA"]; data == nil || *data != dataAt || !mounted(s, dataAt, types.VolumeTypeVolume) {
		t.Errorf("data is in %v, volumes %v", data, s.Volumes)
	}
	if !mounted(s, filepath.Dir(configAt), types.VolumeTypeBind) {
		t.Errorf("no place for definitions and configuration: %v", s.Volumes)
	}
	if s.Build == nil || s.DependsOn["nats"].Condition != types.ServiceConditionHealthy {
		t.Errorf("build %v, depends on %v", s.Build, s.DependsOn)
	}
}

// The configuration is read as the program in the container reads it.
func TestConfiguration(t *testing.T) {
	s, broker := service(t, "regwatch"), service(t, "nats")
	env := func(name string) (string, bool) {
		value := s.Environment[name]
		if value == nil {
			return "", false
		}
		return *value, true
	}
	cfg, err := config.Load(filepath.Join(root(t), "deploy", filepath.Base(configAt)), env)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Data != dataAt {
		t.Errorf("data in %s, want %s", cfg.Data, dataAt)
	}
	if cfg.NATS.URL != "nats://nats:4222" || cfg.NATS.Token != "env:NATS_TOKEN" || !published(broker, 4222) {
		t.Errorf("nats %+v, its ports %v", cfg.NATS, broker.Ports)
	}
	if token, err := cfg.Reveal(env)(string(cfg.NATS.Token)); err != nil || token != testToken {
		t.Errorf("token %q, %v", token, err)
	}
	if cfg.HTTP.Listen != "0.0.0.0:8080" || !cfg.HTTP.Insecure || !published(s, 8080) {
		t.Errorf("http %+v, ports %v", cfg.HTTP, s.Ports)
	}
	if len(cfg.Registers) == 0 || len(cfg.Subscriptions) == 0 || len(cfg.Operators) == 0 {
		t.Errorf("watches %v for %v and %v", cfg.Registers, cfg.Subscriptions, cfg.Operators)
	}
}

package bus

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConsumeHealsWhenItsFilesAreDamaged spoils what the embedded server keeps of
// a consumer, as a disk may: it reads on all the same.
func TestConsumeHealsWhenItsFilesAreDamaged(t *testing.T) {
	dir, outbox := t.TempDir(), newOutbox()
	first := outbox.commitChange("cz-x")
	for _, damage := range []bool{false, true} {
		if damage {
			spoil(t, filepath.Join(dir, "jetstream"), "obs")
		}
		b, got := openBus(t, Options{Dir: dir}), &inbox{}
		stop := consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error { got.add(ids, bodies); return nil })
		stopRelay := runRelay(t, b.NewRelay(outbox, RelayOptions{Logger: testLog(t)}))
		within(t, 20*time.Second, "the event", func() bool { return len(got.list()) == 1 && got.list()[0] == first.ID })
		if err := b.Health(t.Context()); err != nil {
			t.Error(err)
		}
		stop()
		stopRelay()
		closeBus(t, b)
	}
}

// spoil writes nonsense over the files in every folder of that name.
func spoil(t *testing.T, dir, folder string) {
	t.Helper()
	spoiled := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/"+folder+"/") {
			return err
		}
		spoiled++
		return os.WriteFile(path, []byte("this is nothing that anybody wrote"), 0o600)
	})
	if err != nil || spoiled == 0 {
		t.Fatalf("%d files spoiled, %v", spoiled, err)
	}
}

func TestHealthNamesStreamsThatCanNotBeRead(t *testing.T) {
	b := openBus(t, Options{})
	b.unread.set(StreamDue, errors.New("no such consumer"))
	if err := b.Health(t.Context()); err == nil || !strings.Contains(err.Error(), StreamDue+" can not be read: no such consumer") {
		t.Errorf("health: %v", err)
	}
	stop := consume(t, b, func(context.Context, []string, [][]byte) error { return nil })
	defer stop()
	b.unread.set(StreamChanges, errors.New("gone"))
	b.unread.clear(StreamDue)
	if err := b.js.DeleteConsumer(t.Context(), StreamChanges, "notifier"); err != nil && !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "health again, once a new consumer reads", func() bool { return b.Health(t.Context()) == nil })
}

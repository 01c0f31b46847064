package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) (*Archive, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a, dir
}

func put(t testing.TB, a *Archive, content []byte) string {
	t.Helper()
	body, err := a.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Write(content); err != nil {
		t.Fatal(err)
	}
	sum, size, err := body.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if size != int64(len(content)) {
		t.Fatalf("size %d, want %d", size, len(content))
	}
	return sum
}

func get(t testing.TB, a *Archive, sum string) []byte {
	t.Helper()
	r, err := a.Open(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// files lists what lies in the directory, as paths below it.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	a, _ := open(t)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 5000)).Draw(t, "parts")
		body, err := a.Create(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if _, err := body.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		want := bytes.Join(parts, nil)
		sum, size, err := body.Commit()
		if err != nil || sum != hashOf(want) || size != int64(len(want)) {
			t.Fatalf("commit: %s, %d, %v", sum, size, err)
		}
		r, err := a.Open(sum)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(want))
		}
	})
}

func TestEqualBodiesAreStoredOnce(t *testing.T) {
	a, dir := open(t)
	first := put(t, a, []byte("one"))
	if second := put(t, a, []byte("one")); second != first {
		t.Errorf("hashes %s and %s", first, second)
	}
	empty := put(t, a, nil)
	if got := get(t, a, empty); len(got) != 0 {
		t.Errorf("an empty body reads as %q", got)
	}
	want := []string{first[:2] + "/" + first + ".zst", empty[:2] + "/" + empty + ".zst"}
	if got := files(t, dir); len(got) != len(want) {
		t.Errorf("files %v, want %v", got, want)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	a, dir := open(t)
	body, err := a.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Write(make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	body.Abort()
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestFailedWriteCanNotBeCommitted(t *testing.T) {
	a, dir := open(t)
	body, err := a.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body.file.Close() // as a disk that fails
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	_, writeErr := body.Write(noise)
	if _, _, err := body.Commit(); err == nil || writeErr == nil {
		t.Errorf("write: %v, commit: %v", writeErr, err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestCreateAsksContext(t *testing.T) {
	a, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	body, err := a.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := body.Write([]byte("arrived before")); err != nil {
		t.Error(err)
	}
	if _, _, err := body.Commit(); err != nil {
		t.Error(err)
	}
	if _, err := a.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("create after cancel: %v", err)
	}
}

func TestDamageIsAnError(t *testing.T) {
	a, dir := open(t)
	for name, damage := range map[string]func([]byte) []byte{
		"cut":      func(b []byte) []byte { return b[:len(b)/2] },
		"emptied":  func([]byte) []byte { return nil },
		"foreign":  func([]byte) []byte { return []byte("not zstd at all") },
		"flipped":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"appended": func(b []byte) []byte { return append(b, b...) },
	} {
		body := []byte("a body, " + name + ", long enough to be compressed into a block of its own")
		sum := put(t, a, body)
		path := filepath.Join(dir, sum[:2], sum+".zst")
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(stored), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := a.Open(sum)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(r); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: read %q, %v", name, content, err)
		}
		r.Close()
		if again := put(t, a, body); !bytes.Equal(get(t, a, again), body) {
			t.Errorf("%s: the same bytes committed anew are not read", name)
		}
		if _, err := os.Stat(path + ".damaged"); err != nil {
			t.Errorf("%s: the damaged body was not kept: %v", name, err)
		}
	}
}

func TestOddHashes(t *testing.T) {
	a, _ := open(t)
	for _, sum := range []string{"", "..", "../../etc/passwd", hashOf(nil)[:63], "A" + hashOf(nil)[1:], hashOf(nil) + "0"} {
		if _, err := a.Open(sum); !errors.Is(err, ErrBadHash) {
			t.Errorf("open %q: %v", sum, err)
		}
		if err := a.Remove(sum); !errors.Is(err, ErrBadHash) {
			t.Errorf("remove %q: %v", sum, err)
		}
	}
	if _, err := a.Open(hashOf([]byte("absent"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open an absent body: %v", err)
	}
	if err := a.Remove(hashOf([]byte("absent"))); err != nil {
		t.Errorf("remove an absent body: %v", err)
	}
}

func TestOpenRemovesOnlyOldTemporaryFiles(t *testing.T) {
	a, dir := open(t)
	body, err := a.Create(t.Context()) // another process is writing this
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, tmpDir, "crashed.zst")
	if err := os.WriteFile(old, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-staleTemp - time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old file is still there: %v", err)
	}
	if _, err := body.Write([]byte("goes on")); err != nil {
		t.Fatal(err)
	}
	sum, _, err := body.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, second, sum); string(got) != "goes on" {
		t.Errorf("read %q", got)
	}
}

func TestConcurrentCommits(t *testing.T) {
	a, dir := open(t)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			content := bytes.Repeat([]byte{byte(i % 4)}, 100_000)
			if sum := put(t, a, content); !bytes.Equal(get(t, a, sum), content) {
				t.Errorf("body %d differs", i)
			}
		})
	}
	group.Wait()
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("files %v, want 4", got)
	}
}

func TestLargeBodyNeedsLittleMemory(t *testing.T) {
	a, _ := open(t)
	body, err := a.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 1<<20)
	source := rand.NewChaCha8([32]byte{1})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 64 {
		_, _ = source.Read(chunk)
		if _, err := body.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); grown > 24<<20 {
		t.Errorf("heap grew by %d bytes", grown)
	}
	sum, size, err := body.Commit()
	if err != nil || size != 64<<20 {
		t.Fatalf("%d, %v", size, err)
	}
	r, err := a.Open(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != size {
		t.Errorf("read %d, %v", n, err)
	}
}

func BenchmarkSmallBody(b *testing.B) {
	a, _ := open(b)
	content := bytes.Repeat([]byte("a;b;c\n"), 5000)
	for i := 0; b.Loop(); i++ {
		content[0], content[1], content[2] = byte(i), byte(i>>8), byte(i>>16)
		put(b, a, content)
	}
}

func BenchmarkStream(b *testing.B) {
	a, _ := open(b)
	chunk := bytes.Repeat([]byte("2025-12-23;site;example.org;reason 123\n"), 1600)
	b.SetBytes(int64(len(chunk)))
	body, err := a.Create(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer body.Abort()
	for b.Loop() {
		if _, err := body.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

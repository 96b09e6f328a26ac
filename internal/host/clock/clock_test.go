package clock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rouse/internal/host/sys"
)

func TestZone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "localtime")
	if l, key := zone("", file); l != time.UTC || key != "" {
		t.Errorf("without a file: %v, %q", l, key)
	}
	if err := os.WriteFile(file, []byte("no zone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, _ := zone("", file); l != time.UTC {
		t.Errorf("of nonsense: %v", l)
	}
	if l, _ := zone("Nowhere/At_All", file); l != time.UTC {
		t.Errorf("of a name that is none: %v", l)
	}
	data, err := os.ReadFile("/usr/share/zoneinfo/Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	l, key := zone("", file)
	if got := summer.In(l).Hour(); got != 14 || key == "" {
		t.Errorf("Berlin: %d o'clock", got)
	}
	if l, other := zone(":Asia/Tokyo", file); summer.In(l).Hour() != 21 || other == key {
		t.Errorf("Tokyo: %v", l)
	}
}

func TestStamp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "timers", "stamp-x.timer")
	if at, err := ReadStamp(file); at != 0 || err != nil {
		t.Errorf("at first: %d, %v", at, err)
	}
	info, err := os.Stat(file)
	if err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Errorf("it was not made: %v", err)
	}
	const then = 1_500_000_000_000_000
	if err := WriteStamp(file, then); err != nil {
		t.Fatal(err)
	}
	if at, err := ReadStamp(file); at != then || err != nil {
		t.Errorf("%d, %v", at, err)
	}
	if _, err := ReadStamp(filepath.Join(file, "x")); err == nil {
		t.Error("a file is taken for a directory")
	}
	if err := WriteStamp(filepath.Join(file, "x"), then); err == nil {
		t.Error("a file is taken for a directory")
	}
}

// TestWatch: nothing happens, and it ends. Nobody sets the clock for a test.
func TestWatch(t *testing.T) {
	w, err := Watch(func() {})
	if errors.Is(err, sys.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Wake(0, nil); err != nil {
		t.Errorf("no alarm: %v", err)
	}
	if !CanWake() {
		if err := w.Wake(1, nil); err == nil {
			t.Error("an alarm that cannot be")
		}
		return
	}
	woken := make(chan struct{}, 1)
	if err := w.Wake(uint64(time.Now().UnixMicro())+1000, func() { woken <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	case <-time.After(time.Minute):
		t.Error("the alarm does not come")
	}
}

// TestTimer: a timer that nothing wakes for.
func TestTimer(t *testing.T) {
	timer, err := sys.NewTimer(false)
	if errors.Is(err, sys.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer timer.Close()
	if err := timer.Set(uint64(time.Now().UnixMicro()) + 1000); err != nil {
		t.Fatal(err)
	}
	if err := timer.Wait(); err != nil {
		t.Error(err)
	}
}

// Package clock tells when the wall clock is set or the local time becomes another
// one, wakes the machine, and keeps the stamps of timers. It knows no units. It answers
// for timerfd_create(2), localtime(5), and the stamp files of systemd.timer(5).
package clock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LocalTime is the file of the local time zone.
const LocalTime = "/etc/localtime"

// Zone reads the local time zone: $TZ counts, then the file; else it is UTC. Package
// time reads it once only. The key is another one for another zone.
func Zone(getenv func(string) string) (l *time.Location, key string) {
	return zone(getenv("TZ"), LocalTime)
}

func zone(tz, file string) (l *time.Location, key string) {
	if tz = strings.TrimPrefix(tz, ":"); tz != "" {
		l, err := time.LoadLocation(tz)
		if err != nil {
			return time.UTC, ""
		}
		return l, tz
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return time.UTC, ""
	}
	l, err = time.LoadLocationFromTZData("Local", data)
	if err != nil {
		return time.UTC, ""
	}
	return l, string(data)
}

// ReadStamp tells when a stamp file was last written, in microseconds since 1970. If
// there is none it is made, and the answer is 0.
func ReadStamp(file string) (at uint64, err error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, WriteStamp(file, uint64(time.Now().UnixMicro()))
	}
	if err != nil {
		return 0, err
	}
	return uint64(max(info.ModTime().UnixMicro(), 0)), nil
}

// WriteStamp makes a stamp file, if need be, and gives it a time.
func WriteStamp(file string, at uint64) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	t := time.UnixMicro(int64(at))
	return os.Chtimes(file, t, t)
}

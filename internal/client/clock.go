package client

import (
	"fmt"
	"math"
	"time"

	"rouse/internal/client/tool"
	"rouse/internal/unit/value"
)

// stamp gives a time in microseconds since 1970 as --timestamp= wants it; "" for
// no time.
func (a *app) stamp(usec uint64) string {
	if usec == 0 || usec == math.MaxUint64 {
		return ""
	}
	zone := a.Local
	switch a.opts.timestamp {
	case "unix":
		return fmt.Sprintf("@%d", usec/1e6)
	case "utc", "us+utc":
		zone = time.UTC
	}
	text := value.FormatTimestamp(usec, zone)
	if a.opts.timestamp == "us" || a.opts.timestamp == "us+utc" {
		return time.UnixMicro(int64(usec)).In(zone).Format("Mon 2006-01-02 15:04:05.000000 MST")
	}
	return text
}

// relative gives how long ago or how far off a time is.
func (a *app) relative(usec uint64) string {
	return tool.Relative(uint64(a.Now().UnixMicro()), usec)
}

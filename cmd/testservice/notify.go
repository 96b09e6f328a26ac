package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// manager is the service manager, as a service sees it. sd_notify(3).
type manager struct {
	conn net.Conn
}

// dialManager opens the socket that NOTIFY_SOCKET names; nil where it is empty.
// A leading @ stands for an abstract address.
func dialManager(path string) (*manager, error) {
	if path == "" {
		return nil, nil
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return &manager{conn}, nil
}

// tell sends one message of lines KEY=VALUE.
func (m *manager) tell(message string) error {
	if _, err := m.conn.Write([]byte(message)); err != nil {
		return fmt.Errorf("tell the manager: %w", err)
	}
	return nil
}

// feedWatchdog sends WATCHDOG=1 twice per WATCHDOG_USEC until ctx ends, or until
// it has done so stuckAfter times, if that is not 0. sd_watchdog_enabled(3).
func (m *manager) feedWatchdog(
	ctx context.Context, env func(string) string, stuckAfter int, log *logger,
) {
	usec, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return
	}
	half := time.Duration(usec) * time.Microsecond / 2
	log.printf("answers the watchdog every %v", half)
	for n := 1; wait(ctx, half); n++ {
		if stuckAfter > 0 && n > stuckAfter {
			log.printf("is stuck: the watchdog gets no more answers")
			return
		}
		message := fmt.Sprintf("WATCHDOG=1\nSTATUS=Answered the watchdog %d times", n)
		if err := m.tell(message); err != nil {
			log.printf("%v", err)
		}
	}
}

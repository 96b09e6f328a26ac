package sys

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Timer is a timer of the wall clock. timerfd_create(2).
type Timer struct{ file *os.File }

// NewTimer makes a timer; one that wakes the machine wants CAP_WAKE_ALARM.
func NewTimer(wakes bool) (*Timer, error) {
	clock := unix.CLOCK_REALTIME
	if wakes {
		clock = unix.CLOCK_REALTIME_ALARM
		// Without a clock that can wake the machine, this is what fails.
		if err := unix.ClockGettime(int32(clock), &unix.Timespec{}); err != nil {
			return nil, os.NewSyscallError("clock_gettime", err)
		}
	}
	fd, err := unix.TimerfdCreate(clock, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &Timer{os.NewFile(uintptr(fd), "timer")}, nil
}

// OnJump has Wait return ECANCELED when the clock is set next.
func (t *Timer) OnJump() error {
	const flags = unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET
	return t.set(unix.Timespec{Sec: math.MaxInt32}, flags)
}

// Set has Wait return at a time in microseconds since 1970; 0 is never.
func (t *Timer) Set(at uint64) error {
	return t.set(unix.NsecToTimespec(int64(at)*1000), unix.TFD_TIMER_ABSTIME)
}

func (t *Timer) set(at unix.Timespec, flags int) error {
	return OnFile(t.file, func(fd int) error {
		err := unix.TimerfdSettime(fd, flags, &unix.ItimerSpec{Value: at}, nil)
		return os.NewSyscallError("timerfd_settime", err)
	})
}

// Wait waits for what was set last. The error is ECANCELED after OnJump.
func (t *Timer) Wait() error {
	_, err := t.file.Read(make([]byte, 8))
	return err
}

// Close ends a Wait.
func (t *Timer) Close() error { return t.file.Close() }

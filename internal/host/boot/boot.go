// Package boot does what only PID 1 has to: the first mounts, the console, the
// signals that mean requests, and the end of the machine. It knows the machine
// as a whole and no units. It answers for systemd(1), SIGNALS, and for the last
// steps of systemd-shutdown(8).
package boot

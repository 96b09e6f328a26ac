//go:build !linux && !freebsd && !darwin

package sys

// peerOf has no means here; the mode of the socket alone keeps others out.
func peerOf(int) (Peer, error) { return Peer{}, Unsupported("peer credentials") }

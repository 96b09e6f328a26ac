//go:build !linux

package sys

// WantChildSignal does nothing where nobody waits in AwaitChild.
func WantChildSignal() (done func()) { return func() {} }

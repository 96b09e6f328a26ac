//go:build !linux

package sandbox

// Make does nothing: there are no views.
func (Place) Make() error { return nil }

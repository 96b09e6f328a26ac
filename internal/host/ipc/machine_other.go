//go:build !linux

package ipc

// Machine has no lists of objects.
var Machine Place

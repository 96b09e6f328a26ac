//go:build !linux

package scenario

import "errors"

func bootInside([]string) int { return 1 }

func startBooted(string, string) (machine, error) {
	return nil, errors.New("-init: namespaces are Linux's")
}

func monotonic() int64 { return 0 }

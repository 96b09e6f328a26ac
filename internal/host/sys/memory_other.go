//go:build unix && !linux

package sys

import (
	"io"
	"os"
)

// TrimImage does nothing here.
func TrimImage() {}

// DataFile gives a file without a name to be read by others.
func DataFile(name string, data []byte) (*os.File, error) {
	f, err := os.CreateTemp("", name)
	if err != nil {
		return nil, err
	}
	if err = os.Remove(f.Name()); err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

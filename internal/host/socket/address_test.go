package socket_test

import (
	"strings"
	"testing"

	"rouse/internal/host/socket"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/run/x", "/run/x"},
		{"@abstract", "@abstract"},
		{"80", "[::]:80"},
		{"0.0.0.0:80", "0.0.0.0:80"},
		{"[::]:80", "[::]:80"},
		{"[::1%lo]:80", "[::1%lo]:80"},
		{"[fe80::1%2]:8080", "[fe80::1%2]:8080"},
		{"127.0.0.1:65535", "127.0.0.1:65535"},
		{"vsock:2:1234", "vsock:2:1234"},
		{"vsock::1234", "vsock::1234"},
		{"/" + strings.Repeat("x", 106), "/" + strings.Repeat("x", 106)},
		{"/" + strings.Repeat("x", 107), ""},
		{"", ""},
		{"@", ""},
		{"0", ""},
		{"65536", ""},
		{"127.0.0.1", ""},
		{"127.0.0.1:0", ""},
		{"[127.0.0.1]:80", ""},
		{"::1:80", ""},
		{"[::1:80", ""},
		{"localhost:80", ""},
		{"vsock:1", ""},
		{"vsock:x:1", ""},
		{"run/x", ""},
	} {
		a, err := socket.ParseAddress(c.text)
		got := ""
		if err == nil {
			got = socket.Format(a)
		}
		if got != c.want {
			t.Errorf("ParseAddress(%s) = %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{
		"/run/x", "@a", "80", "[::1%lo]:80", "1.2.3.4:5", "vsock::7", "[::ffff:1.2.3.4]:9",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := socket.ParseAddress(s)
		if err != nil {
			return
		}
		again, err := socket.ParseAddress(socket.Format(a))
		if err != nil || socket.Format(again) != socket.Format(a) {
			t.Errorf("%q gives %q, again %q, %v", s, socket.Format(a), socket.Format(again), err)
		}
	})
}

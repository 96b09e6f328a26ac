package bus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
)

// connect goes to the first address of a list that takes a connection.
func connect(list string) (*sys.Duct, error) {
	var faults []error
	for address := range strings.SplitSeq(list, ";") {
		if address == "" {
			continue
		}
		path, err := socketPath(address)
		if err == nil {
			var c *net.UnixConn
			c, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				return sys.NewDuct(c), nil
			}
		}
		faults = append(faults, fmt.Errorf("dial bus %s: %w", address, err))
	}
	if faults == nil {
		return nil, errors.New("dial bus: no address")
	}
	return nil, errors.Join(faults...)
}

// socketPath is the socket of one address; "@" stands for an abstract one.
func socketPath(address string) (string, error) {
	keys, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", errors.New("only unix: is known here")
	}
	for pair := range strings.SplitSeq(keys, ",") {
		key, escaped, _ := strings.Cut(pair, "=")
		if key != "path" && key != "abstract" {
			continue
		}
		value, err := unescape(escaped)
		if err != nil {
			return "", err
		}
		if value == "" || strings.Contains(value, "\x00") {
			return "", fmt.Errorf("%s=%q is no socket", key, value)
		}
		if key == "abstract" {
			value = "@" + value
		}
		return value, nil
	}
	return "", errors.New("neither path= nor abstract=")
}

// unescape turns each "%" with two hexadecimal digits into their byte.
func unescape(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", fmt.Errorf("%q: %% without two digits", "%"+after)
		}
		n, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q: %% without two digits", "%"+after)
		}
		b.WriteByte(byte(n))
		s = after[2:]
	}
}

// auth is what a connection begins with: that we are who the kernel says we are.
func auth() []byte {
	id := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	return []byte("\x00AUTH EXTERNAL " + id + "\r\nNEGOTIATE_UNIX_FD\r\n")
}

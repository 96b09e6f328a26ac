// Command rouse asks and tells a running roused. Called as systemctl, it takes
// the arguments of systemctl.
package main

import (
	"os"

	"rouse/internal/client"
)

// version is set when a release is built.
var version = "development"

func main() { os.Exit(client.Main(version)) }

// Command skep compiles, loads, runs and inspects eBPF programs.
package main

import (
	"os"

	"github.com/skep-dev/skep/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args)) }

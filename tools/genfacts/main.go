// Command genfacts writes the generated tables of internal/facts.
//
// Two sources are read. Helper prototypes come from libbpf's
// bpf_helper_defs.h (dual-licensed; the BSD option is used, and only the
// prototypes are read, none of its text). Enumerations (map types, program
// types, attach types, link types, commands) come from the BTF of the running
// kernel.
//
//	go run ./tools/genfacts -out internal/facts
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	header := flag.String("header", "/usr/include/bpf/bpf_helper_defs.h", "libbpf's helper prototypes")
	vmlinux := flag.String("btf", "/sys/kernel/btf/vmlinux", "BTF of a kernel")
	out := flag.String("out", "internal/facts", "directory to write zz_*.go to")
	flag.Parse()
	if err := run(*header, *vmlinux, *out); err != nil {
		fmt.Fprintln(os.Stderr, "genfacts:", err)
		os.Exit(1)
	}
}

func run(header, vmlinux, out string) error {
	text, err := os.ReadFile(header)
	if err != nil {
		return err
	}
	helpers, err := parseHelpers(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", header, err)
	}
	enums, err := readEnums(vmlinux)
	if err != nil {
		return fmt.Errorf("%s: %w", vmlinux, err)
	}
	for name, render := range map[string]func() ([]byte, error){
		"zz_helpers.go": func() ([]byte, error) { return renderHelpers(helpers) },
		"zz_enums.go":   func() ([]byte, error) { return renderEnums(enums) },
	} {
		src, err := render()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name), src, 0o644); err != nil {
			return err
		}
	}
	return nil
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Versions of clang that Debian and its children install by number. Older
// ones write BTF that is not good enough.
const (
	newestClang = 23
	oldestClang = 11
)

// findClang returns the path of the compiler: clang itself, else the newest
// with a number.
func findClang() (string, error) {
	if path, err := exec.LookPath("clang"); err == nil {
		return path, nil
	}
	for n := newestClang; n >= oldestClang; n-- {
		if path, err := exec.LookPath(fmt.Sprintf("clang-%d", n)); err == nil {
			return path, nil
		}
	}
	return "", &hinted{
		fmt.Errorf("no clang is installed: there is neither clang nor clang-%d to clang-%d", oldestClang, newestClang),
		"try: sudo apt-get install clang libbpf-dev",
	}
}

// compileC compiles a C file to an object with clang, whose messages go to w.
func compileC(ctx context.Context, w io.Writer, file string) ([]byte, error) {
	clang, err := findClang()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	args := []string{"-O2", "-g", "-Wall", "-target", "bpf", "-mcpu=v3"}
	if arch, ok := targetArch(); ok {
		args = append(args, "-D__TARGET_ARCH_"+arch)
	}
	if dir, ok := archInclude(); ok {
		args = append(args, "-idirafter", dir)
	}
	args = append(args, "-c", file, "-o", "-")
	var object, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, clang, args...)
	cmd.Stdout, cmd.Stderr = &object, &messages
	err = cmd.Run()
	if _, err := w.Write(messages.Bytes()); err != nil {
		return nil, err
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err := fmt.Errorf("%s: %s found errors", file, filepath.Base(clang))
		if hint := missingHeader(messages.String()); hint != "" {
			return nil, &hinted{err, hint}
		}
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clang, err)
	}
	return object.Bytes(), nil
}

// missingHeader says where to get a header that clang did not find.
func missingHeader(messages string) string {
	for _, h := range []struct{ header, hint string }{
		{"bpf/", "try: sudo apt-get install libbpf-dev"},
		{"asm/", "try: sudo apt-get install linux-libc-dev"},
		{"linux/", "try: sudo apt-get install linux-libc-dev"},
		{"vmlinux.h", "try: bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h"},
	} {
		for line := range strings.Lines(messages) {
			if strings.Contains(line, "fatal error: '"+h.header) && strings.Contains(line, "file not found") {
				return h.hint
			}
		}
	}
	return ""
}

// targetArch is the architecture's name in libbpf's bpf_tracing.h.
func targetArch() (string, bool) {
	arch, ok := map[string]string{"amd64": "x86", "arm64": "arm64", "riscv64": "riscv", "s390x": "s390", "ppc64le": "powerpc", "loong64": "loongarch"}[runtime.GOARCH]
	return arch, ok
}

// archInclude is where Debian keeps the headers of the machine's own
// architecture, <asm/types.h> among them, which clang doesn't look for when
// the target is bpf.
func archInclude() (string, bool) {
	machine, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64", "s390x": "s390x", "ppc64le": "powerpc64le", "loong64": "loongarch64"}[runtime.GOARCH]
	if !ok {
		return "", false
	}
	dir := "/usr/include/" + machine + "-linux-gnu"
	_, err := os.Stat(filepath.Join(dir, "asm"))
	return dir, err == nil
}

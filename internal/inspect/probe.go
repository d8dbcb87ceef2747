package inspect

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/skep-dev/skep/internal/facts"
	"github.com/skep-dev/skep/internal/sys"
)

// Have is the answer of a probe: the error says why a feature isn't there, or
// why that could not be found out.
type Have struct {
	Yes bool
	Err error
}

func have(err error) Have {
	if errors.Is(err, ebpf.ErrNotSupported) {
		return Have{Err: err}
	}
	return Have{Yes: err == nil, Err: err}
}

// HaveProgType asks whether programs of a type can be loaded.
func HaveProgType(t facts.ProgType) Have { return have(features.HaveProgramType(ebpf.ProgramType(t))) }

// HaveMapType asks whether maps of a type can be made.
func HaveMapType(t facts.MapType) Have { return have(features.HaveMapType(ebpf.MapType(t))) }

// HaveHelper asks whether programs of a type may call a helper.
func HaveHelper(t facts.ProgType, helper uint32) Have {
	return have(features.HaveProgramHelper(ebpf.ProgramType(t), asm.BuiltinFunc(helper)))
}

// MiscFeature is a feature that is neither a type nor a helper.
type MiscFeature struct {
	Key, Name string
	Probe     func() Have
}

// MiscFeatures are the features that are neither types nor helpers.
func MiscFeatures() []MiscFeature {
	return []MiscFeature{
		{"have_large_insn_limit", "Large program size limit", func() Have { return have(features.HaveLargeInstructions()) }},
		{"have_bounded_loops", "Bounded loop support", func() Have { return have(features.HaveBoundedLoops()) }},
		{"have_v2_isa_extension", "ISA extension v2", func() Have { return have(features.HaveV2ISA()) }},
		{"have_v3_isa_extension", "ISA extension v3", func() Have { return have(features.HaveV3ISA()) }},
		{"have_v4_isa_extension", "ISA extension v4", func() Have { return have(features.HaveV4ISA()) }},
	}
}

// ReadSysctl reads a number below /proc/sys.
func ReadSysctl(name string) (int64, error) {
	data, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
}

// KernelConfig reads how the running kernel was configured, where it or its
// package says so. Options that are off are absent.
func KernelConfig() (map[string]string, error) {
	release, err := sys.KernelRelease()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, path := range []string{"/proc/config.gz", "/boot/config-" + release, "/lib/modules/" + release + "/config"} {
		config, err := readConfig(path)
		if err == nil {
			return config, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func readConfig(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	config := map[string]string{}
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			return config, lines.Err()
		}
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
}

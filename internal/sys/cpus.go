package sys

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxCPUs is above the largest NR_CPUS that Linux can be built with.
const maxCPUs = 1 << 16

// OnlineCPUs returns the numbers of the CPUs that are running now.
func OnlineCPUs() ([]int, error) { return readCPUs("/sys/devices/system/cpu/online") }

// PossibleCPUs returns how many CPUs the machine can ever have, which is the
// number of parts of a per-CPU value.
func PossibleCPUs() (int, error) {
	cpus, err := readCPUs("/sys/devices/system/cpu/possible")
	if err != nil {
		return 0, err
	}
	return slices.Max(cpus) + 1, nil
}

// readCPUs reads a file that holds a list of CPUs.
func readCPUs(file string) ([]int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cpus, err := ParseCPUs(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cpus, nil
}

// ParseCPUs reads a list of CPU numbers and ranges such as "0-3,7", the form
// of the files below /sys/devices/system/cpu.
func ParseCPUs(text string) ([]int, error) {
	var cpus []int
	for item := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		first, last, isRange := strings.Cut(item, "-")
		lo, err := strconv.ParseUint(first, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("CPU list %q: %w", text, err)
		}
		hi := lo
		if isRange {
			if hi, err = strconv.ParseUint(last, 10, 32); err != nil {
				return nil, fmt.Errorf("CPU list %q: %w", text, err)
			}
		}
		if hi < lo || hi >= maxCPUs || len(cpus) > maxCPUs {
			return nil, fmt.Errorf("CPU list %q: range %s", text, item)
		}
		for n := lo; n <= hi; n++ {
			cpus = append(cpus, int(n))
		}
	}
	return cpus, nil
}

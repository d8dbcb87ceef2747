package facts

import "strconv"

func enumName(names []string, x uint32) string {
	if x < uint32(len(names)) && names[x] != "" {
		return names[x]
	}
	return strconv.FormatUint(uint64(x), 10)
}

func enumByName(names []string, name string) (uint32, bool) {
	if name == "" {
		return 0, false
	}
	for i, n := range names {
		if n == name {
			return uint32(i), true
		}
	}
	return 0, false
}

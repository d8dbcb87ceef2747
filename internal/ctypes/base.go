package ctypes

import "strings"

// BaseType returns the C base type (int, float or void) that the words spell
// in any order ("long unsigned int" is "unsigned long"), for the LP64 model
// of the supported targets, or nil when they spell none. The type carries the
// usual short name. Plain char is signed, as gcc and clang have it on x86 and
// for BPF.
func BaseType(words []string) Type {
	n := map[string]int{}
	for _, w := range words {
		switch w {
		case "__signed__", "__signed":
			w = "signed"
		case "bool":
			w = "_Bool"
		case "__int128_t":
			w = "__int128"
		}
		n[w]++
	}
	sign := ""
	switch {
	case n["unsigned"] > 0 && n["signed"] > 0:
		return nil
	case n["unsigned"] > 0:
		sign = "unsigned "
	}
	rest := len(words) - n["unsigned"] - n["signed"]
	integer := func(name string, size, wordsUsed int) Type {
		if rest != wordsUsed {
			return nil
		}
		return &Int{Name: sign + name, Size: size, Signed: sign == ""}
	}
	switch {
	case len(words) == 0:
		return nil
	case n["void"] == 1 && len(words) == 1:
		return &Void{}
	case n["_Bool"] == 1 && len(words) == 1:
		return &Int{Name: "_Bool", Size: 1, Bool: true}
	case n["float"] == 1 && len(words) == 1:
		return &Float{Name: "float", Size: 4}
	case n["double"] == 1 && len(words) == 1:
		return &Float{Name: "double", Size: 8}
	case n["double"] == 1 && n["long"] == 1 && len(words) == 2:
		return &Float{Name: "long double", Size: 16}
	case n["char"] == 1 && rest == 1:
		if n["signed"] > 0 {
			return &Int{Name: "signed char", Size: 1, Signed: true}
		}
		return &Int{Name: sign + "char", Size: 1, Signed: sign == "", Char: sign == ""}
	case n["short"] == 1:
		return integer("short", 2, 1+n["int"])
	case n["__int128"] == 1:
		return integer("__int128", 16, 1)
	case n["long"] == 1:
		return integer("long", 8, 1+n["int"])
	case n["long"] == 2:
		return integer("long long", 8, 2+n["int"])
	case n["int"] <= 1:
		return integer("int", 4, n["int"])
	}
	return nil
}

// Builtin returns the type of a name that needs no declaration: the base
// types in any spelling, and the fixed-width and POSIX names that the
// kernel's own headers declare the same way on all 64-bit targets. It returns
// nil for other names.
func Builtin(name string) Type {
	if b, ok := fixed[name]; ok {
		return &Typedef{Name: name, Type: BaseType(strings.Fields(b))}
	}
	return BaseType(strings.Fields(name))
}

// fixed are typedefs of include/uapi/asm-generic/{int-ll64,posix_types}.h and
// include/linux/types.h of Linux, and of C's stdint.h.
var fixed = map[string]string{
	"u8": "unsigned char", "u16": "unsigned short", "u32": "unsigned int", "u64": "unsigned long long",
	"s8": "signed char", "s16": "short", "s32": "int", "s64": "long long",
	"__u8": "unsigned char", "__u16": "unsigned short", "__u32": "unsigned int", "__u64": "unsigned long long",
	"__s8": "signed char", "__s16": "short", "__s32": "int", "__s64": "long long",
	"__le16": "unsigned short", "__le32": "unsigned int", "__le64": "unsigned long long",
	"__be16": "unsigned short", "__be32": "unsigned int", "__be64": "unsigned long long",
	"uint8_t": "unsigned char", "uint16_t": "unsigned short", "uint32_t": "unsigned int", "uint64_t": "unsigned long",
	"int8_t": "signed char", "int16_t": "short", "int32_t": "int", "int64_t": "long",
	"size_t": "unsigned long", "ssize_t": "long", "uintptr_t": "unsigned long", "intptr_t": "long",
	"ptrdiff_t": "long",
	"pid_t":     "int", "uid_t": "unsigned int", "gid_t": "unsigned int", "dev_t": "unsigned int",
	"mode_t": "unsigned int", "umode_t": "unsigned short", "ino_t": "unsigned long",
	"off_t": "long", "loff_t": "long long", "clockid_t": "int", "time64_t": "long long",
	"bool": "_Bool", "uint": "unsigned int", "ulong": "unsigned long", "ushort": "unsigned short",
	"sector_t": "unsigned long long", "gfp_t": "unsigned int", "qid_t": "unsigned int",
	"key_t": "int", "timer_t": "int",
}

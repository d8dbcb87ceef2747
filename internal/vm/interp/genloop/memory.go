package main

import "fmt"

// size is a width of memory access, in the order of the size field of BPF's
// opcodes.
type size struct {
	letter string
	bytes  int
	typ    string // how the loaded number is extended
}

var sizes = []size{{"W", 4, "int32"}, {"H", 2, "int16"}, {"B", 1, "int8"}, {"D", 8, "int64"}}

// checked makes an access at an address, for which the table is asked first.
// limit is the field of the extent that bounds it, request what is left to the
// caller when the table says no.
func checked(addr, limit string, bytes int, access, request string) string {
	return fmt.Sprintf(`a := %s
if i := a >> mem.SlotShift; i >= uint64(len(tab)) || uint64(uint32(a)&0xffff-tab[i].Lo)+%d > uint64(tab[i].%s) {
	c.PC, c.Left, c.Addr = pc, limit-pc, a
	return %s
}
%s`, addr, bytes, limit, request, access)
}

// note tells an observer of an access.
func note(observed bool, addr string, bytes int, access string) string {
	if !observed {
		return ""
	}
	return fmt.Sprintf("watch.Access(c, %s, %d, mem.%s)\n", addr, bytes, access)
}

func get(s size, signed bool, addr string) string {
	v := fmt.Sprintf("base.Get%d(%s)", s.bytes*8, addr)
	switch {
	case s.bytes == 8:
		return v
	case signed:
		return fmt.Sprintf("uint64(int64(%s(%s)))", s.typ, v)
	}
	return "uint64(" + v + ")"
}

func put(s size, addr, v string) string {
	if s.bytes == 8 {
		return fmt.Sprintf("base.Put64(%s, %s)", addr, v)
	}
	return fmt.Sprintf("base.Put%d(%s, uint%d(%s))", s.bytes*8, addr, s.bytes*8, v)
}

const (
	srcAddr = "r[op.Src] + uint64(int64(op.Off))"
	dstAddr = "r[op.Dst] + uint64(int64(op.Off))"
)

func memoryCases() []oneCase {
	var all []oneCase
	add := func(name string, body func(bool) string) { all = append(all, oneCase{name: name, body: body}) }
	for _, signed := range []bool{false, true} {
		prefix := map[bool]string{false: "Ld", true: "Lds"}[signed]
		for _, s := range sizes {
			slow := "doLoad"
			add(prefix+s.letter, func(o bool) string {
				return note(o, srcAddr, s.bytes, "Read") +
					checked(srcAddr, "Len", s.bytes, "r[op.Dst] = "+get(s, signed, "a"), slow)
			})
		}
		for _, s := range sizes {
			add(prefix+s.letter+"Stack", func(o bool) string {
				return note(o, srcAddr, s.bytes, "Read") + "r[op.Dst] = " + get(s, signed, srcAddr)
			})
		}
	}
	for _, v := range []struct{ name, value string }{{"St", "r[op.Src]"}, {"StI", "op.Imm"}} {
		for _, s := range sizes {
			slow := "doStore"
			add(v.name+s.letter, func(o bool) string {
				return note(o, dstAddr, s.bytes, "Write") + checked(dstAddr, "WLen", s.bytes, put(s, "a", v.value), slow)
			})
		}
		for _, s := range sizes {
			add(v.name+s.letter+"Stack", func(o bool) string {
				return note(o, dstAddr, s.bytes, "Write") + put(s, dstAddr, v.value)
			})
		}
	}
	return all
}

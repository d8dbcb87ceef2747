package inspect

import (
	"fmt"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"
)

// NativeInsn is an instruction of machine code.
type NativeInsn struct {
	Offset int // in the code
	Bytes  []byte
	Text   string // in the syntax of GNU tools
}

// Disassemble takes machine code apart for an architecture by its name in Go.
// addr is where the code lies. symbol may name addresses that the code refers
// to: it returns the name and the address where what has the name begins.
// Bytes that are no instruction stand there as such.
func Disassemble(arch string, code []byte, addr uint64, symbol func(uint64) (string, uint64)) ([]NativeInsn, error) {
	if symbol == nil {
		symbol = func(uint64) (string, uint64) { return "", 0 }
	}
	switch arch {
	case "amd64":
		return disassembleAMD64(code, addr, symbol), nil
	case "arm64":
		return disassembleARM64(code, addr, symbol), nil
	}
	return nil, fmt.Errorf("machine code of %s can't be disassembled, only that of amd64 and arm64", arch)
}

// x86Fixed are instructions that x86asm misreads.
var x86Fixed = []struct {
	bytes, text string
}{
	{"\xf3\x0f\x1e\xfa", "endbr64"},
	{"\xf3\x0f\x1e\xfb", "endbr32"},
}

func disassembleAMD64(code []byte, addr uint64, symbol func(uint64) (string, uint64)) []NativeInsn {
	var out []NativeInsn
	for at := 0; at < len(code); {
		text, n := x86Insn(code[at:], addr+uint64(at), symbol)
		out = append(out, NativeInsn{at, code[at : at+n], text})
		at += n
	}
	return out
}

func x86Insn(code []byte, pc uint64, symbol func(uint64) (string, uint64)) (string, int) {
	for _, f := range x86Fixed {
		if strings.HasPrefix(string(code[:min(len(code), len(f.bytes))]), f.bytes) {
			return f.text, len(f.bytes)
		}
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil || inst.Len == 0 || inst.Len > len(code) {
		return fmt.Sprintf(".byte %#02x", code[0]), 1
	}
	return x86asm.GNUSyntax(inst, pc, symbol), inst.Len
}

func disassembleARM64(code []byte, addr uint64, symbol func(uint64) (string, uint64)) []NativeInsn {
	var out []NativeInsn
	at := 0
	for ; at+4 <= len(code); at += 4 {
		word := code[at : at+4]
		inst, err := arm64asm.Decode(word)
		text := fmt.Sprintf(".inst 0x%02x%02x%02x%02x", word[3], word[2], word[1], word[0])
		if err == nil {
			text = arm64Text(inst, addr+uint64(at), symbol)
		}
		out = append(out, NativeInsn{at, word, text})
	}
	if at < len(code) {
		out = append(out, NativeInsn{at, code[at:], fmt.Sprintf(".byte % #x", code[at:])})
	}
	return out
}

// arm64Text writes targets of branches as addresses, not as distances.
func arm64Text(inst arm64asm.Inst, pc uint64, symbol func(uint64) (string, uint64)) string {
	text := arm64asm.GNUSyntax(inst)
	for _, a := range inst.Args {
		rel, ok := a.(arm64asm.PCRel)
		if !ok {
			continue
		}
		target := pc + uint64(int64(rel))
		shown := fmt.Sprintf("%#x", target)
		if name, base := symbol(target); name != "" {
			shown = name
			if target != base {
				shown += fmt.Sprintf("+%#x", target-base)
			}
		}
		if i := strings.LastIndex(text, "."); i >= 0 {
			text = text[:i] + shown
		}
	}
	return text
}

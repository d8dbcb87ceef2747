package facts

// Form says which fields an instruction encoding uses; all others are zero.
type Form uint8

// The forms. dst and src are registers.
const (
	FormInvalid  Form = iota
	FormALUImm        // dst, imm
	FormALUReg        // dst, src
	FormNeg           // dst
	FormSwap          // dst; imm is the width in bits
	FormWide          // dst, a 64-bit imm in two slots; src says what imm names
	FormAbs           // imm: load from the packet
	FormInd           // src, imm: load from the packet
	FormLoad          // dst, src, off
	FormStoreReg      // dst, src, off
	FormStoreImm      // dst, off, imm
	FormAtomic        // dst, src, off; imm is the operation
	FormJumpImm       // dst, imm, off is the target
	FormJumpReg       // dst, src, off is the target
	FormGoto          // off is the target
	FormGotoLong      // imm is the target
	FormMayGoto       // off is the target
	FormCall          // src says what imm names
	FormCallReg       // dst
	FormExit          // nothing
)

// Group is a conformance group of RFC 9669 section 2.4. Each 64-bit group
// includes its 32-bit one.
type Group uint8

// The conformance groups. GroupLinux marks what Linux has and the RFC lacks.
const (
	GroupBase32 Group = iota
	GroupBase64
	GroupDivMul32
	GroupDivMul64
	GroupAtomic32
	GroupAtomic64
	GroupPacket
	GroupCallX
	GroupLinux
)

func (g Group) String() string {
	return [...]string{"base32", "base64", "divmul32", "divmul64", "atomic32", "atomic64", "packet", "callx", "linux"}[g]
}

// Opcode describes all encodings that share an opcode byte. Version is the
// instruction set version (1 to 4, as compilers count them in -mcpu) that
// first had the byte; later versions gave some bytes more meanings through
// off and imm (signed division, sign extension, atomics that fetch), which
// the codec of internal/isa knows.
type Opcode struct {
	Name    string
	Form    Form
	Group   Group
	Version uint8
}

// Opcodes is indexed by the opcode byte (RFC 9669 appendix A). Bytes that
// aren't assigned have FormInvalid.
func Opcodes(code uint8) Opcode { return opcodes[code] }

var opcodes = [256]Opcode{
	0x04: {"add32", FormALUImm, GroupBase32, 1},
	0x14: {"sub32", FormALUImm, GroupBase32, 1},
	0x24: {"mul32", FormALUImm, GroupDivMul32, 1},
	0x34: {"div32", FormALUImm, GroupDivMul32, 1},
	0x44: {"or32", FormALUImm, GroupBase32, 1},
	0x54: {"and32", FormALUImm, GroupBase32, 1},
	0x64: {"lsh32", FormALUImm, GroupBase32, 1},
	0x74: {"rsh32", FormALUImm, GroupBase32, 1},
	0x84: {"neg32", FormNeg, GroupBase32, 1},
	0x94: {"mod32", FormALUImm, GroupDivMul32, 1},
	0xa4: {"xor32", FormALUImm, GroupBase32, 1},
	0xb4: {"mov32", FormALUImm, GroupBase32, 1},
	0xc4: {"arsh32", FormALUImm, GroupBase32, 1},
	0xd4: {"le", FormSwap, GroupBase32, 1},

	0x0c: {"add32", FormALUReg, GroupBase32, 1},
	0x1c: {"sub32", FormALUReg, GroupBase32, 1},
	0x2c: {"mul32", FormALUReg, GroupDivMul32, 1},
	0x3c: {"div32", FormALUReg, GroupDivMul32, 1},
	0x4c: {"or32", FormALUReg, GroupBase32, 1},
	0x5c: {"and32", FormALUReg, GroupBase32, 1},
	0x6c: {"lsh32", FormALUReg, GroupBase32, 1},
	0x7c: {"rsh32", FormALUReg, GroupBase32, 1},
	0x9c: {"mod32", FormALUReg, GroupDivMul32, 1},
	0xac: {"xor32", FormALUReg, GroupBase32, 1},
	0xbc: {"mov32", FormALUReg, GroupBase32, 1},
	0xcc: {"arsh32", FormALUReg, GroupBase32, 1},
	0xdc: {"be", FormSwap, GroupBase32, 1},

	0x07: {"add64", FormALUImm, GroupBase64, 1},
	0x17: {"sub64", FormALUImm, GroupBase64, 1},
	0x27: {"mul64", FormALUImm, GroupDivMul64, 1},
	0x37: {"div64", FormALUImm, GroupDivMul64, 1},
	0x47: {"or64", FormALUImm, GroupBase64, 1},
	0x57: {"and64", FormALUImm, GroupBase64, 1},
	0x67: {"lsh64", FormALUImm, GroupBase64, 1},
	0x77: {"rsh64", FormALUImm, GroupBase64, 1},
	0x87: {"neg64", FormNeg, GroupBase64, 1},
	0x97: {"mod64", FormALUImm, GroupDivMul64, 1},
	0xa7: {"xor64", FormALUImm, GroupBase64, 1},
	0xb7: {"mov64", FormALUImm, GroupBase64, 1},
	0xc7: {"arsh64", FormALUImm, GroupBase64, 1},
	0xd7: {"bswap", FormSwap, GroupBase32, 4},

	0x0f: {"add64", FormALUReg, GroupBase64, 1},
	0x1f: {"sub64", FormALUReg, GroupBase64, 1},
	0x2f: {"mul64", FormALUReg, GroupDivMul64, 1},
	0x3f: {"div64", FormALUReg, GroupDivMul64, 1},
	0x4f: {"or64", FormALUReg, GroupBase64, 1},
	0x5f: {"and64", FormALUReg, GroupBase64, 1},
	0x6f: {"lsh64", FormALUReg, GroupBase64, 1},
	0x7f: {"rsh64", FormALUReg, GroupBase64, 1},
	0x9f: {"mod64", FormALUReg, GroupDivMul64, 1},
	0xaf: {"xor64", FormALUReg, GroupBase64, 1},
	0xbf: {"mov64", FormALUReg, GroupBase64, 1},
	0xcf: {"arsh64", FormALUReg, GroupBase64, 1},

	0x18: {"lddw", FormWide, GroupBase64, 1},
	0x20: {"ldabsw", FormAbs, GroupPacket, 1},
	0x28: {"ldabsh", FormAbs, GroupPacket, 1},
	0x30: {"ldabsb", FormAbs, GroupPacket, 1},
	0x40: {"ldindw", FormInd, GroupPacket, 1},
	0x48: {"ldindh", FormInd, GroupPacket, 1},
	0x50: {"ldindb", FormInd, GroupPacket, 1},

	0x61: {"ldxw", FormLoad, GroupBase32, 1},
	0x69: {"ldxh", FormLoad, GroupBase32, 1},
	0x71: {"ldxb", FormLoad, GroupBase32, 1},
	0x79: {"ldxdw", FormLoad, GroupBase64, 1},
	0x81: {"ldxsw", FormLoad, GroupBase64, 4},
	0x89: {"ldxsh", FormLoad, GroupBase32, 4},
	0x91: {"ldxsb", FormLoad, GroupBase32, 4},

	0x62: {"stw", FormStoreImm, GroupBase32, 1},
	0x6a: {"sth", FormStoreImm, GroupBase32, 1},
	0x72: {"stb", FormStoreImm, GroupBase32, 1},
	0x7a: {"stdw", FormStoreImm, GroupBase64, 1},
	0x63: {"stxw", FormStoreReg, GroupBase32, 1},
	0x6b: {"stxh", FormStoreReg, GroupBase32, 1},
	0x73: {"stxb", FormStoreReg, GroupBase32, 1},
	0x7b: {"stxdw", FormStoreReg, GroupBase64, 1},
	0xc3: {"lock32", FormAtomic, GroupAtomic32, 1},
	0xdb: {"lock64", FormAtomic, GroupAtomic64, 1},
	// The narrow ones only as load_acquire and store_release.
	0xcb: {"lock16", FormAtomic, GroupLinux, 4},
	0xd3: {"lock8", FormAtomic, GroupLinux, 4},

	0x05: {"ja", FormGoto, GroupBase32, 1},
	0x15: {"jeq", FormJumpImm, GroupBase64, 1},
	0x25: {"jgt", FormJumpImm, GroupBase64, 1},
	0x35: {"jge", FormJumpImm, GroupBase64, 1},
	0x45: {"jset", FormJumpImm, GroupBase64, 1},
	0x55: {"jne", FormJumpImm, GroupBase64, 1},
	0x65: {"jsgt", FormJumpImm, GroupBase64, 1},
	0x75: {"jsge", FormJumpImm, GroupBase64, 1},
	0x85: {"call", FormCall, GroupBase32, 1},
	0x95: {"exit", FormExit, GroupBase32, 1},
	0xa5: {"jlt", FormJumpImm, GroupBase64, 2},
	0xb5: {"jle", FormJumpImm, GroupBase64, 2},
	0xc5: {"jslt", FormJumpImm, GroupBase64, 2},
	0xd5: {"jsle", FormJumpImm, GroupBase64, 2},
	0xe5: {"may_goto", FormMayGoto, GroupLinux, 4},

	0x1d: {"jeq", FormJumpReg, GroupBase64, 1},
	0x2d: {"jgt", FormJumpReg, GroupBase64, 1},
	0x3d: {"jge", FormJumpReg, GroupBase64, 1},
	0x4d: {"jset", FormJumpReg, GroupBase64, 1},
	0x5d: {"jne", FormJumpReg, GroupBase64, 1},
	0x6d: {"jsgt", FormJumpReg, GroupBase64, 1},
	0x7d: {"jsge", FormJumpReg, GroupBase64, 1},
	0x8d: {"callx", FormCallReg, GroupCallX, 1},
	0xad: {"jlt", FormJumpReg, GroupBase64, 2},
	0xbd: {"jle", FormJumpReg, GroupBase64, 2},
	0xcd: {"jslt", FormJumpReg, GroupBase64, 2},
	0xdd: {"jsle", FormJumpReg, GroupBase64, 2},

	0x06: {"jal", FormGotoLong, GroupBase32, 4},
	0x16: {"jeq32", FormJumpImm, GroupBase32, 3},
	0x26: {"jgt32", FormJumpImm, GroupBase32, 3},
	0x36: {"jge32", FormJumpImm, GroupBase32, 3},
	0x46: {"jset32", FormJumpImm, GroupBase32, 3},
	0x56: {"jne32", FormJumpImm, GroupBase32, 3},
	0x66: {"jsgt32", FormJumpImm, GroupBase32, 3},
	0x76: {"jsge32", FormJumpImm, GroupBase32, 3},
	0xa6: {"jlt32", FormJumpImm, GroupBase32, 3},
	0xb6: {"jle32", FormJumpImm, GroupBase32, 3},
	0xc6: {"jslt32", FormJumpImm, GroupBase32, 3},
	0xd6: {"jsle32", FormJumpImm, GroupBase32, 3},

	0x1e: {"jeq32", FormJumpReg, GroupBase32, 3},
	0x2e: {"jgt32", FormJumpReg, GroupBase32, 3},
	0x3e: {"jge32", FormJumpReg, GroupBase32, 3},
	0x4e: {"jset32", FormJumpReg, GroupBase32, 3},
	0x5e: {"jne32", FormJumpReg, GroupBase32, 3},
	0x6e: {"jsgt32", FormJumpReg, GroupBase32, 3},
	0x7e: {"jsge32", FormJumpReg, GroupBase32, 3},
	0xae: {"jlt32", FormJumpReg, GroupBase32, 3},
	0xbe: {"jle32", FormJumpReg, GroupBase32, 3},
	0xce: {"jslt32", FormJumpReg, GroupBase32, 3},
	0xde: {"jsle32", FormJumpReg, GroupBase32, 3},
}

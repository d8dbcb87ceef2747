package main

// leave ends the loop with a request to its caller, who finds the place in
// c.PC and the number of instructions left in c.Left, and comes back. The loop
// itself calls nothing that returns to it: so all its variables stay in
// registers, with no spilling at the dispatch.
func leave(request string) string { return "c.PC, c.Left = pc, limit-pc\nreturn " + request }

var others = []struct{ name, body string }{
	{"Lddw", "r[op.Dst] = op.Imm\nlimit++\ngoto next2"},
	{"Second", ""},
	{"MovS8R64", "r[op.Dst] = uint64(int64(int8(r[op.Src])))"},
	{"MovS16R64", "r[op.Dst] = uint64(int64(int16(r[op.Src])))"},
	{"MovS32R64", "r[op.Dst] = uint64(int64(int32(r[op.Src])))"},
	{"MovS8R32", "r[op.Dst] = uint64(uint32(int32(int8(r[op.Src]))))"},
	{"MovS16R32", "r[op.Dst] = uint64(uint32(int32(int16(r[op.Src]))))"},
	{"Zext16", "r[op.Dst] = uint64(uint16(r[op.Dst]))"},
	{"Swap16", "r[op.Dst] = uint64(bits.ReverseBytes16(uint16(r[op.Dst])))"},
	{"Swap32", "r[op.Dst] = uint64(bits.ReverseBytes32(uint32(r[op.Dst])))"},
	{"Swap64", "r[op.Dst] = bits.ReverseBytes64(r[op.Dst])"},
	{"Nop", ""},
	{"Atomic", leave("doAtomic")},
	{"Packet", leave("doPacket")},
	{"MayGoto", leave("doMayGoto")},
	{"CastUser", leave("doCast")},
	{"CastKernel", leave("doCast")},
	{"Helper", leave("doHelper")},
	{"TailCall", leave("doTailCall")},
	{"CallReg", leave("doCallReg")},
	{"CallFunc", leave("doCallFunc")},
	{"Exit", leave("doExit")},
	{"Past", leave("doPastEnd")},
}

func otherCases() []oneCase {
	var all []oneCase
	for _, o := range others {
		body := o.body
		if o.name == "Nop" {
			body = "// a swap to the byte order of the machine"
		}
		all = append(all, oneCase{name: o.name, body: plain(body)})
	}
	return all
}

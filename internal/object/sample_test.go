package object

import (
	"encoding/binary"
	"testing"

	"github.com/skep-dev/skep/internal/ctypes"
	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
)

const script = `rawtracepoint:sys_enter
{
	@scalar = twice(add_one(5));	// some text
}`

// ref is an lddw with a reference and an offset.
func ref(dst isa.Reg, kind isa.RefKind, name string, offset int64) isa.Instruction {
	in := isa.LoadImm64(dst, offset<<32)
	in.Ref = isa.Ref{Kind: kind, Name: name}
	return in
}

func call(kind isa.RefKind, name string) isa.Instruction {
	in := isa.CallNumber(0)
	in.Ref = isa.Ref{Kind: kind, Name: name}
	return in
}

func mov(dst, src isa.Reg) isa.Instruction { return isa.ALUReg(isa.Mov, dst, src) }

func set(dst isa.Reg, v int64) isa.Instruction { return isa.ALUImm(isa.Mov, dst, v) }

// sampleInput is an object with everything that Build writes but externs. Its
// program "main_prog" returns 12 when all references are right.
func sampleInput() Input {
	f := source.NewFile("sample.bt", script)
	at := func(start int, insns ...isa.Instruction) []isa.Instruction {
		insns[0].Span = source.Span{File: f, Start: start, End: start + 1}
		return insns
	}
	long := &ctypes.Int{Name: "long", Size: 8, Signed: true}
	u32 := &ctypes.Int{Name: "unsigned int", Size: 4}
	pair := &ctypes.Struct{Name: "pair", Size: 16, Fields: []ctypes.Field{{Name: "a", Type: long}, {Name: "b", Type: long, Offset: 64}}}
	var body []isa.Instruction
	body = append(body, at(27, set(isa.R1, 5), call(isa.RefFunc, "add_one"), mov(isa.R1, isa.R0), call(isa.RefFunc, "twice"), mov(isa.R6, isa.R0))...)
	body = append(body, at(30,
		ref(isa.R1, isa.RefData, "counters", 8),
		isa.StoreReg(8, isa.R1, 0, isa.R6),
		ref(isa.R1, isa.RefMapValue, "scalar", 8),
		isa.StoreReg(8, isa.R1, 0, isa.R6),
		ref(isa.R1, isa.RefData, "table", 0),
		isa.Load(4, isa.R7, isa.R1, 0),
		set(isa.R1, 4), ref(isa.R2, isa.RefFunc, "callback", 0), set(isa.R3, 0), set(isa.R4, 0), isa.CallNumber(181),
	)...)
	body = append(body, at(60,
		isa.StoreImm(4, isa.R10, -4, 7),
		isa.StoreReg(8, isa.R10, -16, isa.R6),
		ref(isa.R1, isa.RefMap, "events", 0),
		mov(isa.R2, isa.R10), isa.ALUImm(isa.Add, isa.R2, -4),
		mov(isa.R3, isa.R10), isa.ALUImm(isa.Add, isa.R3, -16),
		set(isa.R4, 0), isa.CallNumber(2),
		mov(isa.R0, isa.R6), isa.ALUReg(isa.Add, isa.R0, isa.R7), isa.ALUImm(isa.Sub, isa.R0, 0x1234), isa.Return(),
	)...)
	task := &ctypes.Struct{Name: "task_struct", Size: 4, Fields: []ctypes.Field{{Name: "pid", Type: &ctypes.Int{Name: "int", Size: 4, Signed: true}}}}
	return Input{
		License: "GPL",
		Plan:    []byte(`{"version":1}`),
		Funcs: []Func{
			{Name: "main_prog", Section: "raw_tracepoint/sys_enter", Insns: body},
			{Name: "offset_prog", Section: "raw_tracepoint/sys_enter", Insns: at(50, set(isa.R0, 0), isa.Return()),
				CORE: []CORE{{Insn: 0, Kind: COREFieldOffset, Type: task, Access: "0:0"}}},
			{Name: "pad", Static: true, Insns: []isa.Instruction{set(isa.R0, 0), isa.Return()}},
			{Name: "add_one", Static: true, Insns: at(20, mov(isa.R0, isa.R1), isa.ALUImm(isa.Add, isa.R0, 1), isa.Return())},
			{Name: "twice", Insns: at(21, mov(isa.R0, isa.R1), isa.ALUReg(isa.Add, isa.R0, isa.R1), call(isa.RefFunc, "pad"), mov(isa.R0, isa.R6), isa.Return()),
				Proto: &ctypes.Func{Name: "twice", Result: u32, Params: []ctypes.Param{{Name: "x", Type: u32}}}},
			{Name: "callback", Static: true, Insns: []isa.Instruction{set(isa.R0, 0), isa.Return()}},
		},
		Maps: []Map{
			{Name: "events", Type: 1, KeySize: 4, ValueSize: 8, MaxEntries: 16, Key: u32, Value: long},
			{Name: "scalar", Type: 2, KeySize: 4, ValueSize: 16, MaxEntries: 1, Value: pair},
			{Name: "ring", Type: 27, MaxEntries: 4096},
			{Name: "percpu", Type: 6, KeySize: 4, ValueSize: 8, MaxEntries: 3},
		},
		Data: []Data{
			{Name: "counters", Section: ".bss", Bytes: make([]byte, 16), Align: 8, Type: pair},
			{Name: "odd", Section: ".rodata", Bytes: []byte{1, 2, 3}},
			{Name: "table", Section: ".rodata", Bytes: []byte{0x34, 0x12, 0, 0, 1, 0, 0, 0}, Align: 4, Type: &ctypes.Array{Elem: u32, Len: 2}},
		},
	}
}

// sample builds the object of sampleInput.
func sample(t testing.TB) []byte {
	t.Helper()
	in := sampleInput()
	// twice keeps its argument over the call in R6.
	tw := &in.Funcs[4]
	tw.Insns = []isa.Instruction{
		tw.Insns[0], tw.Insns[1], mov(isa.R6, isa.R0), call(isa.RefFunc, "pad"), mov(isa.R0, isa.R6), isa.Return(),
	}
	data, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func bigSample(t testing.TB) []byte {
	t.Helper()
	in := sampleInput()
	in.Order = binary.BigEndian
	data, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

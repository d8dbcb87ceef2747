package inspect

import "testing"

func TestDisassemble(t *testing.T) {
	sym := func(a uint64) (string, uint64) {
		if a == 0x1010 {
			return "target", 0x1010
		}
		return "", 0
	}
	for _, c := range []struct {
		arch string
		code []byte
		want []string
	}{
		{"amd64", []byte{0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xc3}, []string{"endbr64", "push %rbp", "mov %rsp,%rbp", "retq"}},
		{"amd64", []byte{0xe8, 0x0b, 0, 0, 0, 0x06}, []string{"callq target", ".byte 0x06"}},
		{"arm64", []byte{0xc0, 0x03, 0x5f, 0xd6, 0x03, 0, 0, 0x14, 0xff}, []string{"ret", "b target", ".byte 0xff"}},
	} {
		got, err := Disassemble(c.arch, c.code, 0x1000, sym)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i, in := range got {
			if i >= len(c.want) || in.Text != c.want[i] {
				t.Errorf("%s: instruction %d is %q, want %q", c.arch, i, in.Text, c.want)
				break
			}
			n += len(in.Bytes)
		}
		if n != len(c.code) || len(got) != len(c.want) {
			t.Errorf("%s: %d bytes in %d instructions, want %d in %d", c.arch, n, len(got), len(c.code), len(c.want))
		}
	}
	if _, err := Disassemble("mips", []byte{0}, 0, nil); err == nil {
		t.Error("mips is disassembled")
	}
}

func FuzzDisassemble(f *testing.F) {
	f.Add([]byte{0xf3, 0x0f, 0x1e, 0xfa, 0x55})
	f.Add([]byte{0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5})
	f.Fuzz(func(t *testing.T, code []byte) {
		for _, arch := range []string{"amd64", "arm64"} {
			insns, err := Disassemble(arch, code, 0xffffffffc0000000, nil)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, in := range insns {
				if in.Offset != n || in.Text == "" {
					t.Fatalf("%s: %+v at %d", arch, in, n)
				}
				n += len(in.Bytes)
			}
			if n != len(code) {
				t.Fatalf("%s: %d of %d bytes", arch, n, len(code))
			}
		}
	})
}

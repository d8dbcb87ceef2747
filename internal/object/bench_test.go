package object

import "testing"

func BenchmarkBuild(b *testing.B) {
	in := sampleInput()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := sample(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSpec(b *testing.B) {
	data := sample(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Spec(data); err != nil {
			b.Fatal(err)
		}
	}
}

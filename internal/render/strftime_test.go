package render

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skep-dev/skep/internal/testkit"
)

func TestAppendTime(t *testing.T) {
	at := time.Date(2024, 2, 9, 15, 4, 5, 123456789, time.FixedZone("CET", 3600))
	for _, c := range []struct{ format, want string }{
		{"%H:%M:%S\n", "15:04:05\n"}, {"%m/%d/%y", "02/09/24"}, {"%F %T %z %Z", "2024-02-09 15:04:05 +0100 CET"},
		{"%a %A %b %B %h", "Fri Friday Feb February Feb"}, {"%c|%x|%X|%D|%R|%r", "Fri Feb  9 15:04:05 2024|02/09/24|15:04:05|02/09/24|15:04|03:04:05 PM"},
		{"%e|%k|%l|%I|%j|%C|%p|%P", " 9|15| 3|03|040|20|PM|pm"}, {"%u %w %U %W %V %G %g", "5 5 05 06 06 2024 24"},
		{"%s", "1707487445"}, {"%n%t%%", "\n\t%"}, {"%-d %_m %0e %-H", "9  2 09 15"}, {"%5Y|%_5d|%05d|%-5d|%10A|%010b", "02024|    9|00009|    9|    Friday|0000000Feb"},
		{"%^a %#B %#p %#Z %^B", "FRI FEBRUARY pm cet FEBRUARY"}, {"%EY %Od %Ey", "2024 09 24"},
		{"%f %i %Q %", "%f %i %Q %"}, {"%5", "%5"}, {"%-", "%-"}, {"é%H", "é15"}, {"%+", "Fri Feb  9 15:04:05 CET 2024"},
	} {
		if got := string(AppendTime(nil, c.format, at)); got != c.want {
			t.Errorf("%q: %q, want %q", c.format, got, c.want)
		}
	}
	if got := string(AppendTimestamp(nil, "%S.%f %l %k %%f %i", at)); got != "05.123456 123 123456789 %f %i" {
		t.Errorf("extensions: %q", got)
	}
	before := time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := string(AppendTime(nil, "%Y %y %C", before)); got != "-5 95 -1" {
		t.Errorf("negative year: %q", got)
	}
}

// TestAppendTimeLikeDate compares with date(1), whose formats are those of
// strftime.
func TestAppendTimeLikeDate(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("date(1) is GNU's on Linux only")
	}
	date := testkit.NeedsTool(t, "date")
	format := "%a %A %b %B %c %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M %p %P %r %R %s %S %T %u %U %V %w %W %x %X %y %Y %z %Z %-d %_m %05e %^a %#Z"
	var at []int64
	for day := range int64(800) {
		at = append(at, 1_546_300_800+day*86400+day*3671)
	}
	var in strings.Builder
	for _, s := range at {
		fmt.Fprintf(&in, "@%d\n", s)
	}
	cmd := exec.Command(date, "-u", "-f", "-", "+"+format)
	cmd.Stdin = strings.NewReader(in.String())
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(at) {
		t.Fatalf("%d lines for %d times", len(lines), len(at))
	}
	for i, s := range at {
		if got := string(AppendTime(nil, format, time.Unix(s, 0).UTC())); got != lines[i] {
			t.Fatalf("%d:\n%s\nwant\n%s", s, got, lines[i])
		}
	}
}

func FuzzAppendTime(f *testing.F) {
	f.Add("%a %^5Ey%-_0#H%f%", int64(0))
	f.Fuzz(func(t *testing.T, format string, s int64) {
		if strings.Count(format, "%") > 8 {
			return
		}
		at := time.Unix(s, 1).UTC()
		AppendTime(nil, format, at)
		AppendTimestamp(nil, format, at)
	})
}

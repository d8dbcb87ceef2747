package render

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// PasswdFile names users from a file in the form of /etc/passwd. It reads the
// file when it is first needed, and again when the file has changed since and
// a name is missing. It is for one goroutine.
type PasswdFile struct {
	path  string
	names map[uint64]string
	read  time.Time // modification time of what was read
	err   error
}

// NewPasswdFile returns the names in the file at path.
func NewPasswdFile(path string) *PasswdFile { return &PasswdFile{path: path} }

// Username returns the name of a user, "" when it has none or the file can't
// be read; see Err.
func (p *PasswdFile) Username(uid uint64) string {
	if name, ok := p.names[uid]; ok {
		return name
	}
	p.reload()
	return p.names[uid]
}

// Err returns the error of the last attempt to read the file.
func (p *PasswdFile) Err() error { return p.err }

func (p *PasswdFile) reload() {
	info, err := os.Stat(p.path)
	if err != nil {
		p.err = err
		return
	}
	if p.names != nil && info.ModTime().Equal(p.read) {
		return
	}
	data, err := os.ReadFile(p.path)
	if p.err = err; err != nil {
		return
	}
	p.names, p.read = map[uint64]string{}, info.ModTime()
	for line := range bytes.Lines(data) {
		fields := bytes.SplitN(line, []byte(":"), 4)
		if len(fields) < 3 {
			continue
		}
		uid, err := strconv.ParseUint(string(fields[2]), 10, 64)
		if err != nil {
			continue // a comment, or an NIS entry
		}
		if _, ok := p.names[uid]; !ok {
			p.names[uid] = string(fields[0])
		}
	}
}

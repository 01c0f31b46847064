// Command gen writes versions of a large register in the form of a blocklist, always
// the same for the same numbers: as CSV in UTF-8 and in windows-1251, lines of JSON, a
// JSON array, XML, and a domain a line. What differs between the first two is in
// expected.json.
//
//	go run ./bench/gen [-csv] [-versions N] [-added N] [-removed N] [-changed N] [-wide N] ROWS DIR
//
// With -wide an address has N characters, so that a body is large with few rows.
// A version after the second adds fewer rows, by as many as each removes: a removal is
// told of when two versions are without the entry, so that with each version there is
// as much to tell.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type row struct {
	id                               int
	ip, domain, url, auth, dec, date string
}

var (
	auths = []string{"ФНС", "Роскомнадзор", "Генпрокуратура", "суд", "МВД", "Роспотребнадзор", "Росалкогольрегулирование", "Минкомсвязь", "Росмолодежь", "Росздравнадзор", "Мосгорсуд", "Генеральная прокуратура Российской Федерации"}
	syl   = []string{"ka", "zi", "no", "bet", "lot", "win", "max", "vul", "kan", "pin", "az", "ino", "slot", "x", "joy", "bo", "ru", "mir", "dar", "tor", "film", "kin", "go", "ly", "press", "med"}
	tlds  = []string{".com", ".ru", ".net", ".org", ".xyz", ".top", ".info", ".club", ".online", ".casino"}
)

func ip(r *rand.Rand) string {
	return strconv.Itoa(1+r.IntN(223)) + "." + strconv.Itoa(r.IntN(256)) + "." + strconv.Itoa(r.IntN(256)) + "." + strconv.Itoa(1+r.IntN(254))
}

func ips(r *rand.Rand) string {
	var n int
	switch x := r.IntN(100); {
	case x < 55:
		n = 1
	case x < 85:
		n = 2
	case x < 95:
		n = 4
	case x < 99:
		n = 8
	default:
		n = 24
	}
	var b strings.Builder
	for i := 0; i < n; i++ {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(ip(r))
	}
	return b.String()
}

func date(r *rand.Rand) string {
	return fmt.Sprintf("%04d-%02d-%02d", 2013+r.IntN(13), 1+r.IntN(12), 1+r.IntN(28))
}

func mk(r *rand.Rand, i, wide int) row {
	var d strings.Builder
	for k := 2 + r.IntN(3); k > 0; k-- {
		d.WriteString(syl[r.IntN(len(syl))])
	}
	if r.IntN(3) == 0 {
		d.WriteByte('-')
	}
	d.WriteString(strconv.FormatInt(int64(i), 36))
	d.WriteString(tlds[r.IntN(len(tlds))])
	dom := d.String()
	u := ""
	switch x := r.IntN(100); {
	case x < 45:
		u = "http://" + dom + "/"
	case x < 75:
		u = "https://" + dom + "/" + syl[r.IntN(len(syl))] + "/" + strconv.Itoa(r.IntN(1e6)) + ".html"
	case x < 80:
		u = "http://" + dom + "/?q=" + syl[r.IntN(len(syl))] + ";p=" + strconv.Itoa(r.IntN(999)) // needs quoting
	case x < 81:
		u = "http://" + dom + "/\"" + syl[r.IntN(len(syl))] + "\"" // needs quote doubling
	}
	// Cyrillic path in some
	if u != "" && r.IntN(50) == 0 {
		u += "новости"
	}
	if len(u) < wide {
		long := bytes.NewBufferString(cmp.Or(u, "http://"+dom))
		for long.Len() < wide {
			long.WriteString("/" + syl[r.IntN(len(syl))] + strconv.Itoa(r.IntN(1e4)))
		}
		u = long.String()[:wide]
	}
	a := auths[r.IntN(len(auths))]
	var dec string
	switch r.IntN(3) {
	case 0:
		dec = fmt.Sprintf("2-6-27/ %04d-%02d-%02d-%d-АИ", 2013+r.IntN(13), 1+r.IntN(12), 1+r.IntN(28), i)
	case 1:
		dec = fmt.Sprintf("27-31-%04d/Ид%d-%02d", 2013+r.IntN(13), i, r.IntN(99))
	default:
		dec = fmt.Sprintf("%d", 1000000+i)
	}
	return row{id: 10000000 + i*7, ip: ips(r), domain: dom, url: u, auth: a, dec: dec, date: date(r)}
}

var cp [0x500]byte

func init() { //nolint:gochecknoinits // a table
	for i := 0; i < 128; i++ {
		cp[i] = byte(i)
	}
	for c := 'А'; c <= 'я'; c++ {
		cp[c] = byte(0xC0 + c - 'А')
	}
	cp['ё'] = 0xB8
	cp['Ё'] = 0xA8
}

func q(s string, sep byte) string {
	if strings.IndexByte(s, sep) >= 0 || strings.IndexByte(s, '"') >= 0 {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func must(e error) {
	if e != nil {
		panic(e)
	}
}

// file is one of the files of a version.
type file struct {
	*bufio.Writer
	file *os.File
}

func create(dir, name string, wanted bool) file {
	path := filepath.Join(dir, name)
	if !wanted {
		path = os.DevNull
	}
	f, e := os.Create(path)
	must(e)
	return file{bufio.NewWriterSize(f, 1<<20), f}
}

func (f file) close() {
	must(f.Flush())
	must(f.file.Close())
}

// write writes one version in every form, or as CSV in UTF-8 alone.
func write(dir, name string, rows []*row, all bool) {
	cyrillic, utf8, lines := create(dir, name+".cp1251.csv", all), create(dir, name+".csv", true), create(dir, name+".jsonl", all)
	array, markup, text := create(dir, name+".json", all), create(dir, name+".xml", all), create(dir, name+".txt", all)
	fmt.Fprintf(cyrillic, "Updated: 2026-01-0%s 00:00:00 +0000\n", name[1:])
	fmt.Fprintf(utf8, "id,ip,domain,url,authority,decision,date\n")
	fmt.Fprint(array, "[")
	fmt.Fprint(markup, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<register>\n")
	buf := make([]byte, 0, 4096)
	for i, r := range rows {
		buf = buf[:0]
		l := q(r.ip, ';') + ";" + q(r.domain, ';') + ";" + q(r.url, ';') + ";" + q(r.auth, ';') + ";" + q(r.dec, ';') + ";" + r.date + "\n"
		for _, c := range l {
			buf = append(buf, cp[c])
		}
		_, _ = cyrillic.Write(buf)
		_, _ = utf8.WriteString(strconv.Itoa(r.id) + "," + q(r.ip, ',') + "," + q(r.domain, ',') + "," + q(r.url, ',') + "," + q(r.auth, ',') + "," + q(r.dec, ',') + "," + r.date + "\n")
		object := r.json()
		_, _ = lines.Write(append(object, '\n'))
		if i > 0 {
			_ = array.WriteByte(',')
		}
		_, _ = array.Write(append([]byte("\n"), object...))
		fmt.Fprintf(markup, "<content id=\"%d\"><ip>%s</ip><domain>%s</domain><url>%s</url><authority>%s</authority><decision>%s</decision><date>%s</date></content>\n",
			r.id, r.ip, r.domain, html.EscapeString(r.url), r.auth, r.dec, r.date)
		_, _ = text.WriteString(r.domain + "\n")
	}
	fmt.Fprint(array, "\n]\n")
	fmt.Fprint(markup, "</register>\n")
	for _, f := range []file{cyrillic, utf8, lines, array, markup, text} {
		f.close()
	}
}

func (r *row) json() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	must(enc.Encode(struct {
		ID        int    `json:"id"`
		IP        string `json:"ip"`
		Domain    string `json:"domain"`
		URL       string `json:"url"`
		Authority string `json:"authority"`
		Decision  string `json:"decision"`
		Date      string `json:"date"`
	}{r.id, r.ip, r.domain, r.url, r.auth, r.dec, r.date}))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// share is what was asked for, or else what is usual.
func share(asked, usual int) int {
	if asked < 0 {
		return usual
	}
	return asked
}

// next gives the version after old: without some of its rows, with some changed and
// some new ones, in another order; and how many fields were changed. The date is one
// that no row had.
func next(r *rand.Rand, date string, old, began []*row, rem, mod int) (p []*row, fields int) {
	p = make([]*row, len(old))
	copy(p, old)
	r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	p = p[:len(p)-rem] // the last ones go, and those before them change
	for i := range mod {
		c := *p[len(p)-1-i]
		switch i % 5 {
		case 0, 1, 2:
			c.ip = c.ip + " | " + ip(r)
			fields++
		case 3:
			c.date = date
			fields++
		case 4: // two fields at once
			c.ip = c.ip + " | " + ip(r)
			c.date = date
			fields += 2
		}
		p[len(p)-1-i] = &c
	}
	p = append(p, began...)
	r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	return p, fields
}

func main() {
	added := flag.Int("added", -1, "rows that the second version adds; a thousandth of all")
	removed := flag.Int("removed", -1, "rows that each version is without; a two-thousandth")
	changed := flag.Int("changed", -1, "rows whose address or date differs; a two-thousandth")
	only := flag.Bool("csv", false, "write CSV in UTF-8 alone")
	wide := flag.Int("wide", 0, "characters of each address; as many as it takes")
	versions := flag.Int("versions", 2, "versions to write, 2 to 9")
	flag.Parse()
	if flag.NArg() != 2 || *versions < 2 || *versions > 9 {
		flag.Usage()
		os.Exit(2)
	}
	n, e := strconv.Atoi(flag.Arg(0))
	must(e)
	dir := flag.Arg(1)
	must(os.MkdirAll(dir, 0o755))
	r := rand.New(rand.NewPCG(42, uint64(n)))
	add, rem, mod := share(*added, n/1000), share(*removed, n/2000), share(*changed, n/2000)
	if *versions > 2 && add < rem {
		fmt.Fprintln(os.Stderr, "gen: of more than two versions each must add as many rows as it removes, or more")
		os.Exit(2)
	}
	all := make([]row, n+add)
	for i := range all {
		all[i] = mk(r, i, *wide)
	}
	old := make([]*row, n)
	for i := range old {
		old[i] = &all[i]
	}
	r.Shuffle(n, func(i, j int) { old[i], old[j] = old[j], old[i] })
	write(dir, "v1", old, !*only)
	began := make([]*row, add)
	for i := range began {
		began[i] = &all[n+i]
	}
	p, fields := next(r, "2026-01-02", old, began, rem, mod) // base dates end in 2025
	write(dir, "v2", p, !*only)
	later := p
	for v := 3; v <= *versions; v++ {
		began = began[:0]
		for i := range add - rem {
			another := mk(r, n+(v-2)*add+i, *wide)
			began = append(began, &another)
		}
		later, _ = next(r, fmt.Sprintf("2026-01-%02d", v), later, began, rem, mod)
		write(dir, "v"+strconv.Itoa(v), later, !*only)
	}
	b, _ := json.Marshal(map[string]int{"old_rows": n, "new_rows": len(p), "added": add, "removed": rem, "modified": mod, "modified_fields": fields})
	must(os.WriteFile(filepath.Join(dir, "expected.json"), append(b, '\n'), 0o644))
	fmt.Println(string(b))
}

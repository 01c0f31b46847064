package format

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestHTML(t *testing.T) {
	html := func(rows string, from ...string) register.Definition {
		return define(register.Parse{Format: "html", Rows: rows}, names(from...))
	}
	table := `<h1>List</h1><table id=l><thead><tr><th>Name <th>Web
 site<th>Since</thead><tbody><tr><td>A &amp; B<td><a href=" https://a.example/ ">a.example</a><td>2020
<tr><td>C<br>D<td>c.example<td></table><table><tr><td>other</table>`
	grid := `<table><tr><th>Kind<th>Name<th colspan=2>Phones</tr><tr><td rowspan=2>shop<td>A<td>1<td>2</tr><tr><td>B<td>3<td></tr><tr><th>Kind<th>Name<th colspan=2>Phones</tr><tr><td>bank<td>C<td><td>4</tr></table>`
	for _, c := range []readCase{
		{
			"header cells", html("#l tr", "Web site", "Name"), table,
			result{Rows: [][]string{{"a.example", "A & B"}, {"c.example", "C\nD"}}, Lines: []int{1, 2}, Unread: []string{"Since"}},
		},
		{
			"selectors and attributes", html("#l tbody tr", "td:first-child", "a@href", "td:nth-child(2)"), table,
			result{Rows: [][]string{{"A & B", "https://a.example/", "a.example"}, {"C\nD", "", "c.example"}}, Unread: []string{"Since"}},
		},
		{
			"a header that is not there", html("#l tr", "Name", "Address"), table,
			result{Rows: [][]string{{"A & B", ""}, {"C\nD", ""}}, Missing: []string{"Address"}, Unread: []string{"Web site", "Since"}},
		},
		{
			"spans, and a header that is repeated", html("table tr", "Kind", "Name"), grid,
			result{Rows: [][]string{{"shop", "A"}, {"shop", "B"}, {"bank", "C"}}, Unread: []string{"Phones"}},
		},
		{"columns by index", define(register.Parse{Format: "html"}, indexes(0, 3)), grid, result{Rows: [][]string{{"shop", "2"}, {"shop", ""}, {"bank", "4"}}, Unread: []string{"Name"}}},
		{"a first row of td that names columns", html("", "Name"), `<table><tr><td>No<td>Name<tr><td>1<td>X</table>`, result{Rows: [][]string{{"X"}}, Unread: []string{"No"}}},
		{"a list, whose elements are the rows", html("ul.x li", "."), `<ul class=x><li> a  <b>b</b><script>x()</script><!-- c --><li>d</ul><ul><li>e</ul>`, result{Rows: [][]string{{"a b"}, {"d"}}}},
		{"repeats", html("div", "i", "span"), `<div><i>1</i> <i>2</i><i></i></div><div><span>x</span></div>`, result{Rows: [][]string{{"1 + 2", ""}, {"", "x"}}}},
		{"a selector that no row has", html("div", "b"), `<div><i>1</i></div>`, result{Rows: [][]string{{""}}, Missing: []string{"b"}}},
		{"no rows, nothing missing", html("div.x", "b"), `<div><i>1</i></div>`, result{}},
		{"deep", html("tr", "b"), strings.Repeat("<div>", 600), result{Err: "not HTML that we read"}},
		{"plaintext swallows the rest, as in a browser", html("li", "."), `<ul><li>a<plaintext><li>b`, result{Rows: [][]string{{"a<li>b"}}}},
		{
			"a span without measure", define(register.Parse{Format: "html"}, indexes(0)), strings.Repeat("<table><tr>"+strings.Repeat("<td colspan=1000 rowspan=65534>", 20)+strings.Repeat("<tr>", 20), 1),
			result{Rows: func() (rows [][]string) {
				for range 21 {
					rows = append(rows, []string{""})
				}
				return rows
			}()},
		},
	} {
		c.run(t)
	}
}

func TestHTMLTotal(t *testing.T) {
	def := define(register.Parse{Format: "html"}, names("td"))
	def.Expect.Total = "p.total"
	r, errs := New(def)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reading, err := r.Read(t.Context(), strings.NewReader(`<p class=total>In all <b>1 234</b> entries</p>`), func(Row) error { return nil })
	if err != nil || reading.Total != "In all 1 234 entries" {
		t.Errorf("total %q, %v", reading.Total, err)
	}
}

func FuzzHTML(f *testing.F) {
	fuzz(f, []register.Definition{
		define(register.Parse{Format: "html"}, names("A", "td:nth-child(2)", "a@href", ".")),
		define(register.Parse{Format: "html", Rows: "li, tr"}, indexes(0, 2)),
	}, `<table><tr><th>A<th>B<tr><td>1<td>2</table>`, `<table><tr><td colspan=9999 rowspan=0>x<table><tr><td>y`, `<select><table><tr><td>`, "<li>a<li>b", "<plaintext>")
}

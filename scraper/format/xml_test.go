package format

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestXML(t *testing.T) {
	xml := func(rows string, from ...string) register.Definition {
		return define(register.Parse{Format: "xml", Rows: rows}, names(from...))
	}
	list := `<?xml version="1.0" encoding="windows-1251"?>
<LIST xmlns:x="urn:x" dateGenerated="2026-02-27">
  <PEOPLE>
    <PERSON x:kind="a">
      <ID>1</ID>
      <ALIAS><NAME>Ann</NAME></ALIAS>
      <ALIAS><NAME/></ALIAS>
      <ALIAS><NAME>Anna &amp; Co</NAME></ALIAS>
    </PERSON>
  </PEOPLE>
  <FIRMS><FIRM><x:ID>2</x:ID><NOTE>first<br/>second</NOTE></FIRM></FIRMS>
</LIST>`
	for _, c := range []readCase{
		{
			"nested elements, two kinds of entries", xml("LIST/PEOPLE/PERSON | /LIST/FIRMS/FIRM", "ID", "ALIAS/NAME", "@kind"), list,
			result{Rows: [][]string{{"1", "Ann + Anna & Co", "a"}, {"2", "", ""}}, Lines: []int{4, 11}, Unread: []string{"NOTE"}},
		},
		{
			"any element, any step", xml("*/*/*", "*/NAME", "NOTE"), list,
			result{Rows: [][]string{{"Ann + Anna & Co", ""}, {"", "first  second"}}, Unread: []string{"@kind", "ID", "ALIAS"}},
		},
		{"the text of all within", xml("r/e", "."), `<r><e>a<b>c</b>d</e></r>`, result{Rows: [][]string{{"a c d"}}, Unread: []string{"b"}}},
		{"a column that no row has", xml("LIST/FIRMS/FIRM", "ID", "NAME"), list, result{Rows: [][]string{{"2", ""}}, Missing: []string{"NAME"}, Unread: []string{"NOTE"}}},
		{"by default each child of the root", xml("", "."), `<r><e>1</e><e>2</e></r>`, result{Rows: [][]string{{"1"}, {"2"}}}},
		{"cut", xml("", "."), "<r><e>1</e>\n<e>2", result{Rows: [][]string{{"1"}}, Err: "line 2: not XML"}},
		{"an entity that the document declares", xml("", "."), `<!DOCTYPE r [<!ENTITY x "yyyy"><!ENTITY z SYSTEM "file:///etc/passwd">]><r><e>&x;&z;</e></r>`, result{Err: "not XML: invalid character entity"}},
		{"deep", xml("", "."), strings.Repeat("<a>", 200000), result{Err: "nested deeper than 256"}},
		{"no element", xml("", "."), "Service unavailable", result{Err: "not XML: there is no element"}},
		{"no rows, nothing missing", xml("r/e", "ID"), "<r/>", result{}},
	} {
		c.run(t)
	}
}

func FuzzXML(f *testing.F) {
	fuzz(f, []register.Definition{
		define(register.Parse{Format: "xml"}, names(".", "a", "b/@c")),
		define(register.Parse{Format: "xml", Rows: "r/*/e|r/e"}, names("*/x")),
	}, `<r><e><a>1</a><b c="2"/></e></r>`, `<!DOCTYPE r [<!ENTITY x "&x;">]><r>&x;</r>`, `<r><![CDATA[<e>]]></r>`, "<?xml encoding='utf-16'?><r/>")
}

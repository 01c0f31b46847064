package notifier

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/regwatch/regwatch/register"
)

// maxConditionNodes bounds the size of an expression.
const maxConditionNodes = 200

// Names that an expression has beside the entry's fields.
const (
	nameKind     = "kind"
	nameRegister = "register"
)

// aboutRegister is `register` in an expression.
type aboutRegister struct {
	ID        string   `expr:"id"`
	Country   string   `expr:"country"`
	Topics    []string `expr:"topics"`
	Authority string   `expr:"authority"`
}

// condition is a compiled `when`: every name in it is a text, save `register`,
// so that mistakes of type show when it is read and not when it is asked.
type condition struct {
	program *vm.Program
	fields  []string // names that it asks of an entry
}

// compile reads an expression. The error is one line.
func compile(text string) (*condition, error) {
	settings := conf.CreateNew()
	settings.MaxNodes = maxConditionNodes
	tree, err := parser.ParseWithConfig(text, settings)
	if err != nil {
		return nil, oneLine(err)
	}
	found := &names{seen: map[string]bool{nameKind: true, nameRegister: true}}
	ast.Walk(&tree.Node, found)
	env := map[string]any{nameKind: "", nameRegister: aboutRegister{}}
	for _, name := range found.fields {
		if name == "$env" { // is not typed
			return nil, errors.New("$env is not to be used: name the field itself")
		}
		env[name] = ""
	}
	program, err := expr.Compile(text, expr.Env(env), expr.AsBool(), expr.MaxNodes(maxConditionNodes))
	if err != nil {
		return nil, oneLine(err)
	}
	return &condition{program: program, fields: found.fields}, nil
}

// holds asks the condition about a change.
func (c *condition) holds(change register.Change, facts RegisterFacts) (bool, error) {
	entry := change.After
	if change.Kind == register.Removed {
		entry = change.Before
	}
	env := map[string]any{
		nameKind:     string(change.Kind),
		nameRegister: aboutRegister{ID: change.Register, Country: facts.Country, Topics: facts.Topics, Authority: facts.Authority},
	}
	for _, name := range c.fields {
		env[name] = entry.Get(name)
	}
	result, err := expr.Run(c.program, env)
	if err != nil {
		return false, oneLine(err)
	}
	return result == true, nil
}

// names collects what an expression takes for a field of the entry.
type names struct {
	fields []string
	seen   map[string]bool
}

// Visit sees the parts of a node before the node itself, so that the name of a
// variable or a function may have been taken for a field.
func (n *names) Visit(node *ast.Node) {
	switch part := (*node).(type) {
	case *ast.VariableDeclaratorNode:
		n.forget(part.Name)
	case *ast.CallNode:
		if name, ok := part.Callee.(*ast.IdentifierNode); ok {
			n.forget(name.Value)
		}
	case *ast.IdentifierNode:
		if !n.seen[part.Value] {
			n.seen[part.Value] = true
			n.fields = append(n.fields, part.Value)
		}
	}
}

// forget takes a name for a variable or a function of the expression's own.
func (n *names) forget(name string) {
	kept := n.fields[:0]
	for _, field := range n.fields {
		if field != name {
			kept = append(kept, field)
		}
	}
	n.fields = kept
	n.seen[name] = true
}

// oneLine leaves out the picture that expr draws below its messages.
func oneLine(err error) error {
	if e, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Errorf("column %d: %s", e.Column+1, Visible(e.Message))
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(Visible(text))
}

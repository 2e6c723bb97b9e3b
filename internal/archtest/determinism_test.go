package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// unordered are functions whose result has a map's order; slices.Sorted around them gives it one.
var unordered = []string{"All", "Keys", "Values"}

// checkDeterministic finds code that may differ between two nodes that run the same block: floating point (its rounding
// may, by architecture), the order of a map, and channels.
func checkDeterministic(pkg *packages.Package) []finding {
	s := &scan{pkg: pkg}
	for _, file := range s.files() {
		sorted := s.sorted(file)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				s.ranging(n)
			case *ast.SelectStmt:
				s.add(n.Pos(), "select in the state machine")
			case *ast.ChanType:
				s.add(n.Pos(), "channel in the state machine")
			case *ast.SendStmt:
				s.add(n.Pos(), "send in the state machine")
			case *ast.CallExpr:
				if s.calls(n, "maps", unordered...) && !sorted[n] {
					s.add(n.Pos(), "order of a map in the state machine")
				}
			}
			if expression, ok := n.(ast.Expr); ok {
				s.expression(expression)
			}
			return true
		})
	}
	return oncePerLine(s.found)
}

// ranging checks what a loop ranges over.
func (s *scan) ranging(loop *ast.RangeStmt) {
	switch s.pkg.TypesInfo.TypeOf(loop.X).Underlying().(type) {
	case *types.Map:
		s.add(loop.Pos(), "order of a map in the state machine")
	case *types.Chan:
		s.add(loop.Pos(), "channel in the state machine")
	}
}

// expression finds receives, and values, types and literals of floating point.
func (s *scan) expression(expression ast.Expr) {
	if receive, ok := expression.(*ast.UnaryExpr); ok && receive.Op == token.ARROW {
		s.add(expression.Pos(), "receive in the state machine")
	}
	if literal, ok := expression.(*ast.BasicLit); ok && (literal.Kind == token.FLOAT || literal.Kind == token.IMAG) {
		s.add(expression.Pos(), "floating point in the state machine")
	}
	known := s.pkg.TypesInfo.TypeOf(expression)
	if known == nil {
		return
	}
	if basic, ok := known.Underlying().(*types.Basic); ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 {
		s.add(expression.Pos(), "floating point in the state machine")
	}
}

// sorted returns the calls that are direct arguments of slices.Sorted.
func (s *scan) sorted(file *ast.File) map[*ast.CallExpr]bool {
	calls := make(map[*ast.CallExpr]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if outer, ok := n.(*ast.CallExpr); ok && s.calls(outer, "slices", "Sorted") {
			if inner, ok := outer.Args[0].(*ast.CallExpr); ok {
				calls[inner] = true
			}
		}
		return true
	})
	return calls
}

// calls reports whether a call is of one of a package's functions.
func (s *scan) calls(call *ast.CallExpr, path string, names ...string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	function, ok := s.pkg.TypesInfo.Uses[selector.Sel].(*types.Func)
	return ok && function.Pkg() != nil && function.Pkg().Path() == path && slices.Contains(names, function.Name())
}

// oncePerLine drops repeated findings on the same line.
func oncePerLine(found []finding) []finding {
	var kept []finding
	for _, f := range found {
		if !slices.Contains(kept, f) {
			kept = append(kept, f)
		}
	}
	return kept
}

package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// deniedImports are packages of the standard library that do I/O or share memory between goroutines. Packages below
// them are denied too, except allowedImports.
var deniedImports = []string{
	"C", "crypto/rand", "database", "expvar", "io/fs", "io/ioutil", "log", "math/rand", "net", "os", "path/filepath",
	"plugin", "runtime", "sync", "syscall", "testing", "unsafe",
}

// allowedImports are pure although they are below denied ones, and the foreign modules that are known to be pure.
var allowedImports = []string{
	"math/rand/v2", "net/netip", "net/url",
	"github.com/DataDog/sketches-go", "github.com/cloudflare/circl/simd/keccakf1600", "github.com/gowebpki/jcs", "google.golang.org/protobuf",
}

// deniedNames are what pure packages may not use of packages that they may import: clocks, timers, terminals.
var deniedNames = map[string][]string{
	"context": {"AfterFunc", "WithDeadline", "WithDeadlineCause", "WithTimeout", "WithTimeoutCause"},
	"fmt":     {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"time": {"After", "AfterFunc", "LoadLocation", "Local", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick",
		"Until"},
}

// seeded are the functions of math/rand/v2 that make a generator; all others use the global one.
var seeded = []string{"New", "NewChaCha8", "NewPCG", "NewZipf"}

// sentinels are functions whose results are package-level variables that nothing has a reason to change.
var sentinels = []string{"errors.New", "fmt.Errorf", "regexp.MustCompile"}

// tables are the other package-level variables of pure packages: constant data for which Go has no constant. They are
// never assigned to, whole or in part, and their address is never taken.
var tables = []string{"utility.roles"}

// scan walks the source of one package.
type scan struct {
	pkg   *packages.Package
	found []finding
}

func (s *scan) add(at token.Pos, format string, arguments ...any) {
	position := s.pkg.Fset.Position(at)
	s.found = append(s.found, finding{position.Filename, position.Line, fmt.Sprintf(format, arguments...)})
}

// files returns the files that are not generated.
func (s *scan) files() []*ast.File {
	return slices.DeleteFunc(slices.Clone(s.pkg.Syntax), ast.IsGenerated)
}

// checkPure finds clocks, I/O, goroutines, global mutable state and unseeded randomness. Of the variables in allowed it
// returns those that the package has.
func checkPure(pkg *packages.Package, allowed []string) (found []finding, declared []string) {
	s := &scan{pkg: pkg}
	for _, file := range s.files() {
		s.imports(file)
		declared = append(declared, s.variables(file, allowed)...)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				s.use(n)
			case *ast.GoStmt:
				s.add(n.Pos(), "go statement in a pure package")
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					s.add(n.Pos(), "func init in a pure package")
				}
			}
			s.writes(n)
			return true
		})
	}
	return s.found, declared
}

// imports checks the imports of a file. The import table covers the module's own packages.
func (s *scan) imports(file *ast.File) {
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, "`\"")
		host, _, _ := strings.Cut(path, "/")
		foreign := strings.Contains(host, ".") && !strings.HasPrefix(path, modulePath)
		if covers(allowedImports, path) || !foreign && !covers(deniedImports, path) {
			continue
		}
		s.add(spec.Pos(), "import of %s in a pure package", path)
	}
}

func covers(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(parent string) bool { return isAtOrBelow(path, parent) })
}

// use checks one name.
func (s *scan) use(name *ast.Ident) {
	object := s.pkg.TypesInfo.Uses[name]
	if builtin, ok := object.(*types.Builtin); ok && (builtin.Name() == "print" || builtin.Name() == "println") {
		s.add(name.Pos(), "use of %s in a pure package", builtin.Name())
	}
	if object == nil || object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
		return
	}
	path := object.Pkg().Path()
	_, isFunction := object.(*types.Func)
	global := path == "math/rand/v2" && isFunction && !slices.Contains(seeded, object.Name())
	if global || slices.Contains(deniedNames[path], object.Name()) {
		s.add(name.Pos(), "use of %s.%s in a pure package", path, object.Name())
	}
}

// variables checks the package-level variables that a file declares, and returns those that are allowed by name.
func (s *scan) variables(file *ast.File, allowed []string) (declared []string) {
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			spec := spec.(*ast.ValueSpec)
			for i, name := range spec.Names {
				full := strings.TrimPrefix(s.pkg.PkgPath, modulePath) + "." + name.Name
				switch {
				case name.Name == "_", len(spec.Values) == len(spec.Names) && s.sentinel(spec.Values[i]):
				case slices.Contains(allowed, full):
					declared = append(declared, full)
				default:
					s.add(name.Pos(), "package-level variable %s in a pure package", name.Name)
				}
			}
		}
	}
	return declared
}

// sentinel reports whether a value is a call of one of the sentinels.
func (s *scan) sentinel(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	function, ok := s.pkg.TypesInfo.Uses[selector.Sel].(*types.Func)
	return ok && function.Pkg() != nil && slices.Contains(sentinels, function.Pkg().Path()+"."+function.Name())
}

// writes finds assignments to package-level variables, whole or in part, and addresses taken of them.
func (s *scan) writes(n ast.Node) {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		targets = n.Lhs
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.RangeStmt:
		targets = []ast.Expr{n.Key, n.Value}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			targets = []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") {
			targets = n.Args[:1]
		}
	}
	for _, target := range targets {
		if variable := s.global(target); variable != nil {
			s.add(target.Pos(), "package-level variable %s is changed, or may be", variable.Name())
		}
	}
}

// global returns the package-level variable that an expression is a part of, if it is one.
func (s *scan) global(target ast.Expr) *types.Var {
	for {
		switch inner := target.(type) {
		case *ast.ParenExpr:
			target = inner.X
		case *ast.StarExpr:
			target = inner.X
		case *ast.IndexExpr:
			target = inner.X
		case *ast.SelectorExpr:
			if variable := packageLevel(s.pkg.TypesInfo.Uses[inner.Sel]); variable != nil {
				return variable
			}
			target = inner.X
		case *ast.Ident:
			return packageLevel(s.pkg.TypesInfo.Uses[inner])
		default:
			return nil
		}
	}
}

func packageLevel(object types.Object) *types.Var {
	variable, ok := object.(*types.Var)
	if !ok || variable.Pkg() == nil || variable.Parent() != variable.Pkg().Scope() {
		return nil
	}
	return variable
}

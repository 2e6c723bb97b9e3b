package localnet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	moduleRoot = "../.."
	// nobody is the user of the image.
	nobody = 65532
	// patience bounds every wait of these tests.
	patience = time.Minute
)

// program is the binary, built as the Dockerfile does from what the build context holds.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		made, err := os.MkdirTemp("", "localnet-image-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(made)
		// The tests' user needs access to the directory.
		if err := errors.Join(os.Chmod(made, 0o755), buildImage(made)); err != nil {
			fmt.Fprintln(os.Stderr, "build the image's program:", err)
			return 1
		}
		return m.Run()
	}())
}

// buildCommand is the one line of the Dockerfile that builds.
var buildCommand = regexp.MustCompile(`(?m)^RUN CGO_ENABLED=0 go (build .*) -o /image/pocket \./app/pocket \\$`)

func buildImage(directory string) error {
	dockerfile, err := os.ReadFile("Dockerfile")
	if err != nil {
		return err
	}
	match := buildCommand.FindSubmatch(dockerfile)
	if match == nil {
		return errors.New("the Dockerfile has no line that builds the program")
	}
	context := filepath.Join(directory, "context")
	if err := copyContext(context); err != nil {
		return err
	}
	program = filepath.Join(directory, "pocket")
	args := append(strings.Fields(strings.ReplaceAll(string(match[1]), "'", "")), "-o", program, "./app/pocket")
	// The shell's quotes hold one flag with a blank in it.
	args = slices.Replace(args, slices.Index(args, "-ldflags=-s"), slices.Index(args, "-ldflags=-s")+2, "-ldflags=-s -w")
	command := exec.Command("go", args...)
	command.Dir, command.Env = context, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, said)
	}
	return nil
}

// copyContext makes the build context: the module's files but for those that .dockerignore keeps out.
func copyContext(to string) error {
	text, err := os.ReadFile(filepath.Join(moduleRoot, ".dockerignore"))
	if err != nil {
		return err
	}
	var ignored []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ignored = append(ignored, line)
		}
	}
	return filepath.WalkDir(moduleRoot, func(path string, entry fs.DirEntry, err error) error {
		relative, relErr := filepath.Rel(moduleRoot, path)
		if err := errors.Join(err, relErr); err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case slices.ContainsFunc(ignored, func(pattern string) bool { return ignores(pattern, relative) }):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// ignores reports whether a pattern of .dockerignore is a path's: from the root, or, after **/, wherever its last part
// is.
func ignores(pattern, path string) bool {
	if last, anywhere := strings.CutPrefix(pattern, "**/"); anywhere {
		pattern, path = last, filepath.Base(path)
	}
	matches, err := filepath.Match(pattern, path)
	return err == nil && matches
}

// TestImageIsTheProgramAlone: the Dockerfile's last stage contains only what it copies, and its user is nobody.
func TestImageIsTheProgramAlone(t *testing.T) {
	dockerfile, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(dockerfile), "\nFROM scratch\n")
	want := `COPY --from=build --chown=65532:65532 /image/node /node
COPY --from=build /image/etc /etc
COPY --from=build /image/pocket /pocket
USER 65532:65532
ENTRYPOINT ["/pocket"]
`
	if last != want {
		t.Errorf("the image is\n%s\nand the tests make\n%s", last, want)
	}
	module, err := os.ReadFile(filepath.Join(moduleRoot, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if from := fmt.Sprintf("\nFROM golang:%s.", version[1]); !strings.Contains(string(dockerfile), from) {
		t.Errorf("the image is not built by a Go of go.mod's version, as in %q", from)
	}
}

// image returns a directory with the content of the image.
func image(t *testing.T) string {
	t.Helper()
	root := filepath.Join(filepath.Dir(program), t.Name())
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	for _, directory := range []string{"node", "etc/ssl/certs"} {
		if err := os.MkdirAll(filepath.Join(root, directory), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(program, filepath.Join(root, "pocket")); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(root, "node"), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// contained returns a command in the image, as the image's user, with its own environment. If the test runs as root it
// switches to that user; otherwise it uses a user namespace.
func contained(root string, environment []string, args ...string) *exec.Cmd {
	command := exec.Command("/pocket", args...)
	command.Dir, command.Env = "/", environment
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		return command
	}
	command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
	command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
	return command
}

// TestImageRuns: in an empty root and as nobody the program prints its version, writes a node's home, and the node
// makes blocks without any other node.
func TestImageRuns(t *testing.T) {
	root := image(t)
	said, err := contained(root, nil, "version").CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("neither root nor a user namespace is permitted here, so the image is not tested: %v", err)
	}
	if err != nil || !bytes.HasPrefix(said, []byte("pocket ")) {
		t.Fatalf("version: %v: %s", err, said)
	}
	host := newLoopback(t, 1)[0]
	secret := []string{"POCKET_PASSPHRASE=secret"}
	said, err = contained(root, secret, "localnet", "home", "--name", "validator-0", "--home", "/node/home", "--listen-host", host,
		"--validators", "1", "--servicers", "1", "--block-time", "100ms").CombinedOutput()
	if err != nil {
		t.Fatalf("home: %v: %s", err, said)
	}
	node := startProcess(t, contained(root, secret, "node", "start", "--home", "/node/home"))
	api, err := client.New("http://" + host + ":50832")
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	node.await(t, "three blocks", func() bool {
		status, err := api.Status(t.Context())
		return err == nil && status.Height >= 3
	})
	node.stop(t)
}

package command

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// released is the day of the version. Pages bear it, whenever they are made, so that
// the same program writes the same bytes.
var released = time.Date(2026, time.November, 27, 0, 0, 0, 0, time.UTC)

// option is how cobra writes a flag: in running text, with its empty value.
var option = regexp.MustCompile(`(?m)^(?:\.PP\n)?(\\fB-.*?)(?:=""|\[=false\]|=\[\])?\n\t`)

// Man is the command that writes a manual page for each command of the program into a
// directory. The program's own page also has the section that says what it ends with.
func Man(section, version, exits string) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages",
		Long: `Write a manual page for each command into a directory that exists, such as
/usr/local/share/man/man` + section + `; pages that lie there are replaced.`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			root.DisableAutoGenTag = true
			root.Long += "\n\n# EXIT STATUS\n\n" + exits
			var err error
			Each(root, func(c *cobra.Command) {
				if err == nil && (c == root || c.IsAvailableCommand() && c.Name() != "help") {
					err = page(c, section, version, args[0])
				}
			})
			return err
		},
	}
}

func page(c *cobra.Command, section, version, dir string) error {
	var b bytes.Buffer
	h := &doc.GenManHeader{Section: section, Date: &released, Source: "Sigill " + version, Manual: "Sigill"}
	if err := doc.GenMan(c, h, &b); err != nil {
		return err
	}
	text := bytes.Replace(b.Bytes(), []byte(released.Format("Jan 2006")), []byte(released.Format(time.DateOnly)), 1)
	text = option.ReplaceAll(text, []byte(".TP\n$1\n"))
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + "." + section
	err := os.WriteFile(filepath.Join(dir, name), text, 0o644)
	if p := (*fs.PathError)(nil); errors.As(err, &p) { // whoever gave the directory knows it
		return p.Err
	}
	return err
}

package command

import (
	"bytes"
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
// directory, through write. The program's own page also has the section that says what
// it ends with.
func Man(section, version, exits string, write func(path string, page []byte) error) *cobra.Command {
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
					name := strings.ReplaceAll(c.CommandPath(), " ", "-") + "." + section
					var text []byte
					if text, err = page(c, section, version); err == nil {
						err = write(filepath.Join(args[0], name), text)
					}
				}
			})
			return err
		},
	}
}

func page(c *cobra.Command, section, version string) ([]byte, error) {
	var b bytes.Buffer
	h := &doc.GenManHeader{Section: section, Date: &released, Source: "Sigill " + version, Manual: "Sigill"}
	if err := doc.GenMan(c, h, &b); err != nil {
		return nil, err
	}
	text := bytes.Replace(b.Bytes(), []byte(released.Format("Jan 2006")), []byte(released.Format(time.DateOnly)), 1)
	return option.ReplaceAll(text, []byte(".TP\n$1\n")), nil
}

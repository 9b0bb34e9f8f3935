// Package command is what the command lines of both programs have in common: how
// a mistyped command is answered ([Strict]) and the manual pages ([Man]). The tests
// of client/cmd/sigill and server/cmd/sigilld prove it on every command.
package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Usage is a command line that cannot be followed. Nothing has been done. What was
// typed is not repeated: it may be a secret in the wrong place.
type Usage struct {
	Format string // what is wrong, of Args
	Args   []any
}

func (u *Usage) Error() string { return fmt.Sprintf(u.Format, u.Args...) }

// What Strict says; each program may have it in other languages.
const (
	Form     = "the form is: %s"
	NoSuch   = "there is no such command"
	Meant    = "there is no such command; did you mean %s?"
	NoFlag   = "there is no flag %s here"
	NoValue  = "the flag %s needs a value"
	BadValue = "the value of %s is not of its kind"
	BadFlag  = "a flag is written in a wrong way"
	Required = "needed are %s"
)

// Strict makes every command under root answer wrong arguments and flags with a
// [Usage], and a mistyped name with those that are near.
func Strict(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Short: "Help about any command", Args: cobra.ArbitraryArgs,
		Long: "Say what a command does, as its --help does.", Example: "  " + root.Name() + " help completion",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return &Usage{NoSuch, nil}
			}
			if len(rest) > 0 {
				return unknown(c, rest)
			}
			return c.Help()
		}})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	Each(root, func(c *cobra.Command) {
		valid := c.Args
		if valid == nil {
			valid = cobra.NoArgs
		}
		if !c.Runnable() {
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
		c.SuggestionsMinimumDistance = 2
		c.Args = func(c *cobra.Command, args []string) error {
			if valid(c, args) == nil {
				return lacking(c)
			}
			if !c.HasSubCommands() {
				return &Usage{Form, []any{c.UseLine()}}
			}
			return unknown(c, args)
		}
	})
}

// lacking says which flags a command cannot do without and was not given.
func lacking(c *cobra.Command) error {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if must := f.Annotations[cobra.BashCompOneRequiredFlag]; len(must) > 0 && must[0] == "true" && !f.Changed {
			names = append(names, "--"+f.Name)
		}
	})
	if len(names) == 0 {
		return nil
	}
	return &Usage{Required, []any{strings.Join(names, ", ")}}
}

// unknown says that a command has none of that name below it, and which are near.
func unknown(c *cobra.Command, args []string) error {
	var near []string
	for _, name := range c.SuggestionsFor(args[0]) {
		near = append(near, c.CommandPath()+" "+name)
	}
	if len(near) == 0 {
		return &Usage{NoSuch, nil}
	}
	return &Usage{Meant, []any{strings.Join(near, ", ")}}
}

// Each calls visit for a command and all below it.
func Each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		Each(sub, visit)
	}
}

func flagError(err error) error {
	none, value, bad := (*pflag.NotExistError)(nil), (*pflag.ValueRequiredError)(nil), (*pflag.InvalidValueError)(nil)
	switch {
	case errors.As(err, &none):
		if none.GetSpecifiedShortnames() != "" {
			return &Usage{NoFlag, []any{"-" + none.GetSpecifiedName()}}
		}
		return &Usage{NoFlag, []any{"--" + none.GetSpecifiedName()}}
	case errors.As(err, &value):
		return &Usage{NoValue, []any{"--" + value.GetFlag().Name}}
	case errors.As(err, &bad):
		return &Usage{BadValue, []any{"--" + bad.GetFlag().Name}}
	}
	return &Usage{BadFlag, nil}
}

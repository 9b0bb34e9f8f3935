package main

import (
	"strings"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/keys/command"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
)

// completer gives what can be typed next. None asks the server: who completes the id
// of a draft would tell that they have one.
type completer = cobra.CompletionFunc

func files(extensions ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

func oneOf(values ...string) completer {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// inOrder completes each argument in its own way, and none after the last.
func inOrder(list ...completer) completer {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(list) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list[len(args)](c, args, begun)
	}
}

// listOf completes the last of several values with commas between them, each once.
func listOf(values ...string) completer {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndex(begun, ",")+1]
		var out []string
		for _, v := range values {
			if !strings.Contains(","+before, ","+v+",") {
				out = append(out, before+v)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// matters are the author's own, by the random names in the home directory.
func (a *app) matters(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	if a.settle() != nil || a.homePath() == "" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return client.MatterNames(a.homePath()), cobra.ShellCompDirectiveNoFileComp
}

// complete says of all commands how their arguments and flags are completed: nothing
// is, where only the server would know.
func (a *app) complete(root *cobra.Command) {
	var grounds []string
	for _, g := range order.Grounds() {
		grounds = append(grounds, string(g))
	}
	parts := listOf(strings.Split(sectionNames(record.All()), ",")...)
	documents := files("yaml", "yml", "signed")
	arguments := map[string]completer{
		"keys new": inOrder(oneOf(useNames()...), files("age")), "keys import": inOrder(oneOf(useNames()...), files("age")),
		"keys show": files("age"), "keys certificate": inOrder(files("age")),
		"draft new": inOrder(folders), "draft submit": inOrder(folders), "draft revise": inOrder(a.matters, folders),
		"draft show": inOrder(a.matters), "draft dissent": inOrder(a.matters), "draft withdraw": inOrder(a.matters),
		"draft openings": inOrder(a.matters), "draft check": inOrder(folders), "draft forget": inOrder(a.matters),
		"dispatch": inOrder(files("sigill")), "verify": inOrder(files("sigill", "json")), "open": inOrder(files("package", "extract")),
		"board sign": inOrder(documents), "board join": documents, "board show": inOrder(documents),
		"board trust make": inOrder(files("yaml", "yml")), "board trust show": inOrder(files("json")),
		"admin publish-set": inOrder(files("signed")), "admin publish-order": inOrder(files("signed")),
		"admin register-requester": inOrder(files("signed")), "admin revoke-requester": inOrder(files("signed")), "man": inOrder(folders), "witness init": inOrder(folders), "witness serve": inOrder(folders), "witness status": inOrder(folders),
		"log mirror": inOrder(folders, folders), "log monitor": inOrder(folders), "log prove": inOrder(files("json")),
	}
	flags := map[string]completer{
		"output": oneOf("table", "json"), "lang": oneOf("sv", "en"), "cacert": files("pem", "crt"), "trust": files("json"), "home": folders,
		"key": files("age"), "hpke": files("age"), "pem": files("pem", "key"), "decision": files("sigill"), "bundle": files("sigill"), "ground": oneOf(grounds...),
		"sections": parts, "basis": oneOf(string(opening.BasisAuthenticity), string(opening.BasisScope), string(opening.BasisSecrecy), string(opening.BasisNotHeld), string(opening.BasisForwarded)),
		"extract": files("extract"), "request": files("signed"), "vote": files("json"), "registration": files("signed"), "recipient": files("age"),
		"log-file": files("txt", "vkey"), "tls-cert": files("pem", "crt"), "tls-key": files("pem", "key"),
		"evidence": folders, "receipt": files("json"), "file": files("txt", "md"), "content": files("md", "txt"),
		"state": files("json"), "compare": files("sigill", "json"), "every": oneOf("1m", "5m", "1h"), "stall": oneOf("3h", "24h"),
		"log": oneOf(), "listen": oneOf(), "url": oneOf(), "addr": oneOf(), "origin": oneOf(), "authority": oneOf(), "name": oneOf(), "years": oneOf(), "proof": oneOf(), "reference": oneOf(), "days": oneOf(),
		"provision": oneOf(), "reservation": oneOf(), "notice-not-before": oneOf(), "notice-provision": oneOf(),
	}
	command.Each(root, func(c *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), root.Name()), " ")
		c.ValidArgs = nil
		if c.ValidArgsFunction = arguments[path]; c.ValidArgsFunction == nil {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		for name, how := range flags {
			if c.LocalFlags().Lookup(name) != nil && c.LocalFlags().Lookup(name).Value.Type() != "bool" {
				_ = c.RegisterFlagCompletionFunc(name, how) // fails for a flag that does not exist
			}
		}
	})
}

package main

import (
	"github.com/spf13/cobra"

	"sigill/server"
)

func documents() *cobra.Command {
	cmd := &cobra.Command{Use: "documents", Short: "Print all that boards have signed, for the trust file that names another board",
		Long: "Prints the delegation orders, the first reviewer set and the registrations of requesters that the store holds, as they were\n" +
			"signed, one to a line; a server may be running. Who makes a trust file with another board (sigill board trust make) names\n" +
			"the file under after, documents: of these the board of before goes on to be believed.",
		Example: "  sigilld documents --config /etc/sigill/sigilld.yaml > documents.txt"}
	return configured(cmd, func(cmd *cobra.Command, c server.Config) error {
		files, err := server.Documents(cmd.Context(), c)
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(files)
		return err
	})
}

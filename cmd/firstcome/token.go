package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firstcome/api"
)

// tokenKeys are the keys that say who may sign.
var tokenKeys = []string{"data", "secret", "issuer", "audience", "jwks", "jwt-key"}

// subjectsLine bounds one line of a list of subjects.
const subjectsLine = 4 << 10

func (h *hall) tokenCommand() *cobra.Command {
	var subject, role, list string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "token --sub NAME",
		Short: "Print a token to try things with",
		Long: `Prints a token that says who the bearer is. Without --role it is a member's
token, for the members' address; with --role it is an admin's, for the admins'
address: viewer reads, operator runs campaigns, owner also sets the throttle.

Embedded, the program is its own issuer and its key is in the data directory. With
a jwt-key that can sign (a shared secret or a private key), that key is used.
Otherwise your identity provider makes the tokens.`,
		Example: `  firstcome token --sub alice
  firstcome token --sub bora --role operator --ttl 8h
  TOKEN=$(firstcome token --sub alice)
  seq -f 'member-%g' 1000 | firstcome token --subs-from - > tokens.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := h.config(cmd, tokenKeys...)
			if err != nil {
				return err
			}
			if (subject == "") == (list == "") {
				return usage("give --sub NAME, or --subs-from FILE with one name a line (- is standard input)")
			}
			mint, err := minter(c, role, ttl)
			if err != nil {
				return err
			}
			if list != "" {
				return h.mintAll(list, mint)
			}
			token, err := mint(subject)
			if err != nil {
				return err
			}
			fmt.Fprintln(h.out, token)
			return nil
		},
	}
	cmd.Flags().StringVar(&subject, "sub", "", "who the token is for")
	cmd.Flags().StringVar(&role, "role", "", "viewer, operator or owner: an admin's token")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long it is valid")
	cmd.Flags().StringVar(&list, "subs-from", "", "a file with one name a line; - is standard input")
	keyFlags(cmd, tokenKeys...)
	return cmd
}

// minter returns what makes tokens of one role and lifetime.
func minter(c *Config, role string, ttl time.Duration) (func(subject string) (string, error), error) {
	id := identity(c)
	if c.trial() && !c.Secret.known {
		s, err := readSecret(c.Data)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no trial identity in %s yet: start firstcome there once, or name its directory with --data", c.Data)
		}
		if err != nil {
			return nil, err
		}
		id.Secret = s.bytes
	}
	issuer, err := api.NewIssuer(id)
	if err != nil {
		return nil, fmt.Errorf("make tokens: %w", err)
	}
	return func(subject string) (string, error) {
		token, err := issuer.Mint(subject, role, ttl)
		if err != nil {
			return "", usage("%w", err)
		}
		return token, nil
	}, nil
}

// identity is what the configuration says about who may say who the member is.
func identity(c *Config) api.Identity {
	return api.Identity{Secret: c.Secret.bytes, Issuer: c.Issuer, Audience: c.Audience, JWKS: c.JWKS, JWTKey: c.JWTKey}
}

// mintAll prints one token for each line of a file.
func (h *hall) mintAll(path string, mint func(string) (string, error)) error {
	in := h.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return usage("--subs-from: %w", err)
		}
		defer f.Close()
		in = f
	}
	out := bufio.NewWriter(h.out)
	lines := bufio.NewScanner(io.Reader(in))
	lines.Buffer(nil, subjectsLine)
	for n := 1; lines.Scan(); n++ {
		subject := strings.TrimSpace(lines.Text())
		if subject == "" {
			continue
		}
		token, err := mint(subject)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		fmt.Fprintln(out, token)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return out.Flush()
}

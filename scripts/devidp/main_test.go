package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sigill/scripts/devidp/devidp"
)

func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-listen", "127.0.0.1:0", "-user", `{"id":"a","sub":"1","name":"Åke","roles":["caseworker"]}`}, in, io.Discard)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err, <-done)
	}
	for user, want := range map[string]int{"a": http.StatusOK, "asa": http.StatusBadRequest} {
		r, err := http.PostForm(strings.TrimSpace(line)+"/token", url.Values{"grant_type": {devidp.GrantType}, "user": {user}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != want {
			t.Errorf("%s: %s", user, r.Status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"everywhere": {"-listen", "0.0.0.0:0"}, "argument": {"x"}, "flag": {"-x"}, "no file": {"-users", "/none/users.json"},
		"bad user": {"-user", `{"id":"a"`}, "user without role": {"-listen", "127.0.0.1:0", "-user", `{"id":"a","sub":"1"}`},
	} {
		var out strings.Builder
		err := run(t.Context(), args, &out, io.Discard)
		if err == nil || out.Len() != 0 {
			t.Errorf("%s: %v, printed %q", name, err, out.String())
		}
		if name == "everywhere" && !errors.Is(err, devidp.ErrLoopback) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package command_test

import (
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/command"
)

func TestRun_SaysWhatTheProgramSaid(t *testing.T) {
	if err := command.Run(t.Context(), "/", "sh", "-c", `echo fine; test "$PWD" = /`); err != nil {
		t.Errorf("in /: %v", err)
	}
	err := command.Run(t.Context(), "", "sh", "-c", "printf %03000d 0; echo no such package >&2; exit 3")
	if err == nil || !strings.HasSuffix(err.Error(), "no such package") || !strings.Contains(err.Error(), "exit status 3") || len(err.Error()) > 2200 {
		t.Errorf("a program that fails gives %v", err)
	}
}

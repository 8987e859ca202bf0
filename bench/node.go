package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/npm"
)

//go:embed node/package.json node/package-lock.json node/server.mjs
var nodeFiles embed.FS

func (s *stack) startNode(ctx context.Context) error {
	if !s.options.Node {
		return nil
	}
	program, err := exec.LookPath("node")
	if err != nil {
		return fmt.Errorf("the plan's design runs on Node: install Node 20 or later, or leave its rows out with --no-node: %w", err)
	}
	files, err := fs.Sub(nodeFiles, "node")
	if err != nil {
		return fmt.Errorf("the plan's design: %w", err)
	}
	folder, err := npm.Install(ctx, "", "bench-node", files, os.Stderr)
	if err != nil {
		return fmt.Errorf("the plan's design (--no-node leaves its rows out): %w", err)
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	path, args := s.pins.command(program, "server.mjs")
	pid, err := s.startChild(ctx, child.Options{Path: path, Args: args, Dir: folder, Env: []string{
		"NODE_ENV=production", "PORT=" + port, "DATABASE_URL=" + s.databaseURL, "DB_POOL_MAX=" + strconv.Itoa(s.options.Pool),
		"FIREBASE_PROJECT_ID=" + project, "FIREBASE_CERTS_URL=" + s.certsURL(),
	}}, "http://"+addr+"/ready")
	s.node = server{addr: addr, pid: pid}
	return err
}

package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// path is one way through the service, and what is measured beside it: sides that take their turns in the same rounds.
type path struct {
	key   string
	once  bool // each request only once: its token must be new to the server
	sides []side
}

// role is what a side is in the comparison. Whoever is not bare is compared with each that is.
type role int

const (
	service role = iota
	bareHandler
	plansDesign
)

// side is a server and what it is sent.
type side struct {
	name     string
	role     role
	noBody   bool // answers in headers alone, so that its size says nothing
	server   server
	requests [][]byte
}

// round is the requests of one of n rounds: all of them, or where each may be sent only once, that round's own.
func (s side) round(i, n int, once bool) [][]byte {
	if !once {
		return s.requests
	}
	share := len(s.requests) / n
	return s.requests[i*share : (i+1)*share]
}

// material is what the paths are made of.
type material struct {
	warm, cold, fresh []string // tokens
	planned           []string // tokens of those whom the plan's design meets first
	accounts          []person
}

// The keys of --only, in the order of the table.
var pathKeys = []string{"warm", "cold", "sight", "login"}

func checkKeys(keys []string) error {
	for _, key := range keys {
		if !slices.Contains(pathKeys, key) {
			return fmt.Errorf("there is no path %q: --only takes %v", key, pathKeys)
		}
	}
	return nil
}

const (
	verifyPath  = "/v1/auth/verify-token"
	forwardPath = "/v1/auth/forward"
	loginPath   = "/v1/auth/login"
)

// paths lists what is measured, by the keys of --only. Node may be no server.
func paths(m material, authd, bare, node server) []path {
	warm, cold, fresh := tokenBodies(m.warm), tokenBodies(m.cold), tokenBodies(m.fresh)
	logins := each(m.accounts, func(p person) []byte { return encode(credentials{Email: p.email, Password: password}) })
	ours := func(name, path string, bodies [][]byte) side {
		return side{name: name, server: authd, requests: posts(authd, path, bodies)}
	}
	beside := func(name, path string, bodies [][]byte) side {
		return side{name: "bare: " + name, role: bareHandler, server: bare, requests: posts(bare, path, bodies)}
	}
	forward := each(m.warm, func(t string) []byte { return get(authd.addr, forwardPath, t) })
	plan := func(name string, tokens []string) []side {
		if node == (server{}) {
			return nil
		}
		return []side{{name: "the plan's design, " + name, role: plansDesign, server: node, requests: posts(node, verifyPath, tokenBodies(tokens))}}
	}
	return []path{
		{key: "warm", sides: append([]side{
			ours("verify-token, warm", verifyPath, warm),
			beside("decode, encode", "/echo", warm),
			{name: "forward, warm", noBody: true, server: authd, requests: forward},
			ours("verify-token, warm, spaced", verifyPath, spaced(m.warm)),
		}, plan("warm", m.warm)...)},
		{key: "cold", once: true, sides: append([]side{
			ours("verify-token, cold", verifyPath, cold),
			beside("RS256, SELECT", "/cold", cold),
		}, plan("cold", m.cold)...)},
		{key: "sight", once: true, sides: append([]side{
			ours("first sight", verifyPath, fresh),
			beside("RS256, INSERT", "/sight", fresh),
			beside("INSERT alone", "/insert", fresh),
		}, plan("first sight", m.planned)...)},
		{key: "login", sides: []side{
			ours("login", loginPath, logins),
			beside("sign-in, UPDATE", "/login", logins),
		}},
	}
}

func posts(to server, path string, bodies [][]byte) [][]byte {
	return each(bodies, func(body []byte) []byte { return post(to.addr, path, body) })
}

func tokenBodies(tokens []string) [][]byte {
	return each(tokens, func(t string) []byte { return encode(tokenBody{Token: t}) })
}

// spaced is the same body as Python's json.dumps writes it: good JSON, and not the bytes that most clients send.
func spaced(tokens []string) [][]byte {
	return each(tokens, func(t string) []byte { return fmt.Appendf(nil, `{"token": %q}`, t) })
}

func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // a struct of strings
	}
	return encoded
}

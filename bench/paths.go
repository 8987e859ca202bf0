package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

type path struct {
	key   string
	once  bool // the token must be new
	sides []side
}

type role int

const (
	service role = iota
	bareHandler
	plansDesign
)

type side struct {
	name     string
	role     role
	noBody   bool // no body, so size means nothing
	server   server
	requests [][]byte
}

// round returns all requests, or the i-th share of n when each is sent once.
func (s side) round(i, n int, once bool) [][]byte {
	if !once {
		return s.requests
	}
	share := len(s.requests) / n
	return s.requests[i*share : (i+1)*share]
}

type material struct {
	warm, cold, fresh []string
	planned           []string
	accounts          []person
}

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

// spaced writes the body as Python's json.dumps does.
func spaced(tokens []string) [][]byte {
	return each(tokens, func(t string) []byte { return fmt.Appendf(nil, `{"token": %q}`, t) })
}

func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}

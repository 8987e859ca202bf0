package main

import (
	"encoding/json"
	"fmt"
)

// path is one way through the service, and the bare handlers beside it.
type path struct {
	key   string
	once  bool   // each request only once: its token must be new to the server
	sides []side // the service first
}

// side is a server and what it is sent.
type side struct {
	name     string
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
	accounts          []person
}

// paths lists what is measured, by the keys of --only.
func paths(m material, authd, bare server) ([]path, error) {
	warm, err1 := tokenBodies(m.warm)
	cold, err2 := tokenBodies(m.cold)
	fresh, err3 := tokenBodies(m.fresh)
	logins, err4 := credentialBodies(m.accounts)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return nil, fmt.Errorf("write bodies: %w", err)
		}
	}
	at := func(name string, server server, path string, bodies [][]byte) side {
		requests := make([][]byte, 0, len(bodies))
		for _, body := range bodies {
			requests = append(requests, post(server.addr, path, body))
		}
		return side{name: name, server: server, requests: requests}
	}
	const verify, login = "/v1/auth/verify-token", "/v1/auth/login"
	return []path{
		{key: "warm", sides: []side{
			at("verify-token, warm", authd, verify, warm), at("bare: decode, encode", bare, "/echo", warm),
		}},
		{key: "cold", once: true, sides: []side{
			at("verify-token, cold", authd, verify, cold), at("bare: RS256, SELECT", bare, "/cold", cold),
		}},
		{key: "sight", once: true, sides: []side{
			at("first sight", authd, verify, fresh), at("bare: RS256, INSERT", bare, "/sight", fresh),
			at("bare: INSERT alone", bare, "/insert", fresh),
		}},
		{key: "login", sides: []side{
			at("login", authd, login, logins), at("bare: sign-in, UPDATE", bare, "/login", logins),
		}},
	}, nil
}

func tokenBodies(tokens []string) ([][]byte, error) {
	return bodies(tokens, func(t string) any { return tokenBody{Token: t} })
}

func credentialBodies(people []person) ([][]byte, error) {
	return bodies(people, func(p person) any { return credentials{Email: p.email, Password: password} })
}

func bodies[T any](things []T, body func(T) any) ([][]byte, error) {
	out := make([][]byte, 0, len(things))
	for _, thing := range things {
		encoded, err := json.Marshal(body(thing))
		if err != nil {
			return nil, err
		}
		out = append(out, encoded)
	}
	return out, nil
}

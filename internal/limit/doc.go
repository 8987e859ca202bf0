// Package limit slows guessing of passwords (A4), before Google is called. It owns the figures ([DefaultPolicy]) and the counters. Redis
// shares them between instances; memory counts alone while Redis is away. Redis decides on waiting, never on identity (T7). The package
// knows no HTTP, users or passwords.
//
// Three limits slow a stranger but not the account's owner:
//
//   - Requests and failures per address, against guesses at many accounts.
//   - Failures per e-mail and address.
//   - Failures per e-mail, except from addresses that signed in within 30 days, against guesses from many places.
//
// E-mails arrive canonical (F2), addresses from trusted proxies only; Redis has only hashes of them. A test that breaks here shows a
// changed figure or order of checks.
package limit

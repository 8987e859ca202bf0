// Package limit slows guessing (A4) before Google is called. It owns the figures ([DefaultPolicy]) and the counters: shared in Redis, and
// in memory, which counts alone while Redis is away. Redis never decides on identity (T7). It knows no HTTP, users or passwords.
//
// Three limits slow a stranger but not the owner:
//
//   - Requests and failures per address, against guesses at many accounts.
//   - Failures per e-mail and address.
//   - Failures per e-mail from addresses without a sign-in for 30 days, against guesses from many places.
//
// E-mails arrive canonical (F2), addresses from trusted proxies only; Redis has only hashes. A test that breaks here shows a changed figure.
package limit

// Package limit slows guessing of passwords (A4), before Google is called. It owns the figures ([DefaultPolicy]) and the counters in Redis
// and in memory. Memory counts alone while Redis is away. Redis never decides on identity, only on waiting (T7). It knows no HTTP, users or
// passwords.
//
// Three limits keep a stranger's failures from slowing the account's owner:
//
//   - Requests and failures count per address, against guesses at many accounts.
//   - Failures count per e-mail and address.
//   - Failures count per e-mail, except from addresses that signed in within 30 days, against guesses from many places.
//
// E-mails arrive canonical (F2), addresses from trusted proxies only; Redis holds only hashes. When a test breaks here, a figure or the
// order of checks has changed.
package limit

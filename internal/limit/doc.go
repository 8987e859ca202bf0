// Package limit slows those who guess (A4): per client address, per e-mail, and per the two together, before Google is asked.
//
// It owns the figures ([DefaultPolicy]), the counters in Redis that all instances share, and those in the process, which count
// the same beside them and alone while Redis is away (T7: Redis never decides who someone is; here it decides only who waits).
// Three limits work together so that a stranger's failures slow the stranger and not the owner:
//
//   - every credential request counts against its address, and failures a second time: spraying many accounts is slow;
//   - failures count against e-mail and address together: guessing at one account from one place is slow;
//   - failures count against the e-mail as well, but only for addresses that have not signed in to it in the last 30 days:
//     guessing from many places is slow, and the owner at home does not notice.
//
// It does not know HTTP, users or passwords. E-mails arrive canonical (F2), addresses from trusted proxies only; neither is
// in Redis in the clear. When a test breaks here, a figure of the policy or the order of the checks has changed.
package limit

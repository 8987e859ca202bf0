package principal

import "crypto/sha256"

// Answer is what the edge sends about a principal: made once, kept beside the token that it is about, and sent again for as long as
// the token and the facts that it was made of are good (E1). This room does not look inside.
type Answer interface {
	// Size is what the answer takes in memory, in bytes.
	Size() int
}

// Form is which of its answers an edge wants: it has up to Forms of them.
type Form int

// Forms is how many answers are kept beside a token at most.
const Forms = 2

// Recall gives the answer about the bearer of a compact token from memory alone: no query, no signature, no encoding. False where
// anything is missing, too old or not good: Resolve says what and why.
//
// A token's end, the age of facts and every invalidation count here exactly as they do for Resolve (T4, T5, T6): whether the answer
// is still of the facts that are good now is seen by their being the same ones.
func (r *Resolver) Recall(compact []byte, form Form) (Answer, bool) {
	key := tokenKey(sha256.Sum256(compact))
	v, facts := r.remembered(key)
	if facts == nil {
		return nil, false
	}
	if v.facts == facts && v.answers[form] != nil {
		return v.answers[form], true
	}
	return r.answer(key, v, facts, form)
}

// answer makes an answer that was not asked for since the facts were read, and keeps it.
func (r *Resolver) answer(key tokenKey, v *verified, facts *known, form Form) (Answer, bool) {
	p, err := admit(v.claims, facts.user)
	if err != nil || r.render == nil {
		return nil, false
	}
	made := r.render(form, p)
	if made == nil {
		return nil, false
	}
	next := verified{claims: v.claims, userID: v.userID, facts: facts}
	if v.facts == facts {
		next.answers = v.answers
	}
	next.answers[form] = made
	r.cache.keepToken(key, next)
	return made, true
}

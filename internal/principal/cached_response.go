package principal

// Response is what the edge sends about a principal: made once, kept beside the token that it is about, and sent again for as long as
// the token and the facts that it was made of are good (E1). This room does not look inside.
type Response interface {
	// Size is what the answer takes in memory, in bytes.
	Size() int
}

// ResponseKind is which of its answers an edge wants: it has up to Forms of them.
type ResponseKind int

// ResponseKinds is how many answers are kept beside a token at most.
const ResponseKinds = 2

// CachedResponse gives the answer about the bearer of a compact token from memory alone: no query, no signature, no encoding. False where
// anything is missing, too old or not good: Resolve says what and why.
//
// A token's end, the age of facts and every invalidation count here exactly as they do for Resolve (T4, T5, T6): whether the answer
// is still of the facts that are good now is seen by the number of their reading.
func (r *Resolver) CachedResponse(compact []byte, form ResponseKind) (Response, bool) {
	key := keyOf(compact)
	v, facts := r.remembered(key)
	if facts == nil {
		return nil, false
	}
	answer := v.responses[form]
	if v.reading != facts.reading || answer == nil {
		if answer = r.makeResponse(key, v, facts, form); answer == nil {
			return nil, false
		}
	}
	r.cache.used(v, facts)
	return answer, true
}

// makeResponse makes an answer that was not asked for since the facts were read, and keeps it; nil where there is none to be made.
func (r *Resolver) makeResponse(key tokenKey, v *verified, facts *known, form ResponseKind) Response {
	p, err := admit(v.claims, facts.user)
	if err != nil || r.render == nil {
		return nil
	}
	made := r.render(form, p)
	if made == nil {
		return nil
	}
	next := verified{claims: v.claims, userID: v.userID, reading: facts.reading}
	if v.reading == facts.reading {
		next.responses = v.responses
	}
	next.responses[form] = made
	r.cache.keepToken(key, next)
	return made
}

package principal

// Response is a rendered answer about a principal, reused while its token and facts are valid (E1).
type Response interface {
	// Size is in bytes.
	Size() int
}

// ResponseKind is an index below ResponseKinds.
type ResponseKind int

// ResponseKinds is the number of answers kept per token.
const ResponseKinds = 2

// CachedResponse returns a token's answer from memory alone. It returns false where Resolve must decide. Expiry, age and invalidation count
// as in Resolve (T4, T5, T6).
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

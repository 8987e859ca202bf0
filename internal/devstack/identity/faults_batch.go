package identity

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
)

// half runs and answers the first half of the users; After cuts the answer.
func half(w http.ResponseWriter, r *http.Request, next http.Handler, hit *rule) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeError(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(firstHalf(body)))
	if hit.After {
		next.ServeHTTP(discard{header: http.Header{}}, r)
		cut(w)
		return
	}
	next.ServeHTTP(w, r)
}

func firstHalf(body []byte) []byte {
	var message map[string]json.RawMessage
	if json.Unmarshal(body, &message) != nil {
		return body
	}
	for _, name := range []string{"users", "localIds"} {
		var list []json.RawMessage
		if json.Unmarshal(message[name], &list) != nil {
			continue
		}
		message[name], _ = json.Marshal(list[:(len(list)+1)/2])
	}
	shorter, err := json.Marshal(message)
	if err != nil {
		return body
	}
	return shorter
}

func wrongHashes(w http.ResponseWriter, r *http.Request, next http.Handler) {
	kept := httptest.NewRecorder()
	next.ServeHTTP(kept, r)
	var answer map[string]any
	if json.Unmarshal(kept.Body.Bytes(), &answer) == nil {
		users, _ := answer["users"].([]any)
		for _, entry := range users {
			user, _ := entry.(map[string]any)
			if shown, has := user["passwordHash"].(string); has {
				user["passwordHash"] = otherHash(shown)
			}
		}
	}
	writeJSON(w, kept.Code, answer)
}

func otherHash(shown string) string {
	hash, err := decode64(shown)
	if err != nil || len(hash) == 0 {
		return shown
	}
	hash[0] ^= 1
	return encode64(hash)
}

package servicetest

import "encoding/json"

// Code reads the code of an error's envelope, "" where there is none.
func Code(body []byte) string {
	var envelope struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return ""
	}
	return envelope.Code
}

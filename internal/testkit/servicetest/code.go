package servicetest

import "encoding/json"

// Code returns an error envelope's code, or "".
func Code(body []byte) string {
	var envelope struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return ""
	}
	return envelope.Code
}

// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxDate is the last second of the year 9999. Larger numbers would overflow in the JWT library.
const maxDate = 253402300799

// readString returns a member that is a JSON string. encoding/json alone would accept null.
func readString(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	ok := json.Unmarshal(raw, &s) == nil
	return s, ok
}

// readStrings returns a member that is an array of JSON strings.
func readStrings(raw json.RawMessage) ([]string, bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := readString(item)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// readDate returns a member that is a NumericDate (RFC 7519 section 2), fractions included.
func readDate(raw json.RawMessage) (*jwt.NumericDate, bool) {
	if len(raw) == 0 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return nil, false
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(seconds) > maxDate {
		return nil, false
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9))}, true
}

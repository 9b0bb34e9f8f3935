package token

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// personalNames are parts of names of claims that hold a personal number, or a
// certificate or evidence that holds one in a form that no search would find.
// They are written without hyphens and underscores, in lower case.
var personalNames = []string{
	"personalidentitynumber", "personalnumber", "personnummer", "samordningsnummer", "coordinationnumber",
	"usercertificate", "usersignature", "authnevidence",
}

// personal reports whether the claims hold a personal number (personnummer) or
// coordination number (samordningsnummer) anywhere: in a name that says so, in
// a text, or as a number of twelve digits. Ten digits without a century are
// looked for in texts alone, and not in a phone number, where 070-123 45 67 is
// a day in January.
func (p *Provider) personal(claims map[string]any) bool {
	for name, v := range claims {
		phone := name == "phone_number" || len(p.config.Phone) > 0 && name == p.config.Phone[0]
		if personalName(name) || personalIn(v, !phone) {
			return true
		}
	}
	return false
}

func personalIn(v any, ten bool) bool {
	switch v := v.(type) {
	case string:
		return personalText(v, ten)
	case json.Number:
		return personalText(string(v), false)
	case []any:
		for _, e := range v {
			if personalIn(e, ten) {
				return true
			}
		}
	case map[string]any:
		for name, e := range v {
			if personalName(name) || personalIn(e, ten) {
				return true
			}
		}
	}
	return false
}

var bare = strings.NewReplacer("-", "", "_", "")

func personalName(name string) bool {
	n := bare.Replace(strings.ToLower(name))
	for _, part := range personalNames {
		if strings.Contains(n, part) {
			return true
		}
	}
	return n == "ssn" || n == "pnr" || personalText(name, true)
}

// personalText looks at each whole run of digits, and at two runs of six or
// eight and four with one sign between them.
func personalText(s string, ten bool) bool {
	if isUUID(s) {
		return false // chance would find one in a few of them
	}
	for i := 0; i < len(s); {
		n := digits(s[i:])
		if n == 0 {
			i++
			continue
		}
		run := s[i : i+n]
		i += n
		switch {
		case n == 12, n == 10 && ten:
			if personalDigits(run) {
				return true
			}
		case n == 8, n == 6 && ten:
			_, width := utf8.DecodeRuneInString(s[i:])
			if i+width < len(s) && digits(s[i+width:]) == 4 && personalDigits(run+s[i+width:i+width+4]) {
				return true
			}
		}
	}
	return false
}

func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// personalDigits: a century if there are twelve, a month, a day (60 more for a
// coordination number, whose month and day may also be unknown, written 00),
// and the Luhn digit over the last ten.
func personalDigits(d string) bool {
	if len(d) == 12 {
		if c := d[:2]; c != "18" && c != "19" && c != "20" {
			return false
		}
		d = d[2:]
	}
	month := int(d[2]-'0')*10 + int(d[3]-'0')
	day := int(d[4]-'0')*10 + int(d[5]-'0')
	if day >= 60 {
		if month > 12 || day > 91 {
			return false
		}
	} else if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	sum := 0
	for i, c := range []byte(d) {
		n := int(c-'0') * (2 - i%2)
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

// isUUID: 8-4-4-4-12 hexadecimal digits and nothing else.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

package cast

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Lines returns each text that a picture shows, at whatever time.
func Lines(svg []byte) (lines []string, err error) {
	d := xml.NewDecoder(bytes.NewReader(svg))
	var text strings.Builder
	within := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			within = within || token.Name.Local == "text"
		case xml.CharData:
			if within {
				text.Write(token)
			}
		case xml.EndElement:
			if token.Name.Local == "text" {
				lines = append(lines, text.String())
				text.Reset()
				within = false
			}
		}
	}
}

package doccheck

// Fences complains of a block without a language, which says how it is checked.
func (r *Repository) Fences() (c Complaints) {
	for _, name := range r.Names() {
		for _, block := range r.Pages[name].Blocks {
			if block.Language == "" {
				c.add(name, block.Line, "the block has no language: %s", block.First())
			}
		}
	}
	return c
}

// Length complains of a page with more lines than these.
func (r *Repository) Length(page string, most int) (c Complaints) {
	if p := r.Pages[page]; p == nil || p.Lines > most {
		c.add(page, most+1, "it is missing, or has more than %d lines", most)
	}
	return c
}

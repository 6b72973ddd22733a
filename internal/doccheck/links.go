package doccheck

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// Links complains of a link that leads nowhere: to a file that is not in the repository, to a heading that
// the page does not have, or to a host that is neither in hosts nor the reader's own. No host is asked.
func (r *Repository) Links(hosts []string) (c Complaints) {
	for _, name := range r.Names() {
		for _, link := range r.Pages[name].Links {
			if complaint := r.link(name, link, hosts); complaint != "" {
				c.add(name, link.Line, "%s: %s", link.Target, complaint)
			}
		}
	}
	return c
}

func (r *Repository) link(from string, link Link, hosts []string) string {
	u, err := url.Parse(link.Target)
	switch {
	case err != nil:
		return "cannot be read"
	case u.Scheme == "http" || u.Scheme == "https":
		if !isLoopback(u.Hostname()) && !slices.Contains(hosts, u.Hostname()) {
			return "leads to a host that is not in the list"
		}
		return ""
	case u.Scheme != "" || u.Host != "":
		return "is neither a file here nor a page of the web"
	}
	file, anchor := Resolve(from, link.Target)
	switch {
	case strings.HasPrefix(file, "../") || strings.HasPrefix(u.Path, "/"):
		return "leads out of the repository"
	case !r.Files[file]:
		return "there is no such file"
	case anchor == "":
		return ""
	case r.Pages[file] == nil:
		return "an anchor in what is no document"
	case r.Pages[file].heading(anchor) < 0:
		return "the page has no such heading"
	}
	return ""
}

func isLoopback(host string) bool { return host == "localhost" || host == "127.0.0.1" }

// Resolve says which file of the repository a link of a page means, and which anchor in it.
func Resolve(from, target string) (file, anchor string) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" {
		return target, ""
	}
	if u.Path == "" {
		return from, u.Fragment
	}
	return path.Join(path.Dir(from), u.Path), u.Fragment
}

// heading is the number of the one with this anchor; -1: there is none.
func (p *Page) heading(anchor string) int {
	return slices.IndexFunc(p.Headings, func(h Heading) bool { return h.Anchor == anchor })
}

// Hosts of the web that the documents have links to, sorted; but the reader's own.
func (r *Repository) Hosts() (hosts []string) {
	for _, page := range r.Pages {
		for _, link := range page.Links {
			if u, err := url.Parse(link.Target); err == nil && u.Host != "" && !isLoopback(u.Hostname()) {
				hosts = append(hosts, u.Hostname())
			}
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// Reach complains of a page in docs that no reader of README.md comes to: neither README.md has a link
// to it, nor a page that README.md has a link to.
func (r *Repository) Reach() (c Complaints) {
	near := map[string]bool{}
	for _, name := range r.linked("README.md") {
		near[name] = true
	}
	all := map[string]bool{}
	for name := range near {
		all[name] = true
		for _, next := range r.linked(name) {
			all[next] = true
		}
	}
	for _, name := range r.Names() {
		if path.Dir(name) == "docs" && !all[name] {
			c.add(name, 1, "neither README.md nor a page that it leads to has a link to it")
		}
	}
	return c
}

// linked are the documents that one has links to.
func (r *Repository) linked(name string) (names []string) {
	page := r.Pages[name]
	if page == nil {
		return nil
	}
	for _, link := range page.Links {
		if file, _ := Resolve(name, link.Target); r.Pages[file] != nil {
			names = append(names, file)
		}
	}
	return names
}

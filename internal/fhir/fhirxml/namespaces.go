// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"encoding/xml"
)

const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
	xsiNamespace   = "http://www.w3.org/2001/XMLSchema-instance"
)

// namespaces maps prefixes to namespaces (Namespaces in XML 1.0). The undo list keeps it linear
// in the number of declarations.
type namespaces struct {
	bound map[string]string // prefix to namespace; the empty prefix is the default
	undo  []binding
	marks []int // length of the undo list at the start of each open element
}

type binding struct {
	prefix, namespace string
	bound             bool
}

func newNamespaces() namespaces {
	return namespaces{bound: map[string]string{"": "", "xml": xmlNamespace}}
}

// isDeclaration reports whether an attribute declares a namespace.
func isDeclaration(name xml.Name) bool {
	return name.Space == "xmlns" || name.Space == "" && name.Local == "xmlns"
}

// enter applies the declarations of a start tag. It returns the reason of an invalid one, or an
// empty string.
func (n *namespaces) enter(attributes []xml.Attr) (why string) {
	n.marks = append(n.marks, len(n.undo))
	for _, a := range attributes {
		if !isDeclaration(a.Name) {
			continue
		}
		prefix := a.Name.Local
		if a.Name.Space == "" {
			prefix = ""
		}
		if prefix == "xmlns" || a.Value == xmlnsNamespace ||
			(prefix == "xml") != (a.Value == xmlNamespace) ||
			prefix != "" && a.Value == "" {
			return "a namespace is declared that must not be"
		}
		old, bound := n.bound[prefix]
		n.undo = append(n.undo, binding{prefix, old, bound})
		n.bound[prefix] = a.Value
	}
	return ""
}

// leave reverts the declarations of the last entered element.
func (n *namespaces) leave() {
	last := len(n.marks) - 1
	for i := len(n.undo) - 1; i >= n.marks[last]; i-- {
		if b := n.undo[i]; b.bound {
			n.bound[b.prefix] = b.namespace
		} else {
			delete(n.bound, b.prefix)
		}
	}
	n.undo = n.undo[:n.marks[last]]
	n.marks = n.marks[:last]
}

// lookUp returns the namespace of a prefix.
func (n *namespaces) lookUp(prefix string) (string, bool) {
	namespace, ok := n.bound[prefix]
	return namespace, ok
}

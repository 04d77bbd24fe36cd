//! A tree of XML elements that keeps what it does not understand: read, look at or change some parts,
//! write the whole again. Comments and processing instructions are dropped, as libvirt does itself.

use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// libvirt nests about ten deep.
const DEEPEST: usize = 64;

/// Why a text is not XML that we can keep.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it is not well formed: {0}")]
    Malformed(#[from] quick_xml::Error),
    #[error("it is nested too deep")]
    TooDeep,
    #[error("it has the unknown entity &{0};")]
    Entity(String),
    #[error("it has no element, or is cut off")]
    Incomplete,
}

/// One element with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The same with one more attribute.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The same with one more child.
    pub(crate) fn holding(mut self, child: Self) -> Self {
        self.push(child);
        self
    }

    /// The same with text at the end.
    pub(crate) fn saying(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    pub(crate) fn push(&mut self, child: Self) {
        self.children.push(Node::Element(child));
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }

    /// Takes an attribute away.
    pub(crate) fn unset(&mut self, name: &str) {
        self.attributes.retain(|(known, _)| known != name);
    }

    /// Takes every child of this name away, with the blank text before it.
    pub(crate) fn remove(&mut self, name: &str) {
        self.retain(|child| child.name != name);
    }

    /// Keeps the child elements that `keep` holds for, and all text but the indentation of the others.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Self) -> bool) {
        let mut kept: Vec<Node> = Vec::with_capacity(self.children.len());
        for node in self.children.drain(..) {
            match node {
                Node::Element(element) if !keep(&element) => {
                    if matches!(kept.last(), Some(Node::Text(text)) if text.trim().is_empty()) {
                        kept.pop();
                    }
                }
                other => kept.push(other),
            }
        }
        self.children = kept;
    }

    /// Puts `text` in the place of all text and elements in this one.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.children = vec![Node::Text(text.into())];
    }

    /// Changes the first child of this name, made if there is none.
    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut Self)) {
        if let Some(child) = self.elements_mut().find(|child| child.name == name) {
            change(child);
        } else {
            let mut child = Self::new(name);
            change(&mut child);
            self.push(child);
        }
    }

    /// All child elements, to be changed in place.
    pub(crate) fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.name == name)
    }

    pub(crate) fn child<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.children(name).next()
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// All text directly in this element, trimmed.
    pub(crate) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_owned()
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut reader = Reader::from_str(text);
        // The bottom holds the root as its only child.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event()? {
                Event::Start(start) if open.len() < DEEPEST => open.push(Self::begin(&start)?),
                Event::Start(_) => return Err(Error::TooDeep),
                Event::Empty(start) => add(&mut open, Node::Element(Self::begin(&start)?)),
                Event::End(_) => {
                    let closed = open.pop().ok_or(Error::Incomplete)?;
                    add(&mut open, Node::Element(closed));
                }
                Event::Text(text) => add(&mut open, Node::Text(text.xml10_content().into_owned())),
                Event::CData(text) => add(&mut open, Node::Text(text.into_inner().into_owned())),
                Event::GeneralRef(entity) => {
                    let text = match entity.resolve_char_ref()? {
                        Some(character) => character.to_string(),
                        None => resolve_predefined_entity(&entity)
                            .ok_or_else(|| Error::Entity(entity.to_string()))?
                            .to_owned(),
                    };
                    add(&mut open, Node::Text(text));
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(bottom), true) => bottom.elements().next().cloned().ok_or(Error::Incomplete),
            _ => Err(Error::Incomplete),
        }
    }

    fn begin(start: &BytesStart<'_>) -> Result<Self, Error> {
        let mut element = Self::new(start.name().0);
        for attribute in start.attributes() {
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)?
                .into_owned();
            element.attributes.push((attribute.key.0.to_owned(), value));
        }
        Ok(element)
    }

    fn write(&self, text: &mut String) {
        text.push('<');
        text.push_str(&self.name);
        for (name, value) in &self.attributes {
            // A line break in an attribute would be read back as a space.
            let value = escape(value.as_str())
                .replace('\n', "&#10;")
                .replace('\t', "&#9;");
            text.extend([" ", name, "=\"", &value, "\""]);
        }
        if self.children.is_empty() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(text),
                Node::Text(content) => text.push_str(&escape(content.as_str())),
            }
        }
        text.extend(["</", &self.name, ">"]);
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// Adds to the innermost open element; the bottom is always there while parsing goes well.
fn add(open: &mut [Element], node: Node) {
    if let Some(innermost) = open.last_mut() {
        innermost.children.push(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_survives() {
        let text =
            "<a x=\"1 &lt; 2\"><!-- no --><b:c xmlns:b=\"u\"><d/>t &amp; u&#10;</b:c><e/></a>";
        let mut tree = Element::parse(text).unwrap();
        assert_eq!(tree.child("b:c").unwrap().text(), "t & u");
        tree.set("x", "3");
        tree.change("e", |child| child.set("f", "\"\n"));
        let again = Element::parse(&tree.to_string()).unwrap();
        assert_eq!(again.attribute("x"), Some("3"));
        assert_eq!(again.child("e").unwrap().attribute("f"), Some("\"\n"));
        assert!(again.child("b:c").unwrap().child("d").is_some());
        assert_eq!(Element::parse(&again.to_string()).unwrap(), again);
    }

    #[test]
    fn text_cannot_become_markup() {
        let tree = Element::new("a")
            .saying("</a><b/>")
            .with("c", "\"/><d e=\"");
        let again = Element::parse(&tree.to_string()).unwrap();
        assert_eq!(again.text(), "</a><b/>");
        assert!(again.child("b").is_none());
        assert_eq!(again.attribute("c"), Some("\"/><d e=\""));
    }

    #[test]
    fn broken_xml_is_refused() {
        let deep = "<a>".repeat(1000);
        for bad in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a>&nope;</a>",
            "</a>",
            "<a b='1' b='2'/>",
            &deep,
        ] {
            assert!(Element::parse(bad).is_err(), "{:.20} was accepted", bad);
        }
    }
}

//! The little that is read of libvirt's own files without understanding XML: what libvirt writes always in the same
//! way.

/// The text of the first element of this name, as libvirt writes it: without attributes, on one line.
pub(crate) fn inner<'a>(text: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    let (inner, _) = rest.split_once(&format!("</{element}>"))?;
    Some(inner.trim())
}

/// What stands between the quotes behind each `<ELEMENT ATTRIBUTE=`, where that is the element's first attribute.
pub(crate) fn first_attributes(text: &str, element: &str, attribute: &str) -> Vec<String> {
    let value = |rest: &str| {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (value, _) = rest.get(1..)?.split_once(quote)?;
        Some(unescape(value))
    };
    text.split(&format!("<{element} {attribute}="))
        .skip(1)
        .filter_map(value)
        .collect()
}

/// Without XML's five entities.
pub(crate) fn unescape(text: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
    ];
    let text = pairs
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| {
            text.replace(escaped, plain)
        });
    text.replace("&amp;", "&")
}

/// Whether libvirt can have a file of this name: one that leads nowhere else.
pub(crate) fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

//! Just enough XML.

/// Writes a document.
#[derive(Debug)]
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    pub(super) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{name}>"));
        content(self);
        self.0.push_str(&format!("</{name}>"));
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                character => self.0.push(character),
            }
        }
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// The raw content of each element of that name, wherever it is. Elements of one name are never nested in
/// what S3 is sent.
pub(super) fn contents<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(begin) = rest.find(&format!("<{name}")) {
        rest = &rest[begin + name.len() + 1..];
        // Not an element whose name only begins so.
        if !rest.starts_with(['>', ' ', '\n']) {
            continue;
        }
        let Some(open_end) = rest.find('>') else { break };
        rest = &rest[open_end + 1..];
        let Some(end) = rest.find(&format!("</{name}>")) else { break };
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

/// The text of the first element of that name.
pub(super) fn text(document: &str, name: &str) -> Option<String> {
    contents(document, name).first().map(|content| unescape(content))
}

pub(super) fn unescape(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find(';') else { break };
        let entity = &rest[1..end];
        let number = entity.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => digits.parse().ok(),
        });
        match (entity, number.and_then(char::from_u32)) {
            ("amp", _) => text.push('&'),
            ("lt", _) => text.push('<'),
            ("gt", _) => text.push('>'),
            ("quot", _) => text.push('"'),
            ("apos", _) => text.push('\''),
            (_, Some(character)) => text.push(character),
            _ => text.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text
}

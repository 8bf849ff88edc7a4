//! The text of a template as it grows.

/// Comments are folded at this width.
const WIDTH: usize = 130;

/// Lines of YAML.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Adds a line, indented by `depth` levels of two spaces.
    pub fn line(&mut self, depth: usize, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            (0..depth).for_each(|_| self.0.push_str("  "));
            self.0.push_str(text);
        }
        self.0.push('\n');
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.0.push('\n');
    }

    /// Adds a comment, folded.
    pub fn comment(&mut self, depth: usize, text: &str) {
        let room = WIDTH.saturating_sub(2 * depth + 2);
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > room {
                self.line(depth, format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(depth, format!("# {line}"));
        }
    }

    /// Begins a resource.
    pub fn resource(&mut self, id: &str, kind: &str, when: Option<&str>) {
        self.line(1, format!("{id}:"));
        self.line(2, format!("Type: {kind}"));
        if let Some(condition) = when {
            self.line(2, format!("Condition: {condition}"));
        }
    }

    /// Adds text as it is.
    pub fn verbatim(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

use regex::{Regex, RegexBuilder};

/// The most that a compiled pattern may take. Bytes.
const SIZE_LIMIT: usize = 1 << 18;

/// How deep groups may be nested.
const NEST_LIMIT: u32 = 50;

/// Compiles a pattern in JavaScript's notation (without its flag `u`) for an engine that needs no backtracking.
///
/// # Errors
///
/// Says why a pattern can't be used: it is malformed or too large, or it needs what only backtracking can do, a look-around
/// or a back-reference.
pub(crate) fn compile(pattern: &str, insensitive: bool) -> Result<Regex, String> {
    RegexBuilder::new(&translated(pattern))
        .case_insensitive(insensitive)
        .size_limit(SIZE_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            // The message draws the pattern over several lines; its last line says what is wrong.
            error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })
}

/// Where the two notations mean different things by the same characters: `\d`, `\w` and `\b` are ASCII in JavaScript, a dot
/// stops at four line ends, brackets don't nest, and a brace or an escape without a meaning stands for itself.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = after;
        match character {
            '\\' => {
                let Some(escaped) = after.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &after[escaped.len_utf8()..];
                escape(escaped, in_class, &mut out);
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', character]),
            _ if in_class => out.push(character),
            '[' => {
                if let Some(left) = after.strip_prefix("^]") {
                    rest = left;
                    out.push_str(r"[\x00-\x{10FFFF}]");
                } else if let Some(left) = after.strip_prefix(']') {
                    rest = left;
                    out.push_str(r"[^\x00-\x{10FFFF}]");
                } else {
                    in_class = true;
                    out.push('[');
                }
            }
            '.' => out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '{' if !is_quantifier(after) => out.push_str(r"\{"),
            _ => out.push(character),
        }
    }
    out
}

fn escape(escaped: char, in_class: bool, out: &mut String) {
    match escaped {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'b' if in_class => out.push_str(r"\x08"),
        'b' => out.push_str(r"(?-u:\b)"),
        '0' => out.push_str(r"\x00"),
        // Those that mean the same, and the back-references, which the engine refuses by name.
        's' | 'S' | 'B' | 't' | 'n' | 'r' | 'v' | 'f' | 'x' | 'u' | 'k' | '1'..='9' => out.extend(['\\', escaped]),
        _ if escaped.is_ascii_alphanumeric() || matches!(escaped, '<' | '>') || !escaped.is_ascii() => out.push(escaped),
        _ => out.extend(['\\', escaped]),
    }
}

/// Whether what follows a brace makes it a quantifier: `3}`, `3,}` or `3,5}`.
fn is_quantifier(after: &str) -> bool {
    let Some((inside, _)) = after.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, "0"));
    !least.is_empty() && [least, most].iter().all(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_javascripts_notation() {
        for (pattern, text, found) in [
            (r"^\d+$", "123", true),
            (r"^\d+$", "١٢٣", false),
            (r"^[\w-.]+@example\.com$", "a.b-c@example.com", true),
            ("^[[a]$", "[", true),
            ("^[a&&b]$", "&", true),
            (r"^a{b\/c$", "a{b/c", true),
            ("^a{2,3}$", "aaa", true),
            ("^a.b$", "a\u{2028}b", false),
            (r"\bcat\b", "a cat.", true),
            ("[]", "a", false),
            ("^[^]$", "a", true),
            (r"^\<\z$", "<z", true),
        ] {
            assert_eq!(compile(pattern, false).unwrap().is_match(text), found, "{pattern} in {text}");
        }
        assert!(compile("MOBILE", true).unwrap().is_match("a mobile"));
    }

    #[test]
    fn refuses_what_needs_backtracking_and_what_is_too_large() {
        for pattern in ["(?=a)b", r"(a)\1", "/???***[)", "((a{200}){200}){200}", &"(".repeat(200)] {
            assert!(compile(pattern, false).is_err(), "{pattern}");
        }
    }
}

//! Adding lines to the text of a description that was set.

/// Appends `a=<attribute>` to section `section` of `text`, with the line ending that the text has.
///
/// Does nothing when there is no such section.
pub(in crate::signaling) fn append_attribute(text: &mut String, section: usize, attribute: &str) {
    let Some(end) = section_end(text, section) else { return };
    let ending = if text.contains("\r\n") || !text.contains('\n') { "\r\n" } else { "\n" };
    let mut line = format!("a={attribute}{ending}");
    if !text[..end].ends_with('\n') {
        line.insert_str(0, ending);
    }
    text.insert_str(end, &line);
}

/// Where the lines of a section end.
fn section_end(text: &str, section: usize) -> Option<usize> {
    let starts = || {
        let lines = text.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
        lines.filter(|(_, line)| line.starts_with("m=")).map(|(start, _)| start)
    };
    if starts().count() <= section {
        return None;
    }
    // An empty line at the end of the text belongs to no section.
    Some(starts().nth(section + 1).unwrap_or_else(|| {
        let trimmed = text.trim_ascii_end().len();
        text[trimmed..].find('\n').map_or(text.len(), |newline| trimmed + newline + 1)
    }))
}

#[cfg(test)]
mod tests {
    use super::append_attribute;

    fn appended(text: &str, section: usize) -> String {
        let mut text = text.to_owned();
        append_attribute(&mut text, section, "x");
        text
    }

    #[test]
    fn lines_go_to_the_end_of_their_section() {
        let text = "v=0\r\na=m=\r\nm=a\r\na=1\r\nm=b\r\na=2\r\n";
        assert_eq!(appended(text, 0), "v=0\r\na=m=\r\nm=a\r\na=1\r\na=x\r\nm=b\r\na=2\r\n");
        assert_eq!(appended(text, 1), "v=0\r\na=m=\r\nm=a\r\na=1\r\nm=b\r\na=2\r\na=x\r\n");
        assert_eq!(appended(text, 2), text);
        assert_eq!(appended("v=0\nm=a\n", 0), "v=0\nm=a\na=x\n");
        assert_eq!(appended("v=0\r\nm=a", 0), "v=0\r\nm=a\r\na=x\r\n");
        assert_eq!(appended("v=0\r\nm=a\r\n\r\n", 0), "v=0\r\nm=a\r\na=x\r\n\r\n");
    }
}

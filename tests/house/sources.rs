//! Finding and reading the project's own source files.

use std::fs;
use std::path::{Path, PathBuf};

/// The top folder of the project.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests package is a folder of the project")
        .into()
}

/// A file of the project as text.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = top().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `.rs` file below `folder`, relative to the top, in order.
pub(crate) fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&top().join(folder), &mut found);
    found.sort();
    found.iter().map(|path| path.strip_prefix(top()).expect("below the top").to_owned()).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Whether a file holds nothing but tests.
pub(crate) fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().any(|c| c.as_os_str() == "tests")
}

/// The lines of a file before its inline tests. A `mod tests;` that stands elsewhere does not end anything.
pub(crate) fn production_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let inline = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{');
    let tests = lines.windows(2).position(inline);
    text.lines().enumerate().take(tests.unwrap_or(usize::MAX)).map(|(at, line)| (at + 1, line))
}

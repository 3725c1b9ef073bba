//! No file becomes the program.

use crate::sources::{is_test_file, production_lines, read, rust_files};

/// Lines of production code; most files stay below half of it.
const MOST: usize = 600;
/// Lines of tests that may stand in the file that they test; more have a file of their own.
const MOST_INLINE_TESTS: usize = 200;

#[test]
fn files_stay_small() {
    let mut too_long = Vec::new();
    for folder in ["core/src", "io-mio/src", "io-tokio/src"] {
        for path in rust_files(folder).into_iter().filter(|path| !is_test_file(path)) {
            let text = read(&path);
            let production = production_lines(&text).count();
            let tests = text.lines().count() - production;
            if production > MOST {
                too_long.push(format!("{}: {production} lines, {MOST} allowed", path.display()));
            }
            if tests > MOST_INLINE_TESTS {
                too_long.push(format!(
                    "{}: {tests} lines of inline tests, {MOST_INLINE_TESTS} allowed",
                    path.display()
                ));
            }
        }
    }
    assert!(too_long.is_empty(), "split these:\n{}", too_long.join("\n"));
}

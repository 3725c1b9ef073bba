//! Where the browsers' programs are.

use std::path::{Path, PathBuf};

use crate::browser::error::BrowserError;

/// The browser itself; `CHROMIUM` points elsewhere.
pub(crate) fn chromium() -> Result<PathBuf, BrowserError> {
    find("Chromium", "chromium", "CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])
}

/// Chromium's WebDriver server; `CHROMEDRIVER` points elsewhere.
pub(crate) fn chromedriver() -> Result<PathBuf, BrowserError> {
    find("chromedriver", "chromium-driver", "CHROMEDRIVER", &["chromedriver"])
}

/// Firefox; `FIREFOX` points elsewhere.
pub(crate) fn firefox() -> Result<PathBuf, BrowserError> {
    find("Firefox", "firefox-esr", "FIREFOX", &["firefox-esr", "firefox"])
}

fn find(
    program: &'static str,
    package: &'static str,
    variable: &'static str,
    names: &[&str],
) -> Result<PathBuf, BrowserError> {
    let missing = BrowserError::Missing { program, package, variable };
    if let Some(given) = std::env::var_os(variable) {
        let given = PathBuf::from(given);
        return if given.is_file() { Ok(given) } else { Err(missing) };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    search(std::env::split_paths(&folders), names).ok_or(missing)
}

fn search(folders: impl Iterator<Item = PathBuf>, names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = folders.collect();
    names.iter().find_map(|name| folders.iter().map(|f| f.join(name)).find(|p: &PathBuf| Path::is_file(p)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::browser::install::search;

    #[test]
    fn the_first_name_wins_over_the_first_folder() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(a.path().join("second"), "").unwrap();
        std::fs::write(b.path().join("first"), "").unwrap();
        let folders = || [a.path(), b.path()].into_iter().map(PathBuf::from);
        assert_eq!(search(folders(), &["first", "second"]), Some(b.path().join("first")));
        assert_eq!(search(folders(), &["third", "second"]), Some(a.path().join("second")));
        assert_eq!(search(folders(), &["third"]), None);
    }
}

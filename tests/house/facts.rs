//! What people read agrees with what the manifests say.

use crate::sources::{read, rust_files};

fn manifest_value(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("no `{key}` in the manifest")).trim_matches('"').to_owned()
}

#[test]
fn readme_names_the_minimum_rust_version() {
    let wanted = format!("Rust {}", manifest_value(&read("Cargo.toml"), "rust-version"));
    assert!(read("README.md").contains(&wanted), "README.md should say \"{wanted}\"");
}

#[test]
fn changelog_begins_with_the_version() {
    let version = manifest_value(&read("Cargo.toml"), "version");
    let newest = read("CHANGELOG.md").lines().find_map(|line| line.strip_prefix("## ").map(str::to_owned));
    assert!(
        newest.is_some_and(|line| line.starts_with(&version)),
        "CHANGELOG.md should begin with {version}"
    );
}

#[test]
fn packages_share_version_licence_and_lints() {
    for manifest in ["core/Cargo.toml", "io-mio/Cargo.toml", "io-tokio/Cargo.toml", "tests/Cargo.toml"] {
        let text = read(manifest);
        for line in ["version.workspace = true", "license.workspace = true", "rust-version.workspace = true"]
        {
            assert!(text.contains(line), "{manifest} lacks `{line}`");
        }
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} does not share the lints");
    }
    let version = manifest_value(&read("Cargo.toml"), "version");
    for package in ["purertc", "purertc-mio", "purertc-tokio"] {
        let line = read("Cargo.toml")
            .lines()
            .find(|line| line.starts_with(&format!("{package} =")))
            .map(str::to_owned);
        assert!(
            line.is_some_and(|line| line.contains(&format!("version = \"{version}\""))),
            "{package}: another version"
        );
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let command = "cargo test --workspace";
    assert!(read("README.md").contains(command), "README.md should show `{command}`");
    assert!(read(".ci/run").contains(command), ".ci/run should run `{command}`");
}

#[test]
fn no_package_opts_out_of_safety() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    for folder in ["core/src", "io-mio/src", "io-tokio/src"] {
        for path in rust_files(folder) {
            let text = read(&path);
            assert!(!text.contains("allow(unsafe_code"), "{} allows unsafe code", path.display());
        }
    }
}

#[test]
fn readme_shows_the_example_that_the_crate_page_tests() {
    let page = read("core/src/lib.rs");
    let tested: Vec<&str> = page
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .skip_while(|line| !line.starts_with(" ```no_run"))
        .skip(1)
        .take_while(|line| !line.starts_with(" ```"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| *line != "#" && !line.starts_with("# "))
        .collect();
    assert!(tested.len() > 15, "the crate page has an example");
    let readme = read("README.md");
    assert!(readme.contains(&tested.join("\n")), "README.md should show this:\n{}", tested.join("\n"));
}

//! Figures that need a process of their own, because they count what the whole process does: the program runs itself.

use std::env::current_exe;
use std::process::Command;

use serde::de::DeserializeOwned;
use serde_json::{from_slice, json};

use crate::scenarios::{Options, Runner, chosen};

/// The library that `build.rs` made of `shim/copies.rs`.
const COPIES: &str = env!("COPIES_LIBRARY");

/// Runs `what` for one stack in a fresh process, with the copy counter loaded.
pub fn ask<T: DeserializeOwned>(options: &Options, runner: &Runner, what: &str) -> T {
    let mut command = Command::new(current_exe().expect("a program has a path"));
    command.args(["all", "--child", what, "--only", runner.name]);
    command.args(["--secs", &options.secs.to_string(), "--pairs", &options.pairs.to_string()]);
    if let Some(batch) = options.batch {
        command.args(["--batch", &batch.to_string()]);
    }
    let output = command.env("LD_PRELOAD", COPIES).output().expect("the program starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {what}: {said}", runner.name);
    from_slice(&output.stdout).expect("the child prints one JSON value")
}

/// The other side of [`ask`].
pub fn serve(options: &Options) {
    let what = options.child.as_deref().unwrap_or_default();
    let runners = chosen(options);
    let only = options.only.as_deref();
    let runner = runners.iter().find(|runner| Some(runner.name) == only).expect("a stack's whole name");
    let answer = match what.split_once(':') {
        Some(("bulk", size)) => {
            json!((runner.bulk_counted)(options, size.parse().expect("a message size")))
        }
        _ => json!((runner.idle_heap)(options)),
    };
    println!("{answer}");
}

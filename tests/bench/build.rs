//! Builds the copy counter (`shim/copies.rs`) as a library to preload, and notes which compiler is at work.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let source = "shim/copies.rs";
    println!("cargo:rerun-if-changed={source}");
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var("RUSTC").expect("cargo sets RUSTC");

    let library = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("libcopies.so");
    let status = Command::new(&rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-C", "opt-level=3", "-C", "panic=abort"])
        .args([source, "-o"])
        .arg(&library)
        .status()
        .expect("rustc runs");
    assert!(status.success(), "the copy counter does not build");
    println!("cargo:rustc-env=COPIES_LIBRARY={}", library.display());

    // The rival in C is measured where it is installed.
    let source = "peers/libsrtp.c";
    println!("cargo:rerun-if-changed={source}");
    let program = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("libsrtp");
    let built = Command::new("cc").args(["-O2", source, "-lsrtp2", "-o"]).arg(&program).output();
    if built.is_ok_and(|output| output.status.success()) {
        println!("cargo:rustc-env=LIBSRTP_PROGRAM={}", program.display());
    }

    let version = Command::new(&rustc).arg("--version").output().expect("rustc runs").stdout;
    println!("cargo:rustc-env=RUSTC_VERSION={}", String::from_utf8_lossy(&version).trim());
}

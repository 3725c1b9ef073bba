//! Folders are floors: a floor imports only what is below it, and siblings never meet.

use crate::sources::{is_test_file, production_lines, read, rust_files};
use std::path::Path;

/// What each folder of `core/src` may import besides itself. `lib.rs` and the exported macros stand outside.
const TABLE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("wire", &["base"]),
    ("crypto", &["base"]),
    ("transport", &["base", "wire", "crypto"]),
    ("media", &["base", "wire"]),
    ("data", &["base", "wire", "crypto"]),
    ("signaling", &["base", "wire"]),
    ("stats", &["base", "wire", "transport", "media", "data"]),
    ("peer", &["base", "wire", "crypto", "transport", "media", "data", "signaling", "stats"]),
    ("endpoint", &["base", "wire", "peer"]),
];

/// Machines that their owner alone may name: nothing beside them, and they nothing beside or above them.
const MACHINES: &[(&str, &[&str])] =
    &[("transport", &["ice", "turn", "dtls", "srtp", "sped"]), ("data", &["sctp"])];

/// Macros exported at the crate's root, which is where `macro_rules!` puts them.
const ROOT_MACROS: &[&str] = &["registry", "timer_keys", "w3c_enum"];

#[test]
fn floors_import_only_what_is_below() {
    let files = rust_files("core/src");
    assert!(files.len() > 40, "the house has more rooms than {}", files.len());
    let wrong: Vec<String> = files.iter().flat_map(|path| wrong_imports(path, &read(path))).collect();
    assert!(wrong.is_empty(), "imports that the table forbids:\n{}", wrong.join("\n"));
}

#[test]
fn the_test_notices() {
    let check = |path: &str, line: &str| wrong_imports(Path::new(path), line).len();
    assert_eq!(check("core/src/wire/stun/mod.rs", "use crate::base::time::Instant;"), 0);
    assert_eq!(check("core/src/wire/stun/mod.rs", "use crate::crypto::traits::Hmac;"), 1);
    assert_eq!(check("core/src/data/mod.rs", "let x = crate::transport::Event::Closed;"), 1);
    assert_eq!(check("core/src/transport/ice/pair.rs", "use crate::transport::dtls::Connection;"), 1);
    assert_eq!(check("core/src/transport/ice/pair.rs", "use crate::transport::event::Event;"), 1);
    assert_eq!(check("core/src/transport/ice/pair.rs", "use crate::transport::ice::role::Role;"), 0);
    assert_eq!(check("core/src/transport/demux.rs", "use crate::transport::ice::Agent;"), 0);
    assert_eq!(check("core/src/data/sctp/send.rs", "use crate::data::channel::Channel;"), 1);
    assert_eq!(check("core/src/peer/mod.rs", "use crate::wire::sdp::*;"), 1);
    assert_eq!(check("core/src/peer/mod.rs", "use crate::{base, wire};"), 1);
    assert_eq!(check("core/src/peer/mod.rs", "use crate::endpoint::Endpoint;"), 1);
    assert_eq!(check("core/src/peer/mod.rs", "// see crate::endpoint"), 0);
    assert_eq!(check("core/src/base/w3c.rs", "crate::w3c_enum! {"), 0);
    assert_eq!(check("core/src/wire/dcep.rs", "use crate::registry;"), 0);
    assert_eq!(check("core/src/wire/dcep.rs", "use crate::registry::Thing;"), 1);
}

fn wrong_imports(path: &Path, text: &str) -> Vec<String> {
    let inside = path.strip_prefix("core/src").expect("a file of the core");
    let rooms: Vec<&str> = inside.iter().filter_map(|part| part.to_str()).collect();
    let [floor, rest @ ..] = rooms.as_slice() else { return Vec::new() };
    if rest.is_empty() {
        return Vec::new(); // lib.rs re-exports everything.
    }
    // A machine's folder, or a machine that is still a single file.
    let room = rest[0].strip_suffix(".rs").unwrap_or(rest[0]);
    if is_test_file(path) {
        return Vec::new(); // A test may look wherever it needs to; it is not part of the house.
    }
    let wrong = |(at, line): (usize, &str)| {
        let code = line.split("//").next().unwrap_or_default();
        let reason = complaint(floor, room, code)?;
        Some(format!("{}:{at}: {reason}: {}", path.display(), line.trim()))
    };
    production_lines(text).filter_map(wrong).collect()
}

fn complaint(floor: &str, room: &str, code: &str) -> Option<String> {
    if code.trim_start().starts_with("use ") && code.contains("crate::") && code.contains("::*") {
        return Some("a glob hides what is taken".into());
    }
    code.split("crate::").skip(1).find_map(|after| {
        if ROOT_MACROS
            .iter()
            .any(|name| after.strip_prefix(name).is_some_and(|rest| rest.starts_with(['!', ';'])))
        {
            return None;
        }
        let mut names =
            after.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty());
        let Some(target) = names.next().filter(|_| !after.starts_with('{')) else {
            return Some("name the module, not the crate's root".into());
        };
        let target_room = names.next().unwrap_or_default();
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == floor) else {
            return Some(format!("`{floor}` is not a folder of the table"));
        };
        if target != floor && !allowed.contains(&target) {
            return Some(format!("`{floor}` may not import `{target}`"));
        }
        let machines =
            MACHINES.iter().find(|(name, _)| *name == floor).map_or(&[][..], |(_, machines)| machines);
        let leaves_its_machine = target == floor && machines.contains(&room) && target_room != room;
        leaves_its_machine.then(|| format!("`{floor}/{room}` may not look around in `{floor}`"))
    })
}

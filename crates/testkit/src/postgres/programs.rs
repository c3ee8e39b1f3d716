//! The programs of PostgreSQL, and who may run them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{checked, is_root, text_of};

/// PostgreSQL refuses to run as root.
#[derive(Debug, Clone)]
pub(super) struct RunAs {
    pub(super) user: String,
    pub(super) group: String,
}

/// Where initdb and pg_ctl are: on the path, or where Debian has them; installed there if need be.
pub(super) fn programs() -> PathBuf {
    if let Some(found) = find_programs() {
        return found;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/install-postgres.sh");
    let output = Command::new(&script).output();
    checked(output);
    find_programs().unwrap_or_else(|| panic!("{} has installed nothing that is found", script.display()))
}

fn find_programs() -> Option<PathBuf> {
    let has_all =
        |directory: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| directory.join(name).is_file());
    let on_path = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).find(has_all))
        // pg_ctl looks for the server beside itself, so links must be followed.
        .and_then(|directory| directory.join("pg_ctl").canonicalize().ok()?.parent().map(Path::to_owned));
    let version = |directory: &PathBuf| -> u32 {
        let name =
            directory.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    on_path.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        versions.map(|entry| entry.path().join("bin")).filter(has_all).max_by_key(version)
    })
}

/// Whom to run it as, unless it is the present user.
pub(super) fn run_as() -> Option<RunAs> {
    if !is_root() {
        return None;
    }
    let exists =
        |user: &&str| Command::new("id").arg(user).output().is_ok_and(|output| output.status.success());
    let user = ["postgres", "nobody"].into_iter().find(exists).expect("an unprivileged user");
    let group = text_of(Command::new("id").args(["-gn", user]));
    Some(RunAs { user: user.to_owned(), group })
}

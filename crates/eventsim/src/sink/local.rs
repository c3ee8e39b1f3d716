//! A local directory as the place of a data set.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{ANSWERS, ENTRIES, Part, Sink, SinkFile, foreign_file};
use crate::Error;

/// What the passing directories are called, before the number of the process.
const PARTIAL: &str = ".partial-";
const REPLACED: &str = ".replaced-";

/// What happens to data that is in the directory already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The directory must not exist.
    Refuse,
    /// A data set that was generated, and nothing else, is replaced.
    ReplaceGenerated,
    /// Whatever is there is replaced; files that do not belong to a data set stay.
    ReplaceAll,
}

/// A local directory.
///
/// The files are written into a passing directory and get their places in the end. A process that is killed
/// leaves that directory behind, and the next one that writes to the same place removes it. If it is killed at the very
/// end, while the files get their places, the next one first ends that.
#[derive(Debug)]
pub struct LocalDirectory {
    target: PathBuf,
    existing: Existing,
    /// The passing directory.
    partial: PathBuf,
    /// Whether the passing directory becomes the target as a whole.
    is_whole: bool,
    folders: Mutex<HashSet<PathBuf>>,
}

impl LocalDirectory {
    /// Prepares to write to a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] or [`Error::Foreign`] if something is there that is not to be replaced;
    /// [`Error::Unnamed`] if the path names nothing; [`Error::Io`] if it cannot be written to.
    pub fn create(target: &Path, existing: Existing) -> Result<Self, Error> {
        let is_there = match fs::symlink_metadata(target) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Error::io("look for", target)(error)),
        };
        // Beside the target, which it becomes; or inside, where it is on the same file system in any case.
        let (parent, name) = if is_there {
            if existing != Existing::Refuse {
                recover(target)?;
            }
            refuse(target, existing)?;
            (target, OsStr::new(""))
        } else {
            let Some(name) = target.file_name() else {
                return Err(Error::Unnamed { path: target.to_owned() });
            };
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            (parent.unwrap_or(Path::new(".")), name)
        };
        remove_stale(parent, name);
        let mut passing = name.to_owned();
        passing.push(format!("{PARTIAL}{}", std::process::id()));
        let (partial, is_whole) = (parent.join(passing), !is_there);
        // It may be of another thread.
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
        }
        fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
        Ok(Self { target: target.to_owned(), existing, partial, is_whole, folders: Mutex::default() })
    }

    /// Puts each entry into its place in a directory that exists.
    fn replace_entries(&self) -> Result<(), Error> {
        let replaced = self.target.join(format!("{REPLACED}{}", std::process::id()));
        fs::create_dir_all(&replaced).map_err(Error::io("create", &replaced))?;
        put_in_place(&self.target, &replaced, &self.partial)
    }
}

/// Moves the old entries of a directory away and the new ones to their places, wherever that was interrupted before.
/// The new ones must be whole.
fn put_in_place(target: &Path, replaced: &Path, partial: &Path) -> Result<(), Error> {
    for (from, to) in moves(target, replaced, partial) {
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("move", &from)(error)),
            _ => {}
        }
    }
    for directory in [replaced, partial] {
        fs::remove_dir_all(directory).map_err(Error::io("remove", directory))?;
    }
    Ok(())
}

/// The moves that are left, in order. Without its answers the old data set is not whole, with them the new one is: they
/// are the first to go and the last to come.
pub(crate) fn moves(target: &Path, replaced: &Path, partial: &Path) -> Vec<(PathBuf, PathBuf)> {
    let away = ENTRIES.map(|name| (target.join(name), replaced.join(name)));
    let mut new = ENTRIES.map(|name| (partial.join(name), target.join(name)));
    new.reverse();
    // Each data set has the first of them. Where it has come, all that was old has gone.
    let has_begun = !new[0].0.exists();
    if has_begun { new.into() } else { away.into_iter().chain(new).collect() }
}

/// Ends what a process that was killed began: if it was killed while it put a data set into its place, the data set gets
/// there now. What is left of one that had its place, or has it, is removed.
///
/// What cannot be told is left as it is.
fn recover(target: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(target) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(REPLACED)) else { continue };
        if !is_gone(process) {
            continue;
        }
        let (replaced, partial) = (entry.path(), target.join(format!("{PARTIAL}{process}")));
        if partial.join(ANSWERS).exists() {
            put_in_place(target, &replaced, &partial)?;
        } else if target.join(ANSWERS).exists() {
            fs::remove_dir_all(&replaced).map_err(Error::io("remove", &replaced))?;
        }
    }
    Ok(())
}

/// Whether a text is the number of a process that is no more. What has the number of this process was left by another
/// one that had it.
fn is_gone(process: &str) -> bool {
    let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    let is_known = Path::new("/proc/self").exists();
    is_number
        && (process == std::process::id().to_string()
            || (is_known && !Path::new("/proc").join(process).exists()))
}

/// Refuses a target that exists and must not be replaced.
fn refuse(target: &Path, existing: Existing) -> Result<(), Error> {
    match existing {
        Existing::Refuse => Err(Error::Exists { path: target.to_owned() }),
        _ if !target.is_dir() => Err(Error::Exists { path: target.to_owned() }),
        Existing::ReplaceGenerated => match foreign(target)? {
            Some(example) => Err(Error::Foreign { location: target.display().to_string(), example }),
            None => Ok(()),
        },
        Existing::ReplaceAll => Ok(()),
    }
}

/// Something in a directory that does not belong to the data set that was generated there.
fn foreign(target: &Path) -> Result<Option<String>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![(target.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
            let entry = entry.map_err(Error::io("read", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_passing = name.starts_with(PARTIAL) || name.starts_with(REPLACED);
            if prefix.is_empty() && is_passing {
                continue;
            }
            if prefix.is_empty() && !ENTRIES.contains(&name.as_str()) {
                return Ok(Some(name));
            }
            let name = format!("{prefix}{name}");
            if entry.file_type().map_err(Error::io("read", &entry.path()))?.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                found.push(name);
            }
        }
    }
    let answers = fs::read_to_string(target.join(ANSWERS)).ok();
    Ok(foreign_file(found.iter().map(String::as_str), answers.as_deref()))
}

/// Removes the passing directories of processes that are gone, as far as possible.
fn remove_stale(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let entry_name = entry.file_name();
        let Some(rest) = entry_name.to_str().and_then(|entry| entry.strip_prefix(name.to_str()?)) else {
            continue;
        };
        // A `.replaced-` may be the only copy of a data set; it is for `recover`.
        if rest.strip_prefix(PARTIAL).is_some_and(is_gone) {
            // If it cannot be removed it is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Sink for LocalDirectory {
    fn location(&self) -> String {
        self.target.display().to_string()
    }

    fn create(&self, name: &str) -> Result<Box<dyn SinkFile>, Error> {
        let path = self.partial.join(name);
        if let Some(folder) = path.parent() {
            let is_new = {
                let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                !folders.contains(folder)
            };
            if is_new {
                fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
            }
        }
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        Ok(Box::new(LocalFile { file, path }))
    }

    fn publish(&self) -> Result<(), Error> {
        if !self.is_whole {
            // Somebody else may have put something there in the meantime.
            refuse(&self.target, self.existing)?;
            return self.replace_entries();
        }
        match fs::symlink_metadata(&self.target) {
            Ok(_) => Err(Error::Exists { path: self.target.clone() }),
            Err(_) => fs::rename(&self.partial, &self.target).map_err(Error::io("rename", &self.partial)),
        }
    }

    fn discard(&self) {
        // The error that counts is the one that led here.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

#[derive(Debug)]
struct LocalFile {
    file: File,
    path: PathBuf,
}

impl SinkFile for LocalFile {
    fn write(&self, part: Part<'_>) -> Result<(), Error> {
        self.file.write_all_at(part.bytes, part.offset).map_err(Error::io("write", &self.path))
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

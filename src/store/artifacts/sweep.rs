//! What a folder of artifacts has that no record refers to, and to which database the folder belongs.

use crate::store::{
    StoreError,
    artifacts::{ArtifactKey, Artifacts, FOLDERS, local::IDENTITY},
};
use anyhow::{Context, ensure};
use std::{
    collections::HashSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};
use uuid::Uuid;

/// Length of the id at the start of every file name.
const UUID_LENGTH: usize = 36;

/// A younger file may belong to a record that is not written yet, or not restored yet.
const MIN_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The share of all artifacts, as one of so many, that is removed without being asked.
const MAX_SHARE: usize = 10;

/// Files that no record refers to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Old enough to be removed.
    pub old: Vec<PathBuf>,
    /// Bytes of those.
    pub old_bytes: u64,
    /// Younger than a day.
    pub young: usize,
    /// Number of all artifacts.
    pub all: usize,
}

impl Leftovers {
    /// Whether so many are to be removed that something else is probably wrong.
    pub fn are_many(&self) -> bool {
        self.old.len() * MAX_SHARE > self.all
    }

    /// Removes the old ones.
    pub fn remove(&self) -> io::Result<()> {
        self.old.iter().try_for_each(fs::remove_file)
    }
}

impl Artifacts {
    /// Everything that is not `needed`.
    pub async fn leftovers(&self, needed: HashSet<ArtifactKey>) -> Result<Leftovers, StoreError> {
        let root = self.root.clone();
        let found = tokio::task::spawn_blocking(move || leftovers(&root, &needed)).await;
        Ok(found.context("the search was cut short")?.context("cannot list the artifacts")?)
    }

    /// Binds the folder to the database `identity`, whose records refer to `needed`; fails where it belongs to another one.
    pub fn claim(&self, identity: &str, needed: &HashSet<ArtifactKey>) -> anyhow::Result<()> {
        let (root, file) = (self.root.display(), self.root.join(IDENTITY));
        match fs::read_to_string(&file) {
            Ok(owner) => {
                let owner = owner.trim();
                ensure!(
                    owner == identity,
                    "the artifacts in {root} belong to the database {owner}, not to this one, {identity}: set --database-url and \
                     --artifacts-url to what belongs together, or restore a backup"
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let all = leftovers(&self.root, &HashSet::new()).context("cannot list the artifacts")?.all;
                let is_known = needed.iter().any(|key| self.root.join(key.as_str()).exists());
                ensure!(
                    all == 0 || is_known,
                    "the database knows none of the {all} artifacts in {root}: set --database-url and --artifacts-url to what belongs \
                     together"
                );
                write_durably(&file, identity).with_context(|| format!("cannot write {}", file.display()))?;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
        self.is_claimed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn write_durably(file: &Path, text: &str) -> io::Result<()> {
    let mut written = fs::File::create(file)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()
}

fn leftovers(root: &Path, needed: &HashSet<ArtifactKey>) -> io::Result<Leftovers> {
    let mut found = Leftovers::default();
    for folder in FOLDERS {
        let files = match fs::read_dir(root.join(folder)) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for file in files {
            let file = file?;
            let Some(name) = file.file_name().to_str().map(str::to_owned) else { continue };
            let is_artifact = name.get(..UUID_LENGTH).is_some_and(|id| Uuid::try_parse(id).is_ok());
            let metadata = file.metadata()?;
            if !is_artifact || !metadata.is_file() {
                continue;
            }
            found.all += 1;
            if needed.contains(&ArtifactKey::from_stored(format!("{folder}/{name}"))) {
                continue;
            }
            let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
            if age < MIN_AGE {
                found.young += 1;
            } else {
                found.old_bytes += metadata.len();
                found.old.push(file.path());
            }
        }
    }
    Ok(found)
}

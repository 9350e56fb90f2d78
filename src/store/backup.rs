//! Copies of database and artifacts in one file (tar), and checks of everything that is stored.

use crate::store::artifacts::{ArtifactKey, Artifacts, hexadecimal};
use anyhow::{Context, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, BufReader, BufWriter, ErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
};

/// The database in a backup.
const DATABASE: &str = "epoca.sqlite3";

/// The artifacts in a backup, by key.
const ARTIFACTS: &str = "artifacts";

/// Attempts at a copy while files are deleted.
const ATTEMPTS: u32 = 5;

/// A file that a record refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Needed {
    key: String,
    sha256: String,
    bytes: u64,
}

/// What a backup has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Files of datasets and versions.
    pub artifacts: usize,
    /// Their bytes, and the database's.
    pub bytes: u64,
}

/// Writes a consistent copy of `database` and of the artifacts that it refers to into `file`; the service may run. Every artifact's
/// SHA-256 is checked. Fails where `file` exists.
pub async fn backup(database: &Path, artifacts: &Path, file: &Path) -> anyhow::Result<Copied> {
    ensure!(database.is_file(), "expected a database, {} does not exist", database.display());
    ensure!(!file.exists(), "{} exists already", file.display());
    ensure!(folder_of(file).is_dir(), "expected a folder, {} does not exist", folder_of(file).display());
    let partial = suffixed(file, ".part");
    for attempt in 1.. {
        let snapshot = tempfile::Builder::new().suffix(".sqlite3").tempdir_in(folder_of(file))?;
        let copy = snapshot.path().join(DATABASE);
        let needed = snapshot_of(database, &copy).await?;
        let (artifacts, partial) = (artifacts.to_owned(), partial.clone());
        let written = tokio::task::spawn_blocking(move || write(&copy, &needed, &artifacts, &partial)).await?;
        match written {
            Ok(copied) => {
                fs::rename(suffixed(file, ".part"), file).context("cannot rename the backup")?;
                File::open(folder_of(file))?.sync_all()?;
                return Ok(copied);
            }
            // Deleted since the copy of the database: the next copy does not refer to it.
            Err(error) if attempt < ATTEMPTS && is_missing(&error) => {}
            Err(error) => {
                let _ = fs::remove_file(suffixed(file, ".part"));
                return Err(error);
            }
        }
    }
    bail!("the backup was given up")
}

/// Makes `database` and `artifacts` from the backup `file`. Fails where there is a database already, or artifacts.
pub async fn restore(file: &Path, database: &Path, artifacts: &Path) -> anyhow::Result<Copied> {
    ensure!(!database.exists(), "{} exists already: move it away first", database.display());
    fs::create_dir_all(folder_of(database)).context("cannot create the folder of the database")?;
    let store = Artifacts::open(artifacts)?;
    let found = store.leftovers(HashSet::new()).await?.all;
    ensure!(found == 0, "{} has {found} artifacts already: move them away first", artifacts.display());
    let partial = suffixed(database, ".restored");
    let (from, to, into) = (file.to_owned(), partial.clone(), artifacts.to_owned());
    let (read, written) = tokio::task::spawn_blocking(move || read(&from, &to, &into)).await??;
    ensure!(partial.is_file(), "{} is no backup: it has no {DATABASE}", file.display());
    let mut bytes = fs::metadata(&partial)?.len();
    let Ok((needed, identity)) = records_of(&partial).await else {
        bail!("{} is no backup: its {DATABASE} is no database of this service", file.display());
    };
    for Needed { key, sha256, bytes: size } in &needed {
        let found = read.get(key).with_context(|| format!("the backup lacks the artifact {key}"))?;
        ensure!(found == sha256, "the artifact {key} of the backup is damaged");
        bytes += size;
    }
    written.keep();
    let keys = needed.iter().map(|needed| ArtifactKey::from_stored(needed.key.clone())).collect();
    store.claim(&identity, &keys)?;
    fs::rename(&partial, database).context("cannot rename the database")?;
    File::open(folder_of(database))?.sync_all()?;
    Ok(Copied { artifacts: needed.len(), bytes })
}

/// The files that the database of a backup refers to, and its identity.
async fn records_of(database: &Path) -> anyhow::Result<(Vec<Needed>, String)> {
    let mut connection = connect(database).await?;
    let needed = needed(&mut connection).await;
    let identity = sqlx::query_scalar("SELECT identity FROM service WHERE id = 1").fetch_one(&mut connection).await;
    connection.close().await?;
    Ok((needed?, identity?))
}

/// What is wrong with the database or with an artifact; the service may run. Also the number of artifacts that were read.
pub async fn check(database: &Path, artifacts: &Path) -> anyhow::Result<(Vec<String>, usize)> {
    ensure!(database.is_file(), "expected a database, {} does not exist", database.display());
    let mut connection = connect(database).await?;
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
    let mut wrong: Vec<String> =
        found.into_iter().filter(|line| line != "ok").map(|line| format!("database: {line}")).collect();
    let needed = needed(&mut connection).await?;
    connection.close().await?;
    let count = needed.len();
    let artifacts = artifacts.to_owned();
    let damaged = tokio::task::spawn_blocking(move || {
        let problem = |Needed { key, sha256, .. }: &Needed| {
            let found = File::open(artifacts.join(key)).and_then(|mut file| copy(&mut file, &mut io::sink()));
            match found {
                Ok((_, found)) if found == *sha256 => None,
                Ok((_, found)) => Some(format!("{key}: expected SHA-256 {sha256}, received {found}")),
                Err(error) => Some(format!("{key}: cannot be read: {error}")),
            }
        };
        needed.iter().filter_map(problem).collect::<Vec<_>>()
    });
    wrong.extend(damaged.await?);
    Ok((wrong, count))
}

async fn connect(database: &Path) -> anyhow::Result<sqlx::SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    options.connect().await.with_context(|| format!("cannot open the database {}", database.display()))
}

/// Copies the database as of one moment, and lists the files that the copy refers to.
async fn snapshot_of(database: &Path, copy: &Path) -> anyhow::Result<Vec<Needed>> {
    let mut connection = connect(database).await?;
    let target = copy.to_str().context("the path of the backup is no UTF-8")?;
    sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await.context("cannot copy the database")?;
    connection.close().await?;
    let mut connection = connect(copy).await?;
    let needed = needed(&mut connection).await?;
    connection.close().await?;
    Ok(needed)
}

async fn needed(connection: &mut sqlx::SqliteConnection) -> anyhow::Result<Vec<Needed>> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT 'datasets/' || id, sha256, bytes FROM datasets UNION ALL SELECT artifact, sha256, bytes FROM versions",
    )
    .fetch_all(connection)
    .await
    .context("cannot list the artifacts")?;
    Ok(rows.into_iter().map(|(key, sha256, bytes)| Needed { key, sha256, bytes: bytes.unsigned_abs() }).collect())
}

fn write(database: &Path, needed: &[Needed], artifacts: &Path, file: &Path) -> anyhow::Result<Copied> {
    let mut archive = tar::Builder::new(BufWriter::new(File::create(file).context("cannot write the backup")?));
    archive.append_path_with_name(database, DATABASE)?;
    let mut bytes = fs::metadata(database)?.len();
    for Needed { key, sha256, .. } in needed {
        let mut hashed =
            Hashed::new(File::open(artifacts.join(key)).with_context(|| format!("cannot open the artifact {key}"))?);
        let mut header = tar::Header::new_gnu();
        header.set_size(hashed.inner.metadata()?.len());
        header.set_mode(0o644);
        bytes += header.size()?;
        archive.append_data(&mut header, Path::new(ARTIFACTS).join(key), &mut hashed)?;
        let found = hashed.finish();
        ensure!(found == *sha256, "the artifact {key} is damaged: expected SHA-256 {sha256}, received {found}");
    }
    let file = archive.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(Copied { artifacts: needed.len(), bytes })
}

/// Files that are removed when this is dropped.
#[derive(Debug, Default)]
struct Written(Vec<PathBuf>);

impl Written {
    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for file in &self.0 {
            if let Err(error) = fs::remove_file(file) {
                tracing::warn!(%error, "cannot remove {}", file.display());
            }
        }
    }
}

/// Writes the database to `database` and the others below `artifacts`; returns their SHA-256 by key, and what was written.
fn read(file: &Path, database: &Path, artifacts: &Path) -> anyhow::Result<(HashMap<String, String>, Written)> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    ensure!(opened.metadata()?.is_file(), "{} is no backup: expected a file", file.display());
    // The reader of the archive says what only its author understands.
    let damaged = |_: io::Error| anyhow!("{} is no backup: it is no tar file, or ends early", file.display());
    let mut archive = tar::Archive::new(BufReader::new(opened));
    let (mut found, mut written_files) = (HashMap::new(), Written::default());
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        ensure!(
            entry.header().entry_type().is_file(),
            "{} is no backup: {} is no file",
            file.display(),
            path.display()
        );
        let target = if path == Path::new(DATABASE) {
            database.to_owned()
        } else {
            let key = path.strip_prefix(ARTIFACTS).ok().filter(|key| is_key(key));
            artifacts.join(key.with_context(|| format!("expected an artifact, received {}", path.display()))?)
        };
        fs::create_dir_all(folder_of(&target))?;
        let mut written = File::create(&target).with_context(|| format!("cannot write {}", target.display()))?;
        written_files.0.push(target.clone());
        let (_, sha256) = copy(&mut entry, &mut written).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                anyhow!("cannot write {}: no space is left", target.display())
            }
            _ => damaged(error),
        })?;
        written.sync_all()?;
        if let Some(key) = path.strip_prefix(ARTIFACTS).ok().and_then(Path::to_str) {
            found.insert(key.to_owned(), sha256);
        }
    }
    Ok((found, written_files))
}

/// Two plain names, such as `datasets/…`.
fn is_key(key: &Path) -> bool {
    key.components().count() == 2 && key.components().all(|part| matches!(part, Component::Normal(_)))
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hashed = Hashed::new(from);
    let bytes = io::copy(&mut hashed, to)?;
    Ok((bytes, hashed.finish()))
}

/// A reader that hashes what it reads.
struct Hashed<R> {
    inner: R,
    hasher: Sha256,
}

impl<R> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    fn finish(self) -> String {
        hexadecimal(&self.hasher.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|it| it.kind() == ErrorKind::NotFound)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn suffixed(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

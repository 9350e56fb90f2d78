//! Checkpoints: the state of the fit of a job after an epoch, in a file. It is of use to continue the job and to nothing else: whatever is
//! missing or damaged is not continued.
//!
//! A file has a header, the state, and the SHA-256 of both.

use crate::store::artifacts::{Artifacts, hexadecimal};
use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Take, Write},
};
use uuid::Uuid;

/// The folder of the checkpoints.
const FOLDER: &str = "checkpoints";

/// The start of every file; the number is that of the form of what follows.
const MAGIC: &[u8; 20] = b"epoca checkpoint 001";

/// Bytes of a SHA-256.
const DIGEST: u64 = 32;

/// Bytes that are read and written at a time.
const BUFFER: usize = 1 << 18;

/// The state in a checkpoint.
pub type StoredState = Take<BufReader<File>>;

impl Artifacts {
    /// Stores what `write` writes as the state of a job after an epoch, durably and as a whole or not at all.
    pub fn write_checkpoint(
        &self,
        job: Uuid,
        epoch: u32,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.check_place().map_err(io::Error::other)?;
        let folder = self.root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let file = BufWriter::with_capacity(BUFFER, tempfile::NamedTempFile::new_in(&folder)?);
        let mut out = Hashing { file, hasher: Sha256::new() };
        out.write_all(&header(job, epoch))?;
        write(&mut out)?;
        let Hashing { mut file, hasher } = out;
        file.write_all(&hasher.finalize())?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(folder.join(name(job, epoch))).map_err(|error| error.error)?;
        File::open(&folder)?.sync_all()
    }

    /// The state of a job after an epoch; fails where the file is missing, damaged, or that of something else, and where `stop` says so
    /// before the end.
    pub fn checkpoint(&self, job: Uuid, epoch: u32, stop: &dyn Fn() -> bool) -> anyhow::Result<StoredState> {
        let path = self.root.join(FOLDER).join(name(job, epoch));
        // Opening something else may wait forever.
        ensure!(fs::symlink_metadata(&path).context("it cannot be opened")?.is_file(), "it is no file");
        let mut file = File::open(path).context("it cannot be opened")?;
        let header = header(job, epoch);
        let length = file.metadata()?.len();
        let state = length.checked_sub(header.len() as u64 + DIGEST).context("it is cut short")?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut hashed = (&mut file).take(length - DIGEST);
        let mut start: Vec<u8> = Vec::with_capacity(header.len());
        loop {
            let count = hashed.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            if stop() {
                bail!("stopped on request");
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            start.extend(bytes.iter().take(header.len() - start.len()));
            hasher.update(bytes);
        }
        ensure!(start == header, "it is no checkpoint of this job, or of another version");
        let mut digest = Vec::new();
        file.read_to_end(&mut digest)?;
        let expected = hasher.finalize();
        ensure!(
            digest == expected[..],
            "it is damaged: expected SHA-256 {}, received {}",
            hexadecimal(&digest),
            hexadecimal(&expected)
        );
        file.seek(SeekFrom::Start(header.len() as u64))?;
        Ok(BufReader::with_capacity(BUFFER, file).take(state))
    }

    /// Removes the checkpoints of a job, or those of epochs before `before`.
    pub fn remove_checkpoints(&self, job: Uuid, before: Option<u32>) {
        self.remove_of(job, |epoch| before.is_none_or(|before| epoch < before));
    }

    /// Removes the checkpoint of a job after an epoch, which is of no use.
    pub fn remove_checkpoint(&self, job: Uuid, epoch: u32) {
        self.remove_of(job, |of_epoch| of_epoch == epoch);
    }

    fn remove_of(&self, job: Uuid, is_removed: impl Fn(u32) -> bool) {
        if let Err(error) = self.sweep(|of_job, epoch| of_job != job || !is_removed(epoch), false) {
            tracing::warn!(%error, id = %job, "checkpoints that are not needed stay until the next start");
        }
    }

    /// Removes checkpoints that are not `needed`, and unfinished ones. Only for start-up.
    pub fn sweep_checkpoints(&self, needed: &HashSet<(Uuid, u32)>) -> io::Result<usize> {
        self.sweep(|job, epoch| needed.contains(&(job, epoch)), true)
    }

    /// What cannot be removed keeps nothing else.
    fn sweep(&self, is_kept: impl Fn(Uuid, u32) -> bool, others: bool) -> io::Result<usize> {
        let files = match fs::read_dir(self.root.join(FOLDER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            files => files?,
        };
        let (mut removed, mut failure) = (0, None);
        for file in files {
            let file = file?;
            let parsed = file.file_name().to_str().and_then(parse);
            let is_folder = file.file_type().is_ok_and(|kind| kind.is_dir());
            if !parsed.map_or(others && !is_folder, |(job, epoch)| !is_kept(job, epoch)) {
                continue;
            }
            let outcome = if is_folder { fs::remove_dir_all(file.path()) } else { fs::remove_file(file.path()) };
            match outcome {
                Err(error) if error.kind() != io::ErrorKind::NotFound => failure = Some(error),
                _ => removed += 1,
            }
        }
        failure.map_or(Ok(removed), Err)
    }
}

fn name(job: Uuid, epoch: u32) -> String {
    format!("{job}-{epoch}")
}

fn parse(name: &str) -> Option<(Uuid, u32)> {
    let (job, epoch) = name.rsplit_once('-')?;
    Some((Uuid::try_parse(job).ok()?, epoch.parse().ok()?))
}

fn header(job: Uuid, epoch: u32) -> Vec<u8> {
    [&MAGIC[..], job.as_bytes(), &epoch.to_le_bytes()].concat()
}

/// Writes to a file, and hashes what it writes.
struct Hashing<W> {
    file: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_checkpoints_and_those_of_others_are_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        let (job, other) = (Uuid::now_v7(), Uuid::now_v7());
        let state: Vec<u8> = (0..1_000_000_u32).map(|byte| byte as u8).collect();
        artifacts.write_checkpoint(job, 7, |out| out.write_all(&state)).unwrap();
        let read = |job, epoch| {
            let mut bytes = Vec::new();
            artifacts.checkpoint(job, epoch, &|| false)?.read_to_end(&mut bytes)?;
            anyhow::Ok(bytes)
        };
        assert!(read(job, 7).unwrap() == state);
        assert!(read(job, 6).is_err() && artifacts.checkpoint(job, 7, &|| true).is_err());

        let files = folder.path().join(FOLDER);
        fs::copy(files.join(name(job, 7)), files.join(name(other, 7))).unwrap();
        assert!(read(other, 7).is_err(), "of another job");
        let whole = fs::read(files.join(name(job, 7))).unwrap();
        for place in [0, 30, 500_000, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(files.join(name(job, 7)), damaged).unwrap();
            assert!(read(job, 7).is_err(), "byte {place}");
        }
        for length in [0, 10, 60, whole.len() - 1] {
            fs::write(files.join(name(job, 7)), &whole[..length]).unwrap();
            assert!(read(job, 7).is_err(), "{length} bytes");
        }
        fs::remove_file(files.join(name(job, 7))).unwrap();
        assert!(read(job, 7).is_err(), "missing");
        fs::create_dir(files.join(name(job, 7))).unwrap();
        assert!(read(job, 7).is_err(), "a folder");
    }

    #[test]
    fn what_fails_leaves_nothing_and_what_is_not_needed_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        let (job, other) = (Uuid::now_v7(), Uuid::now_v7());
        artifacts.write_checkpoint(job, 1, |_| Err(io::Error::other("full"))).unwrap_err();
        let names = || {
            let files = fs::read_dir(folder.path().join(FOLDER)).unwrap();
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect::<HashSet<_>>()
        };
        assert!(names().is_empty());
        for (job, epoch) in [(job, 1), (job, 2), (job, 10), (other, 1)] {
            artifacts.write_checkpoint(job, epoch, |out| out.write_all(b"state")).unwrap();
        }
        artifacts.remove_checkpoints(job, Some(2));
        assert_eq!(names(), HashSet::from([name(job, 2), name(job, 10), name(other, 1)]));
        fs::write(folder.path().join(FOLDER).join(".tmp123"), "unfinished").unwrap();
        assert_eq!(artifacts.sweep_checkpoints(&HashSet::from([(job, 10), (other, 1)])).unwrap(), 2);
        artifacts.remove_checkpoint(job, 9);
        assert_eq!(names().len(), 2);
        artifacts.remove_checkpoint(job, 10);
        assert_eq!(names(), HashSet::from([name(other, 1)]));
        artifacts.remove_checkpoints(other, None);
        // A folder in the place of one, and one that is somebody else's.
        for folder_name in [name(job, 3), "lost+found".to_owned()] {
            fs::create_dir(folder.path().join(FOLDER).join(&folder_name)).unwrap();
            fs::write(folder.path().join(FOLDER).join(folder_name).join("file"), "").unwrap();
        }
        assert_eq!(artifacts.sweep_checkpoints(&HashSet::new()).unwrap(), 1);
        assert_eq!(names(), HashSet::from(["lost+found".to_owned()]));
    }
}

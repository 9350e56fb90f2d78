//! Artifacts in a local folder.

use bytes::Bytes;
use epoca::store::{
    StoreError,
    artifacts::{ArtifactKey, Artifacts, ReceiveError},
};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    fs,
    io::{BufRead, Read},
    path::Path,
};
use uuid::Uuid;

type Chunk = Result<Bytes, std::io::Error>;

/// `content` in chunks of `size`.
fn chunks(content: &[u8], size: usize) -> Vec<Chunk> {
    content.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

/// Reads everything, as an inspection does.
fn read_all(source: &mut dyn BufRead) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    source.read_to_end(&mut content).map_err(|error| error.to_string())?;
    Ok(content)
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_comes_back_or_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let key = ArtifactKey::weights(Uuid::now_v7(), 1);
    let stored = artifacts.put(&key, Bytes::from_static(b"weights")).await.unwrap();
    assert_eq!((stored.bytes, stored.sha256.as_str()), (7, sha256(b"weights").as_str()));
    assert_eq!(artifacts.get(&key, &stored.sha256).await.unwrap(), "weights");
    fs::write(folder.path().join(key.as_str()), b"weighty").unwrap();
    let error = artifacts.get(&key, &stored.sha256).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    artifacts.remove(&key).await.unwrap();
    artifacts.remove(&key).await.expect("what is gone is removed");
    assert!(artifacts.get(&key, &stored.sha256).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_stored_hashed_and_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    // Over two parts, in chunks that do not divide them.
    let content: Vec<u8> = (0..20_000_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for content in [content.as_slice(), b"short", b""] {
        let key = ArtifactKey::dataset(Uuid::now_v7());
        let body = stream::iter(chunks(content, 65_537));
        let (stored, seen) = artifacts.receive(&key, body, content.len() as u64, read_all).await.unwrap();
        assert!(seen == content, "what was looked into is what was sent");
        assert_eq!((stored.bytes, &stored.sha256), (content.len() as u64, &sha256(content)));
        let mut source = artifacts.source(&key, &stored.sha256).await.unwrap();
        let read = tokio::task::spawn_blocking(move || read_all(&mut source)).await.unwrap().unwrap();
        assert!(read == content, "what was stored is what was sent");
    }
    assert_eq!(files(folder.path()).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_does_not_end_well_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let key = ArtifactKey::dataset(Uuid::now_v7());
    let body = |size| stream::iter(chunks(&vec![b'x'; size], 100_000));

    let large = artifacts.receive(&key, body(1_000_001), 1_000_000, read_all).await;
    assert!(matches!(large, Err(ReceiveError::TooLarge { max_bytes: 1_000_000 })), "{large:?}");
    let broken = body(9_000_000).chain(stream::iter([Err(std::io::Error::other("reset"))]));
    let broken = artifacts.receive(&key, broken, u64::MAX, read_all).await;
    assert!(matches!(broken, Err(ReceiveError::Body(_))), "{broken:?}");
    let refused = artifacts.receive(&key, body(1000), u64::MAX, |_| Err::<(), _>("no table")).await;
    assert!(matches!(refused, Err(ReceiveError::Refused("no table"))), "{refused:?}");
    // A refusal ends an upload that would never end.
    let refused = artifacts
        .receive(&key, stream::iter(std::iter::repeat_with(|| chunks(b"x", 1).remove(0))), u64::MAX, |source| {
            source.consume(1);
            Err::<(), _>("no table")
        })
        .await;
    assert!(matches!(refused, Err(ReceiveError::Refused("no table"))), "{refused:?}");
    // A client that hangs up: the future is dropped half-way.
    let hanging = body(9_000_000).chain(stream::pending());
    let hanging = artifacts.receive(&key, hanging, u64::MAX, read_all);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), hanging).await.is_err());

    // Temporary files are removed by threads of their own.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !files(folder.path()).is_empty() {
        assert!(std::time::Instant::now() < deadline, "left: {:?}", files(folder.path()));
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_has_seen_enough_does_not_end_the_upload() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let key = ArtifactKey::dataset(Uuid::now_v7());
    let content = vec![b'x'; 10_000_000];
    let first = |source: &mut dyn BufRead| {
        let mut byte = [0];
        source.read_exact(&mut byte).map(|()| byte)
    };
    let (stored, seen) = artifacts.receive(&key, stream::iter(chunks(&content, 9999)), u64::MAX, first).await.unwrap();
    assert_eq!((seen, stored.bytes), ([b'x'], 10_000_000));
    assert_eq!(stored.sha256, sha256(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_found_by_who_reads_it_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let key = ArtifactKey::dataset(Uuid::now_v7());
    let stored = artifacts.put(&key, Bytes::from(vec![b'x'; 1_000_000])).await.unwrap();
    for damage in [vec![b'x'; 999_999], [vec![b'x'; 999_999], vec![b'y']].concat(), vec![b'x'; 1_000_001]] {
        fs::write(folder.path().join(key.as_str()), damage).unwrap();
        let mut source = artifacts.source(&key, &stored.sha256).await.unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let mut first = [0; 10];
            source.read_exact(&mut first).unwrap();
            source.finish()
        });
        assert_eq!(read.await.unwrap().unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_removes_leftovers_and_nothing_that_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let (kept, orphan) = (ArtifactKey::dataset(Uuid::now_v7()), ArtifactKey::weights(Uuid::now_v7(), 3));
    for key in [&kept, &orphan] {
        artifacts.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    let temporary = format!("{}#1", ArtifactKey::dataset(Uuid::now_v7()).as_str());
    fs::write(folder.path().join(&temporary), b"half").unwrap();
    fs::create_dir(folder.path().join("photos")).unwrap();
    for theirs in ["photos/cat.jpg", "datasets/README", "notes.txt"] {
        fs::write(folder.path().join(theirs), b"mine").unwrap();
    }
    let needed = HashSet::from([kept.clone()]);
    let young = artifacts.leftovers(needed.clone()).await.unwrap();
    assert_eq!((young.old.len(), young.young, young.all), (0, 2, 3), "what is younger than a day stays");
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
    for file in [orphan.as_str(), &temporary] {
        fs::File::options().write(true).open(folder.path().join(file)).unwrap().set_modified(yesterday).unwrap();
    }
    let old = artifacts.leftovers(needed).await.unwrap();
    assert!(old.old.len() == 2 && old.are_many());
    old.remove().unwrap();
    let mut left = files(folder.path());
    left.sort();
    let name = kept.as_str().strip_prefix("datasets/").unwrap().to_owned();
    assert_eq!(left, [name, "README".to_owned(), "cat.jpg".to_owned(), "notes.txt".to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::open(folder.path()).unwrap();
    let key = ArtifactKey::dataset(Uuid::now_v7());
    assert!(matches!(artifacts.get(&key, "").await, Err(StoreError::Internal(_))));
    assert!(matches!(artifacts.source(&key, "").await, Err(StoreError::Internal(_))));
}

//! The file of a version.

use super::{fuzz, requests::with_jobs};
use epoca::{engine::spec::Limits, store::bundle::Bundle};

#[test]
fn files_of_versions() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, _) = runtime.block_on(with_jobs());
    let weights = format!("{}/v1/models/m/versions/1/weights", server.url());
    let seed = runtime.block_on(async { crate::support::get(weights).await.unwrap().bytes().await.unwrap().to_vec() });
    let limits = Limits { memory_bytes: 1 << 30, ..Limits::default() };
    // A damaged file is refused by its checksum before; this is what stands behind that.
    fuzz(5000, vec![seed], |bytes| Bundle::from_bytes(bytes).and_then(|bundle| bundle.network(&limits)).is_ok());
}

//! What several topics share.

pub mod classical_rows;
pub mod client;
pub mod contract;
pub mod http;
pub mod keras_versions;
pub mod process;
pub mod raw;
pub mod records;
pub mod server;
pub mod tables;
pub mod worker_setup;

pub use http::{Client, RequestBuilder, get};
pub use process::Process;
pub use server::Server;

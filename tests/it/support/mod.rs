//! What several topics share.

pub mod client;
pub mod contract;
pub mod http;
pub mod kerases;
pub mod process;
pub mod records;
pub mod server;
pub mod workshop;

pub use http::{Client, RequestBuilder, get};
pub use process::Process;
pub use server::Server;

//! What several topics share.

pub mod client;
pub mod kerases;
pub mod process;
pub mod records;
pub mod server;
pub mod workshop;

pub use process::Process;
pub use server::Server;

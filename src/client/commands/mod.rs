//! One file a command.

pub mod datasets;
pub mod export;
pub mod jobs;
pub mod logs;
pub mod models;
pub mod predict;
pub mod train;
pub mod watch;

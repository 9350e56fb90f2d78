//! The web page: static files in the binary. They are HTML, CSS and native ES modules as a browser loads them; there is no build step.
//! The page is a client of `/v1`, and knows nothing that the API does not say.

use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::LazyLock};

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub struct PageFile {
    /// Its name in `/page/{file}`.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The first file that a browser loads.
pub const INDEX: &str = "index.html";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Every file of the page.
        pub const FILES: &[PageFile] = &[$(PageFile { name: $name, bytes: include_bytes!($name) }),*];
    };
}

files![
    "api.js",
    "base.css",
    "chart-draw.js",
    "chart-table.js",
    "chart.js",
    "compare.js",
    "curves.js",
    "diagnose.js",
    "dom.js",
    "events.js",
    "format.js",
    "graph-layout.js",
    "graph.js",
    "icon.svg",
    "index.html",
    "job-note.js",
    "jobs.js",
    "keys.js",
    "main.js",
    "leaderboard.js",
    "matrix.js",
    "palette.js",
    "parts.js",
    "predict.js",
    "reading.js",
    "route.js",
    "scale.js",
    "series.js",
    "smooth.js",
    "start-data.js",
    "start-model.js",
    "start-problems.js",
    "start-training.js",
    "templates.js",
    "toolbar.js",
    "view-compare.js",
    "view-data.js",
    "view-dataset.js",
    "view-job.js",
    "view-jobs.js",
    "view-model.js",
    "view-models.js",
    "view-start.js",
    "views.css",
];

static TAGS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    FILES.iter().map(|file| (file.name, hexadecimal(&Sha256::digest(file.bytes)))).collect()
});

/// The file with this name.
pub fn file(name: &str) -> Option<PageFile> {
    FILES.iter().find(|file| file.name == name).copied()
}

impl PageFile {
    /// SHA-256 of the content in hexadecimal.
    pub fn sha256(&self) -> &'static str {
        TAGS.get(self.name).map(String::as_str).unwrap_or_default()
    }

    /// The media type by the end of the name.
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

//! API keys and the audit log as plain data.

use crate::store::artifacts::hexadecimal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use uuid::Uuid;

/// What every key starts with, so that scanners of source code find a leaked one.
const START: &str = "epoca_";

/// Bytes of the part that a key is found by.
const PREFIX_BYTES: usize = 6;

/// Bytes of the secret.
const SECRET_BYTES: usize = 32;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read datasets, models, jobs, events and metrics.
    Read,
    /// Create and delete datasets, models and jobs.
    Train,
    /// Predict.
    Predict,
    /// Everything, the audit log too.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Train, Self::Predict, Self::Admin];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Train => "train",
            Self::Predict => "predict",
            Self::Admin => "admin",
        }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    /// UUIDv7.
    pub id: Uuid,
    /// Unique among keys that are not revoked.
    pub name: String,
    /// The part that it is found by.
    pub prefix: String,
    /// SHA-256 of the secret.
    pub hash: String,
    /// In order, each once.
    pub scopes: Vec<Scope>,
    /// Maximum requests a second.
    pub requests_per_second: Option<f64>,
    /// Maximum bytes of the datasets and versions that it created.
    pub max_bytes: Option<u64>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// A key with a new secret, and the text that its owner sends. The text is not kept anywhere.
    pub fn generate(name: &str, mut scopes: Vec<Scope>, now: Timestamp) -> (Self, String) {
        scopes.sort_unstable();
        scopes.dedup();
        let prefix = hexadecimal(&rand::random::<[u8; PREFIX_BYTES]>());
        let secret = hexadecimal(&rand::random::<[u8; SECRET_BYTES]>());
        let text = format!("{START}{prefix}_{secret}");
        let key = Self {
            id: Uuid::now_v7(),
            name: name.to_owned(),
            prefix,
            hash: hash(&secret),
            scopes,
            requests_per_second: None,
            max_bytes: None,
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        (key, text)
    }

    /// The prefix and the secret of a key's text.
    pub fn split(text: &str) -> Option<(&str, &str)> {
        text.strip_prefix(START)?.split_once('_')
    }

    /// Whether `secret` is the key's own, in a time that does not depend on where they differ.
    pub fn has_secret(&self, secret: &str) -> bool {
        hash(secret).as_bytes().ct_eq(self.hash.as_bytes()).into()
    }

    /// Whether it may do what `scope` stands for.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether it is neither revoked nor expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The file beside a database that is replaced whenever its keys have changed.
pub fn marker(database: &Path) -> PathBuf {
    database.with_extension("keys")
}

fn hash(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret.as_bytes()))
}

/// A write that a client made, or a command that changed the API keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// UUIDv7; newer entries have greater ids.
    pub id: Uuid,
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The id of the API key; null without keys.
    pub key: Option<Uuid>,
    /// The name of the API key; null without keys.
    pub key_name: Option<String>,
    /// The address of the client.
    pub address: Option<String>,
    /// HTTP method; `COMMAND` where it is a command on the machine of the service.
    pub method: String,
    /// Path of the request; or the command, as `keys revoke ci`.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The path of what was created.
    pub location: Option<String>,
    /// As in the answer's header `x-request-id`; of a command, the id of the entry.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_key_knows_its_secret_and_its_end() {
        let now = Timestamp::UNIX_EPOCH;
        let (mut key, text) = ApiKey::generate("ci", vec![Scope::Train, Scope::Read, Scope::Read], now);
        let (prefix, secret) = ApiKey::split(&text).unwrap();
        assert_eq!((prefix, secret.len()), (key.prefix.as_str(), 2 * SECRET_BYTES));
        assert!(key.has_secret(secret) && !key.has_secret("") && !key.has_secret(&secret.replace('a', "b0")));
        assert!(!text.contains(&key.hash) && !key.hash.contains(secret));
        assert_eq!(key.scopes, [Scope::Read, Scope::Train]);
        assert!(key.allows(Scope::Train) && !key.allows(Scope::Admin));
        key.expires_at = Some(now + SignedDuration::from_secs(1));
        assert!(key.is_usable(now) && !key.is_usable(now + SignedDuration::from_secs(1)));
        key.revoked_at = Some(now);
        assert!(!key.is_usable(now));
        assert_ne!(ApiKey::generate("ci", vec![], now).1, text);
    }
}

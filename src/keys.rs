//! The commands `keys create`, `keys list` and `keys revoke`. They work while the service runs.

use crate::{
    config::Config,
    job::now,
    store::{
        Store, StoreError,
        keys::{ApiKey, AuditEntry, Scope, marker},
        sqlite::SqliteStore,
    },
};
use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Creates a key and prints it, this once
    Create(Box<CreateKey>),
    /// Lists the keys, without their secrets
    List(Box<ListKeys>),
    /// Revokes a key at once
    Revoke(Box<RevokeKey>),
}

/// A new key.
#[derive(Debug, Args)]
pub struct CreateKey {
    /// What it is called, such as `ci`
    #[arg(long, value_parser = name, value_name = "NAME")]
    name: String,
    /// What it may do: read, train, predict, admin, separated by commas
    #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPES")]
    scopes: Vec<Scope>,
    /// When it ends, such as 90d, 12h or 30m from now [default: never]
    #[arg(long, value_parser = lifetime, value_name = "TIME")]
    expires: Option<SignedDuration>,
    /// Maximum requests a second [default: no limit]
    #[arg(long, value_parser = rate, value_name = "N")]
    requests_per_second: Option<f64>,
    /// Maximum bytes of the datasets and versions that it creates [default: no limit]
    #[arg(long, value_parser = bytes, value_name = "N")]
    max_bytes: Option<u64>,
    #[command(flatten)]
    config: Config,
}

/// Which form the list has.
#[derive(Debug, Args)]
pub struct ListKeys {
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: Config,
}

/// A key that is to end.
#[derive(Debug, Args)]
pub struct RevokeKey {
    /// Its name, its prefix or its id
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    config: Config,
}

/// Runs a command; returns what goes to stdout, and what goes to stderr.
pub async fn run(command: KeyCommand) -> anyhow::Result<(String, String)> {
    match command {
        KeyCommand::Create(create) => {
            let file = create.config.database_file();
            let (mut key, text) = ApiKey::generate(&create.name, create.scopes, now());
            key.requests_per_second = create.requests_per_second;
            key.max_bytes = create.max_bytes;
            key.expires_at = create.expires.map(|lifetime| now() + lifetime);
            let store = open(&file).await?;
            let command = format!("keys create --name {} --scopes {}", key.name, scopes(&key));
            store.create_key(&key, &entry(command, 201)).await.map_err(plain)?;
            announce(&file)?;
            let end = key.expires_at.map_or("never ends".to_owned(), |at| format!("ends at {at}"));
            let note = format!(
                "The key {:?} may {} and {end}. It is shown this once: send it as `Authorization: Bearer KEY`.\n",
                key.name,
                scopes(&key)
            );
            Ok((format!("{text}\n"), note))
        }
        KeyCommand::List(list) => {
            let keys = existing(&list.config.database_file()).await?.keys().await.map_err(plain)?;
            if list.json {
                let data: Vec<Value> = keys.iter().map(described).collect();
                return Ok((format!("{:#}\n", json!({"data": data})), String::new()));
            }
            let mut table = row(["NAME", "PREFIX", "SCOPES", "CREATED", "EXPIRES", "STATE"].map(str::to_owned));
            for key in &keys {
                let date = |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| format!("{at:.0}"));
                let cells = [&key.name, &key.prefix, &scopes(key), &date(Some(key.created_at)), &date(key.expires_at)];
                let [name, prefix, scopes, created, expires] = cells.map(Clone::clone);
                table += &row([name, prefix, scopes, created, expires, state(key).to_owned()]);
            }
            Ok((table, String::new()))
        }
        KeyCommand::Revoke(revoke) => {
            let file = revoke.config.database_file();
            let entry = entry(format!("keys revoke {}", revoke.key), 200);
            existing(&file).await?.revoke_key(&revoke.key, &entry).await.map_err(plain)?;
            announce(&file)?;
            Ok((String::new(), format!("The key {:?} is revoked.\n", revoke.key)))
        }
    }
}

/// A command in the audit log.
fn entry(command: String, status: u16) -> AuditEntry {
    let id = Uuid::now_v7();
    AuditEntry {
        id,
        at: now(),
        key: None,
        key_name: None,
        address: None,
        method: "COMMAND".to_owned(),
        path: command,
        status,
        location: None,
        request_id: id.to_string(),
    }
}

fn state(key: &ApiKey) -> &'static str {
    match (key.revoked_at, key.is_usable(now())) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    }
}

/// A key without its secret and the hash of that.
fn described(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "requests_per_second": key.requests_per_second,
        "max_bytes": key.max_bytes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "state": state(key),
    })
}

/// Opens a database that is there: the keys of a folder that does not exist are not an empty list.
async fn existing(file: &Path) -> anyhow::Result<SqliteStore> {
    anyhow::ensure!(file.is_file(), "expected a database, {} does not exist", file.display());
    open(file).await
}

async fn open(file: &Path) -> anyhow::Result<SqliteStore> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    SqliteStore::open_beside(file).await
}

/// Tells a running service that the keys have changed.
fn announce(database: &Path) -> anyhow::Result<()> {
    let marker = marker(database);
    let fresh = marker.with_extension(format!("keys-{}", Uuid::now_v7()));
    std::fs::write(&fresh, Uuid::now_v7().to_string())
        .and_then(|()| std::fs::rename(&fresh, &marker))
        .with_context(|| format!("cannot write {}", marker.display()))
}

fn plain(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Internal(error) => error,
        error => error.into(),
    }
}

fn row([name, prefix, scopes, created, expires, state]: [String; 6]) -> String {
    format!("{name:<20} {prefix:<12} {scopes:<28} {created:<20} {expires:<20} {state}\n")
}

fn scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",")
}

fn name(text: &str) -> Result<String, String> {
    let is_name = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(format!("expected 1 to 64 letters, digits and `_.-`, such as ci, received {text:?}"))
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    let found = Scope::ALL.into_iter().find(|scope| scope.name() == text.trim());
    found.ok_or_else(|| format!("expected read, train, predict or admin, received {text:?}"))
}

fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let expected = || format!("expected a time such as 90d, 12h or 30m, received {text:?}");
    let (count, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(expected()),
    };
    let count: i64 = count.parse().ok().filter(|count| (1..=100_000).contains(count)).ok_or_else(expected)?;
    Ok(SignedDuration::from_secs(count * seconds))
}

fn bytes(text: &str) -> Result<u64, String> {
    let bytes = text.parse::<u64>().ok().filter(|bytes| (1..=i64::MAX.unsigned_abs()).contains(bytes));
    bytes.ok_or_else(|| format!("expected a whole number of bytes, such as 1000000000, received {text:?}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.001..=1e6).contains(rate));
    rate.ok_or_else(|| format!("expected requests a second from 0.001 to 1000000, such as 10, received {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit() {
        assert_eq!(lifetime("90d"), Ok(SignedDuration::from_hours(90 * 24)));
        assert_eq!(lifetime("2w"), Ok(SignedDuration::from_hours(14 * 24)));
        for bad in ["", "d", "90", "-1d", "0d", "1y", "1.5h", "é", "999999999999d"] {
            assert!(lifetime(bad).unwrap_err().contains("such as 90d"), "{bad}");
        }
    }
}

//! Which service a command talks to.

use super::{api::Api, failure::Failure};
use crate::{config::Config, http};
use clap::Args;
use serde_json::json;
use std::{future::Future, net::Ipv4Addr, path::PathBuf, pin::pin};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Where the service listens unless it is told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Which service a command talks to.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the service
    #[arg(long, env = "EPOCA_URL", default_value = DEFAULT_URL, value_name = "URL", global = true, help_heading = "Service")]
    pub url: String,

    /// API key, where the service wants one; better in the variable than on the command line
    #[arg(
        long,
        env = "EPOCA_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        global = true,
        help_heading = "Service"
    )]
    pub api_key: Option<String>,

    /// Certificates to trust besides the system's, for https: a PEM file
    #[arg(long, env = "EPOCA_TLS_CA", value_name = "FILE", global = true, help_heading = "Service")]
    pub tls_ca: Option<PathBuf>,

    /// Run the service in this process while the command runs, instead of talking to one at --url
    #[arg(long, global = true, help_heading = "Service")]
    pub local: bool,

    /// Data folder of --local [default: EPOCA_DATA_DIR, or ./epoca-data]
    #[arg(long, value_name = "FOLDER", requires = "local", global = true, help_heading = "Service")]
    pub data_dir: Option<PathBuf>,
}

impl Connection {
    /// Calls `command` with a client of the service, and with `--local` runs the service meanwhile.
    pub async fn with<F: Future<Output = Result<(), Failure>>>(
        self,
        command: impl FnOnce(Api) -> F,
    ) -> Result<(), Failure> {
        if self.local {
            return self.with_own_service(command).await;
        }
        let is_default = self.url == DEFAULT_URL || std::env::var("EPOCA_URL").is_ok_and(|url| url == self.url);
        let mut hint = if is_default { String::new() } else { format!(" --url {}", self.url) };
        if let Some(file) = self.tls_ca.as_ref().filter(|_| std::env::var_os("EPOCA_TLS_CA").is_none()) {
            hint += &format!(" --tls-ca {}", file.display());
        }
        until_ctrl_c(command(Api::new(&self.url, self.api_key, self.tls_ca.as_deref(), hint)?)).await
    }

    async fn with_own_service<F: Future<Output = Result<(), Failure>>>(
        self,
        command: impl FnOnce(Api) -> F,
    ) -> Result<(), Failure> {
        let failed = |error: anyhow::Error| Failure::Error(format!("cannot run the service: {error:#}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed(error.into()))?;
        let listen = listener.local_addr().map_err(|error| failed(error.into()))?;
        let from_variables = Config::from_variables().map_err(|error| Failure::Usage(error.to_string()))?;
        let hint = match &self.data_dir {
            Some(folder) => format!(" --local --data-dir {}", folder.display()),
            None => " --local".to_owned(),
        };
        let config = Config {
            listen,
            data_dir: self.data_dir.unwrap_or_else(|| from_variables.data_dir.clone()),
            // Nobody but this process talks to it.
            tls_cert: None,
            tls_key: None,
            ..from_variables
        };
        let ending = CancellationToken::new();
        let mut service = pin!(http::serve(config, listener, ending.clone()));
        let api = |hint| Api::new(&format!("http://{listen}"), self.api_key.clone(), None, hint);
        let (api, canceller) = (api(hint)?, api(String::new())?);
        let began = Uuid::now_v7();
        let work = async {
            match until_ctrl_c(command(api)).await {
                // Its jobs would go on with the next service on the folder, whose worker they would hold.
                Err(Failure::Interrupted(_)) => Err(Failure::Interrupted(cancel_jobs_since(&canceller, began).await)),
                done => done,
            }
        };
        let done = tokio::select! {
            served = &mut service => {
                let ended = || anyhow::anyhow!("it ended early");
                return Err(failed(served.err().unwrap_or_else(ended)));
            }
            done = work => done,
        };
        ending.cancel();
        let served = service.await;
        done.and(served.map_err(failed))
    }
}

/// Runs `command` until it is done or Ctrl-C ends it.
async fn until_ctrl_c(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        biased;
        done = command => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted(String::new())),
    }
}

/// Cancels the jobs that were made since `began`; returns what to say.
async fn cancel_jobs_since(api: &Api, began: Uuid) -> String {
    let mut cancelled = 0;
    for status in ["queued", "running"] {
        let jobs = api.get(&["jobs"], &[("status", status), ("limit", "100")]).await.unwrap_or_default();
        let ids = jobs["data"].as_array().into_iter().flatten().filter_map(|job| job["id"].as_str());
        for id in ids.filter(|id| id.parse::<Uuid>().is_ok_and(|id| id >= began)) {
            cancelled += u32::from(api.post(&["jobs", id, "cancel"], &[], &json!({})).await.is_ok());
        }
    }
    match cancelled {
        0 => String::new(),
        _ => "\nstopped; the job is cancelled, since the service ends with this command".to_owned(),
    }
}

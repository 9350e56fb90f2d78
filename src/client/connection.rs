//! Which service a command talks to.

use super::{api::Api, failure::Failure};
use crate::{config::Config, http};
use clap::Args;
use std::{future::Future, net::Ipv4Addr, path::PathBuf, pin::pin};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
        command(Api::new(&self.url, self.api_key, self.tls_ca.as_deref(), hint)?).await
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
        let api = Api::new(&format!("http://{listen}"), self.api_key, None, hint)?;
        let done = tokio::select! {
            served = &mut service => {
                let ended = || anyhow::anyhow!("it ended early");
                return Err(failed(served.err().unwrap_or_else(ended)));
            }
            done = command(api) => done,
        };
        ending.cancel();
        let served = service.await;
        done.and(served.map_err(failed))
    }
}

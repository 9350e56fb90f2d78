//! TLS: the certificate and its key from files, read again when they change.

use anyhow::{Context, anyhow, ensure};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    },
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate that is served.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the PEM files; fails with the file that is wrong.
    pub fn open(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let config = RwLock::new(read(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), config })
    }

    /// What accepts the next connection; those that are open keep their certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reads the files again when they have changed; ends with the task that runs it. While they are not right, as in the middle
    /// of being replaced, the earlier certificate is served.
    pub async fn upkeep(&self) {
        let changed = || [modified(&self.certificate), modified(&self.key)];
        let mut seen = changed();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = changed();
            if now == seen {
                continue;
            }
            seen = now;
            match read(&self.certificate, &self.key) {
                Ok(config) => {
                    *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("the certificate {} was read again", self.certificate.display());
                }
                Err(error) => tracing::error!(error = format!("{error:#}"), "the earlier certificate is kept"),
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let pem = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|_| anyhow!("expected certificates in PEM in {}, received damaged ones", certificate.display()))?;
    ensure!(
        !chain.is_empty(),
        "expected a certificate in PEM (-----BEGIN CERTIFICATE-----) in {}, received none",
        certificate.display()
    );
    let private = PrivateKeyDer::from_pem_slice(&pem(key)?).map_err(|_| {
        anyhow!("expected a private key in PEM (-----BEGIN PRIVATE KEY-----) in {}, received none", key.display())
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("cannot start TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| {
            anyhow!(
                "expected {} to be the private key of the certificate in {}, received another or a damaged one ({error})",
                key.display(),
                certificate.display()
            )
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client's side of TLS that trusts the certificate in a file alone, whatever names it has.
pub fn pinned_client(certificate: &Path) -> anyhow::Result<ClientConfig> {
    let pem = std::fs::read(certificate).with_context(|| format!("cannot read {}", certificate.display()))?;
    let own = CertificateDer::from_pem_slice(&pem)
        .map_err(|_| anyhow!("expected a certificate in PEM in {}, received none", certificate.display()))?;
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pinned { own, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot start TLS")?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Accepts one certificate.
#[derive(Debug)]
struct Pinned {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match *end_entity == self.own {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (first, second) = (made(), made());
        let certificate = file("cert.pem", &first.cert.pem());
        let key = file("key.pem", &first.signing_key.serialize_pem());
        let other = file("other.pem", &second.signing_key.serialize_pem());
        let empty = file("empty.pem", "");
        let missing = folder.path().join("missing.pem");
        assert!(Tls::open(&certificate, &key).is_ok());
        for (certificate, key, wrong) in [
            (&missing, &key, "cannot read"),
            (&certificate, &missing, "missing.pem"),
            (&empty, &key, "empty.pem, received none"),
            (&certificate, &empty, "private key in PEM"),
            (&key, &key, "expected a certificate in PEM"),
            (&certificate, &other, "other.pem to be the private key of the certificate"),
        ] {
            let error = format!("{:#}", Tls::open(certificate, key).err().unwrap());
            assert!(error.contains(wrong), "{error}");
        }
    }
}

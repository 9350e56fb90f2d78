//! HTTPS: the certificate, its renewal, and errors of its files.

use crate::support::Process;
use std::{path::Path, process::Command, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};

/// A new certificate in `folder`, with its key.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

async fn connect(url: &str, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    connect_for(url, trusted, &[]).await
}

/// A connection of a client that speaks these protocols.
async fn connect_for(
    url: &str,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(url.trim_start_matches("https://")).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

async fn get(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_connections_stay() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let flags = ["--tls-cert", &certificate, "--tls-key", &key];
    let process = Process::start(&folder.path().join("data"), &flags);
    assert!(process.url().starts_with("https://127.0.0.1:"), "{}", process.url());
    let mut early = connect(process.url(), &first).await.unwrap();
    assert!(get(&mut early).await.starts_with("HTTP/1.1 200 OK"));

    // The health check of containers knows the certificate.
    let health = || {
        let listen = process.url().trim_start_matches("https://").to_owned();
        Command::new(env!("CARGO_BIN_EXE_epoca")).args(["health", "--listen", &listen]).args(flags).output().unwrap()
    };
    assert!(health().status.success(), "{:?}", health());

    // Files that are not right change nothing.
    std::fs::write(&certificate, "-----BEGIN").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(connect(process.url(), &first).await.is_ok());
    let second = certify(folder.path());
    let mut waited = 0;
    while connect(process.url(), &second).await.is_err() {
        waited += 1;
        assert!(waited < 100, "the new certificate is not served");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(connect(process.url(), &first).await.is_err());
    assert!(get(&mut early).await.starts_with("HTTP/1.1 200 OK"), "an open connection was dropped");

    // HTTP without TLS is no request.
    let mut plain = TcpStream::connect(process.url().trim_start_matches("https://")).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn alpn_offers_http_1_1_alone() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certify(folder.path());
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let process = Process::start(&folder.path().join("data"), &["--tls-cert", &certificate, "--tls-key", &key]);
    for (protocols, agreed) in [
        (&["h2", "http/1.1"][..], Some("http/1.1")),
        (&["http/1.1"][..], Some("http/1.1")),
        // A client without ALPN speaks HTTP/1.1.
        (&[][..], None),
    ] {
        let mut stream = connect_for(process.url(), &trusted, protocols).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{protocols:?}");
        assert!(get(&mut stream).await.starts_with("HTTP/1.1 200 OK"), "{protocols:?}");
    }
    let refused = connect_for(process.url(), &trusted, &["h2"]).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
}

#[test]
fn wrong_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    for (flags, expected) in [
        (vec!["--tls-cert", &certificate], "--tls-key"),
        (vec!["--tls-cert", &certificate, "--tls-key", "/nowhere/key.pem"], "cannot read /nowhere/key.pem"),
        (vec!["--tls-cert", &key, "--tls-key", &key], "expected a certificate in PEM"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
        let command =
            command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data")).args(flags);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(expected), "{text}");
    }
}

//! TLS in front of a server, with a certificate by an authority that no system trusts (`fixtures/tls`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What arrives by TLS goes on to a server that speaks plain HTTP. Gone when dropped.
pub(crate) struct Tls {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

/// The authority's certificate.
pub(crate) fn authority() -> PathBuf {
    fixture("ca.pem")
}

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(file)
}

impl Tls {
    /// In front of the server at this port of this machine.
    pub(crate) fn before(server: u16) -> Self {
        let chain = vec![CertificateDer::from_pem_file(fixture("server.pem")).expect("it's a certificate")];
        let key = PrivateKeyDer::from_pem_file(fixture("server.key")).expect("it's a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build().expect("threads can be made");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port is free");
        let port = listener.local_addr().expect("it's bound").port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = tokio::net::TcpStream::connect(("127.0.0.1", server)).await?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Self { port, _runtime: runtime }
    }

    /// Its origin.
    pub(crate) fn origin(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

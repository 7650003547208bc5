//! Where does a name lead to? The rules about addresses ([`mfp_model::address`]), held where names are resolved.
//!
//! A host that a public server redirects to must be public too, or the server could have this machine ask its neighbours.
//! Names are resolved here and filtered, so that a name that changes its mind between a check and a connection gains
//! nothing; an address in a URL is looked at as it stands, by who sends the request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use mfp_model::address::{Reach, reachable};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks for the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
/// The answer, when it comes.
pub(super) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As the system does it.
pub(super) fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Resolves names, and leaves out what's out of reach. What it gives is what's connected to: nobody asks again in between.
pub(super) struct Resolver {
    pub(super) reach: Reach,
    pub(super) lookup: Lookup,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, looking) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let allowed = reachable(looking.await?, |address: &SocketAddr| reach.allows(address.ip()))?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mfp_model::address::OutOfReach;

    use super::*;

    /// A resolver that gives these answers, one a question.
    pub(in crate::sources::http) fn answering(answers: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
        let answers: Vec<Vec<SocketAddr>> = answers.iter().map(|all| all.iter().map(|text| text.parse().unwrap()).collect()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |_| {
            let answer = answers[counting.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
            Box::pin(async move { Ok(answer) })
        });
        (lookup, asked)
    }

    #[tokio::test]
    async fn names_are_filtered_where_they_are_resolved() {
        let resolve = async |reach, answer: &[&str]| {
            let resolver = Resolver { reach, lookup: answering(&[answer]).0 };
            resolver.resolve("plugins.example".parse().unwrap()).await.map(|found| found.map(|at| at.ip().to_string()).collect::<Vec<_>>())
        };
        let (near, far, meta) = ("10.0.0.1:0", "93.184.216.34:0", "169.254.169.254:0");
        assert_eq!(resolve(Reach::Private, &[near, meta, far]).await.unwrap(), ["10.0.0.1", "93.184.216.34"]);
        assert_eq!(resolve(Reach::Public, &[near, meta, far]).await.unwrap(), ["93.184.216.34"]);
        assert!(resolve(Reach::Public, &[]).await.unwrap().is_empty(), "a name without addresses is somebody else's error");
        for (reach, answer) in
            [(Reach::Public, near), (Reach::Public, meta), (Reach::Private, meta), (Reach::Private, "[2002:a9fe:a9fe::1]:0")]
        {
            let Err(error) = resolve(reach, &[answer]).await else { panic!("{answer} is within {reach:?}") };
            assert!(error.is::<OutOfReach>(), "{error}");
        }
        let found = Resolver { reach: Reach::Private, lookup: system() }.resolve("localhost".parse().unwrap()).await.unwrap().count();
        assert!(found > 0, "the system's own");
    }
}

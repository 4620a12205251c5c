//! How tests with a real API server are listed and run.

use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::sync::OnceCell;

use super::{ApiServer, Parts};

/// An API server with our definitions that tests share which do it no harm; started by the first that asks.
#[derive(Debug, Default)]
pub struct Shared(OnceCell<ApiServer>);

impl Shared {
    /// The server.
    pub async fn server(&self) -> &ApiServer {
        let start = async || {
            let server = ApiServer::start().await;
            server.install_crds().await;
            server
        };
        self.0.get_or_init(start).await
    }
}

/// A test, which uses the shared server or one of its own.
pub type Test = fn(Arc<Shared>) -> Pin<Box<dyn Future<Output = ()>>>;

/// Lists tests by the names of their functions.
#[macro_export]
macro_rules! api_server_tests {
    ($($module:ident :: $name:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($name)),
            (|shared| ::std::boxed::Box::pin(async move { $module::$name(&shared).await }))
                as $crate::api_server::trials::Test)),*]
    };
}

/// Runs tests, so many at a time unless the command line says otherwise. Does not return.
///
/// Without kube-apiserver and etcd they fail where `CI` is set, and are shown as ignored elsewhere.
pub fn run(tests: impl IntoIterator<Item = (&'static str, Test)>, at_a_time: usize) -> ! {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(at_a_time);
    let missing = Parts::find().is_none();
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!(missing && ci), "no kube-apiserver or no etcd: `cargo xtask tools` builds them");
    let shared = Arc::new(Shared::default());
    let trials = tests.into_iter().map(|(name, test)| {
        let shared = Arc::clone(&shared);
        Trial::test(name, move || run_one(test, shared)).with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // `exit` drops nothing, and the data of the server would stay.
    drop(shared);
    conclusion.exit();
}

fn run_one(test: Test, shared: Arc<Shared>) -> Result<(), Failed> {
    tokio::runtime::Runtime::new()?.block_on(test(shared));
    Ok(())
}

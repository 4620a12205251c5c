//! A connection to the API server that can be cut.

use std::net::{Ipv4Addr, SocketAddr};

use contour_tests::api_server::Account;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What lies between a client and the API server.
pub(super) struct Cut {
    address: SocketAddr,
    whole: watch::Sender<bool>,
}

impl Cut {
    /// Forwards to `server`, until the runtime ends.
    pub(super) async fn new(server: SocketAddr) -> Cut {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (whole, is_whole) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.expect("a connection");
                let mut is_whole = is_whole.clone();
                tokio::spawn(async move {
                    let forward = async {
                        let mut server = TcpStream::connect(server).await?;
                        copy_bidirectional(&mut client, &mut server).await
                    };
                    tokio::select! {
                        biased;
                        _ = is_whole.wait_for(|whole| !whole) => {}
                        _ = forward => {}
                    }
                });
            }
        });
        Cut { address, whole }
    }

    /// The same account, by way of this.
    pub(super) fn account(&self, account: &Account, server: SocketAddr) -> Account {
        let text = std::fs::read_to_string(&account.kubeconfig).expect("a kubeconfig");
        let kubeconfig = account.kubeconfig.with_extension("cut");
        let text = text.replace(&server.to_string(), &self.address.to_string());
        std::fs::write(&kubeconfig, text).expect("a file to write");
        Account { kubeconfig }
    }

    /// Breaks every connection, and each that is tried.
    pub(super) fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets connections through again.
    pub(super) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

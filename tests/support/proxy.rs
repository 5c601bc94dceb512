//! A TCP proxy before the broker that can go silent, as a link does when a cable is pulled.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Which connections: those for stops have a client id that ends in `-stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Main,
    Stop,
}

#[derive(Debug, Default)]
struct Lane {
    /// Connections that exist now forward nothing any more once it is cancelled.
    frozen: CancellationToken,
    /// Connections that exist now are closed once it is cancelled.
    cut: CancellationToken,
    /// New connections are closed at once.
    blocked: bool,
    accepted: usize,
}

#[derive(Debug, Default)]
struct Lanes {
    main: Lane,
    stop: Lane,
}

impl Lanes {
    fn of(&mut self, which: Which) -> &mut Lane {
        match which {
            Which::Main => &mut self.main,
            Which::Stop => &mut self.stop,
        }
    }
}

/// A running proxy; dropping it closes everything.
pub struct Proxy {
    /// Where it listens.
    pub addr: SocketAddr,
    lanes: Arc<Mutex<Lanes>>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// Forwards to `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let lanes = Arc::new(Mutex::new(Lanes::default()));
        let shared = Arc::clone(&lanes);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                links.spawn(link(stream, target, Arc::clone(&shared)));
            }
        });
        Self {
            addr,
            lanes,
            _task: task,
        }
    }

    /// The connections that exist now stay open and forward nothing any more.
    pub fn freeze(&self, which: Which) {
        let mut lanes = self.lanes.lock().expect("no panic");
        std::mem::take(&mut lanes.of(which).frozen).cancel();
    }

    /// The connections that exist now are closed.
    pub fn cut(&self, which: Which) {
        let mut lanes = self.lanes.lock().expect("no panic");
        std::mem::take(&mut lanes.of(which).cut).cancel();
    }

    /// New connections are closed at once, or no longer.
    pub fn block(&self, which: Which, blocked: bool) {
        self.lanes.lock().expect("no panic").of(which).blocked = blocked;
    }

    /// How many connections were let through.
    pub fn accepted(&self, which: Which) -> usize {
        self.lanes.lock().expect("no panic").of(which).accepted
    }
}

async fn link(mut client: TcpStream, target: SocketAddr, lanes: Arc<Mutex<Lanes>>) {
    // The first packet has the client id in it.
    let mut first = vec![0; 1024];
    let Ok(length) = client.read(&mut first).await else {
        return;
    };
    first.truncate(length);
    let which = if first.windows(5).any(|word| word == b"-stop") {
        Which::Stop
    } else {
        Which::Main
    };
    let (frozen, cut) = {
        let mut lanes = lanes.lock().expect("no panic");
        let lane = lanes.of(which);
        if lane.blocked {
            return;
        }
        lane.accepted += 1;
        (lane.frozen.clone(), lane.cut.clone())
    };
    let Ok(mut broker) = TcpStream::connect(target).await else {
        return;
    };
    if broker.write_all(&first).await.is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    tokio::select! {
        () = cut.cancelled() => {}
        () = pump(from_client, to_broker, frozen.clone()) => {}
        () = pump(from_broker, to_client, frozen) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    frozen: CancellationToken,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = tokio::select! {
            biased;
            () = frozen.cancelled() => std::future::pending().await,
            length = from.read(&mut buffer) => length,
        };
        let Ok(length @ 1..) = length else {
            return;
        };
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

//! Between the bridge and its broker: a connection that can be cut, or that marks what it carries.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Failure;

/// A relay to a port of this machine. Dropping it ends its connections.
pub(super) struct Relay {
    pub(super) port: u16,
    open: Arc<AtomicBool>,
    cuts: watch::Sender<u64>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Messages to topics that end in `flagged` get the retain flag on the way back from `to`.
    pub(super) async fn start(to: u16, flagged: Option<&'static str>) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let open = Arc::new(AtomicBool::new(true));
        let cuts = watch::Sender::new(0);
        let (is_open, cut) = (Arc::clone(&open), cuts.subscribe());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                if is_open.load(Ordering::Relaxed) {
                    let mut cut = cut.clone();
                    cut.mark_unchanged();
                    links.spawn(async move {
                        tokio::select! {
                            _ = carry(near, to, flagged) => {}
                            _ = cut.changed() => {}
                        }
                    });
                }
            }
        });
        Ok(Self {
            port,
            open,
            cuts,
            _tasks: tasks,
        })
    }

    /// Ends the connections that there are.
    pub(super) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// New connections are closed at once, or let through again.
    pub(super) fn let_through(&self, is: bool) {
        self.open.store(is, Ordering::Relaxed);
    }
}

async fn carry(near: TcpStream, to: u16, flagged: Option<&'static str>) -> std::io::Result<()> {
    let far = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, to))).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let there = async {
        tokio::io::copy(&mut from_near, &mut to_far).await?;
        to_far.shutdown().await
    };
    let back = async {
        match flagged {
            None => {
                tokio::io::copy(&mut from_far, &mut to_near).await?;
            }
            Some(ending) => {
                let mut waiting = Vec::new();
                while from_far.read_buf(&mut waiting).await? > 0 {
                    let whole = flag(&mut waiting, ending);
                    to_near.write_all(&waiting[..whole]).await?;
                    waiting.drain(..whole);
                }
            }
        }
        to_near.shutdown().await
    };
    tokio::try_join!(there, back)?;
    Ok(())
}

/// Sets the retain flag of whole PUBLISH packets to such topics. Returns how many bytes are whole
/// packets.
fn flag(bytes: &mut [u8], ending: &str) -> usize {
    let mut at = 0;
    while let Some((head, length)) = length(&bytes[at..]) {
        let end = at + head + length;
        let Some(packet) = bytes.get_mut(at..end) else {
            break;
        };
        if packet[0] >> 4 == 3 && packet.len() > head + 2 {
            let topic = usize::from(packet[head]) << 8 | usize::from(packet[head + 1]);
            let topic = packet.get(head + 2..head + 2 + topic);
            if topic.is_some_and(|topic| topic.ends_with(ending.as_bytes())) {
                packet[0] |= 1;
            }
        }
        at = end;
    }
    at
}

/// The length of a packet's fixed header and that of the rest, if the header is there.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.get(1..)?.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((place + 2, length));
        }
    }
    None
}

//! A proxy before the broker that leaves the retain flag on live messages, as some brokers do.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running proxy; dropping it closes everything.
pub struct FlagProxy {
    /// Where it listens.
    pub addr: SocketAddr,
    _task: JoinSet<()>,
}

impl FlagProxy {
    /// Forwards to `broker`, and flags what comes from it on topics that end with one of `ends`.
    pub async fn start(broker: SocketAddr, ends: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                links.spawn(async move {
                    let Ok(broker) = TcpStream::connect(broker).await else {
                        return;
                    };
                    let (mut from_client, to_client) = client.into_split();
                    let (from_broker, mut to_broker) = broker.into_split();
                    tokio::select! {
                        _ = tokio::io::copy(&mut from_client, &mut to_broker) => {}
                        _ = flag(from_broker, to_client, ends) => {}
                    }
                });
            }
        });
        Self { addr, _task: task }
    }
}

/// Forwards packet by packet.
async fn flag(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    ends: &[&str],
) -> std::io::Result<()> {
    loop {
        let mut packet = vec![from.read_u8().await?];
        // The remaining length, in groups of seven bits (MQTT 3.1.1 §2.2.3).
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = from.read_u8().await?;
            packet.push(byte);
            length |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 {
                break;
            }
        }
        let begin = packet.len();
        packet.resize(begin + length, 0);
        from.read_exact(&mut packet[begin..]).await?;
        if packet[0] >> 4 == 3 {
            let topic_length = usize::from(packet[begin]) << 8 | usize::from(packet[begin + 1]);
            let topic = String::from_utf8_lossy(&packet[begin + 2..begin + 2 + topic_length]);
            if ends.iter().any(|end| topic.ends_with(end)) {
                packet[0] |= 1;
            }
        }
        to.write_all(&packet).await?;
    }
}

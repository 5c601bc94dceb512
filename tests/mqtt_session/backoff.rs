//! Attempts to connect become rarer, whatever the broker does.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bridge::{Bridge, options};
use crate::support::soon;

/// The waits are 200 ms, half as long again each time, and each up to a half longer or shorter.
/// Six attempts have five waits between them.
const SIX_ATTEMPTS: Duration = Duration::from_millis((200 + 300 + 450 + 675 + 1_012) / 2);

/// Accepts the main connection's attempts, answers as far as `answers` go, and closes them.
async fn six_attempts(answers: &'static [&'static [u8]]) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut bridge = Bridge::start(&options(listener.local_addr().unwrap()));
    let mut first = None;
    let mut attempts = 0;
    let mut others = JoinSet::new();
    let counting = async {
        while attempts < 6 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut packet = vec![0; 1_024];
            let length = stream.read(&mut packet).await.unwrap_or(0);
            if packet[..length].windows(5).any(|word| word == b"-stop") {
                // Stays open and silent.
                others.spawn(async move {
                    let _ = stream.read(&mut packet).await;
                });
                continue;
            }
            first.get_or_insert_with(Instant::now);
            attempts += 1;
            for (index, answer) in answers.iter().enumerate() {
                if index > 0 {
                    let _ = stream.read(&mut packet).await;
                }
                let _ = stream.write_all(answer).await;
            }
        }
    };
    let told = async { while bridge.events.recv().await.is_some() {} };
    let counted = async {
        tokio::select! {
            () = counting => {}
            () = told => unreachable!("the session runs"),
        }
    };
    soon("six attempts", counted).await;
    let took = first.unwrap().elapsed();
    bridge.close().await;
    took
}

#[tokio::test]
async fn a_broker_that_hangs_up_at_once() {
    let took = six_attempts(&[]).await;
    assert!(took >= SIX_ATTEMPTS, "{took:?}");
}

#[tokio::test]
async fn a_broker_that_hangs_up_once_connected() {
    const CONNACK: &[u8] = &[0x20, 2, 0, 0];
    // The answer to packet 1 with its four filters.
    const SUBACK: &[u8] = &[0x90, 5, 0, 1, 1, 1, 1];
    let took = six_attempts(&[CONNACK, SUBACK]).await;
    assert!(took >= SIX_ATTEMPTS, "{took:?}");
}

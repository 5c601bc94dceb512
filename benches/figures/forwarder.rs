//! The floor of processor time: what one thread spends that does nothing but receive a message and
//! post a body, with the libraries that the bridge uses; and, if it is to, publish as much as the
//! bridge does.

use std::thread::JoinHandle;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::sync::oneshot;

use crate::{Failure, proc, within};

/// About what the bridge publishes as the state of a toy with one motor…
const STATE: &str = r#"{"state":"ON","brightness":50,"effect":"Off","vibrate":50,"battery":90,"limit":100,"available":true,"route":"lovense_lan","last_error":null}"#;
/// …and as the result of a write.
const RESULT: &str = r#"{"ok":true,"applied":{"vibrate":50},"requested":50,"latency_ms":0.5}"#;

pub(crate) struct Forwarder {
    thread_id: String,
    mqtt: AsyncClient,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    /// `answers`: publishes a state and a result for each message.
    pub(crate) async fn start(port: u16, url: &str, answers: bool) -> Result<Self, Failure> {
        let (mqtt, mut events) =
            AsyncClient::new(MqttOptions::new("forwarder", "127.0.0.1", port), 100);
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        mqtt.try_subscribe("floor/+/vibrate/set", QoS::AtLeastOnce)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()?;
        let (url, out) = (url.to_owned(), mqtt.clone());
        let (ready, is_ready) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut ready = Some(ready);
                while let Ok(event) = events.poll().await {
                    match event {
                        Event::Incoming(Packet::SubAck(_)) => {
                            if let Some(ready) = ready.take() {
                                let _ = ready.send(proc::this_thread());
                            }
                        }
                        Event::Incoming(Packet::Publish(publish)) => {
                            let toy = publish.topic.split('/').nth(1).unwrap_or_default();
                            let body = format!(
                                "{{\"command\":\"Function\",\"action\":\"Vibrate:10\",\
                                 \"timeSec\":5,\"toy\":\"{toy}\",\"stopPrevious\":1,\"apiVer\":1}}"
                            );
                            let request = http.post(&url).body(body);
                            if let Ok(answer) = request.send().await {
                                let _ = answer.bytes().await;
                            }
                            if answers {
                                let (state, result) = ("floor/state", "floor/result");
                                let _ = out.try_publish(state, QoS::AtMostOnce, true, STATE);
                                let _ = out.try_publish(result, QoS::AtMostOnce, false, RESULT);
                            }
                        }
                        Event::Outgoing(rumqttc::Outgoing::Disconnect) => return,
                        _ => {}
                    }
                }
            });
        });
        let thread_id = within(10, "the broker", is_ready).await???;
        Ok(Self {
            thread_id,
            mqtt,
            thread: Some(thread),
        })
    }

    /// Processor time until now.
    pub(crate) fn spent(&self) -> Result<Duration, Failure> {
        proc::cpu(&self.thread_id)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.mqtt.try_disconnect();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

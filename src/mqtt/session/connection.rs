//! One connection that is kept up.
//!
//! What the library does not do, and is done here: it does not wait between attempts, does not
//! subscribe again after a reconnect, does not look at the answers to subscriptions, and would
//! send what it kept from a broken connection over the next one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttState, Outgoing, Packet, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Message;
use super::identity::{Identity, Takeovers};
use super::reason::{explain, is_hang_up};
use super::way::Way;

/// A connection that lasted this long has proved itself: after it, attempts start swiftly again.
const PROVED: Duration = Duration::from_secs(5);

/// How long the broker has to hang up after our goodbye.
const FAREWELL: Duration = Duration::from_millis(250);

/// Seconds for a connection to come about.
const CONNECT_TIMEOUT: u64 = 5;

/// What the broker has kept has come by now, also if the marker behind it is kept from us.
const REPLAY: Duration = Duration::from_secs(5);

/// The beginning of the marker behind what the broker has kept.
const MARKER: &str = "replay";

/// Between attempts to connect: from here…
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// …to here. Not more, since toys are stopped when the broker is away for long.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What is done with what a connection receives.
pub(super) trait Side: Send {
    /// What to subscribe to, now that it is connected.
    fn filters(&mut self) -> Vec<String>;
    /// Connected, and subscribed to everything but `denied`.
    fn up(&mut self, denied: Vec<String>) -> impl Future<Output = ()> + Send;
    /// Not connected; called after every failure.
    fn down(&mut self, reason: String) -> impl Future<Output = ()> + Send;
    /// A message came.
    fn message(&mut self, message: Message) -> impl Future<Output = ()> + Send;
}

/// A connection that is kept up.
pub(super) struct Connection {
    client: AsyncClient,
    event_loop: EventLoop,
    closing: CancellationToken,
    way: Way,
    identity: Identity,
    /// The topic of markers.
    marker: Option<String>,
    /// What is flagged before this was kept by the broker, unless the marker comes sooner.
    replay_until: Option<Instant>,
    takeovers: Takeovers,
    backoff: ExponentialBackoff,
    /// Since when the broker has been there, as far as is known.
    since: Option<Instant>,
    /// Subscriptions handed to the library that have no packet id yet.
    unsent: VecDeque<Vec<String>>,
    /// Subscriptions sent that are not answered yet.
    unanswered: HashMap<u16, Vec<String>>,
}

impl Connection {
    pub(super) fn new(
        client: AsyncClient,
        mut event_loop: EventLoop,
        way: Way,
        identity: Identity,
        marker: Option<String>,
        closing: CancellationToken,
    ) -> Self {
        let mut network = event_loop.network_options();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_TIMEOUT);
        event_loop.set_network_options(network);
        let backoff = ExponentialBackoff {
            current_interval: BACKOFF_FIRST,
            initial_interval: BACKOFF_FIRST,
            max_interval: BACKOFF_MAX,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Self {
            client,
            event_loop,
            closing,
            way,
            identity,
            marker,
            replay_until: None,
            takeovers: Takeovers::default(),
            backoff,
            since: None,
            unsent: VecDeque::new(),
            unanswered: HashMap::new(),
        }
    }

    /// Polls until it is disconnected on purpose.
    pub(super) async fn run(mut self, mut side: impl Side) {
        loop {
            if self.find_way(&mut side).await.is_none() {
                return;
            }
            // To give up a poll half-way could lose a part of a packet. Here nothing follows it.
            let polled = tokio::select! {
                biased;
                () = self.closing.cancelled(), if self.since.is_none() => return,
                polled = self.event_loop.poll() => polled,
            };
            match polled {
                Ok(Event::Incoming(packet)) => self.incoming(packet, &mut side).await,
                Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                    self.farewell().await;
                    return;
                }
                Ok(Event::Outgoing(Outgoing::Subscribe(id))) => {
                    if let Some(filters) = self.unsent.pop_front() {
                        self.unanswered.insert(id, filters);
                    }
                }
                Ok(Event::Outgoing(_)) => {}
                Err(ConnectionError::RequestsDone) => return,
                Err(error) => {
                    self.forget();
                    if let Some(since) = self.since {
                        let hung_up = is_hang_up(&error);
                        let lasted = since.elapsed();
                        self.takeovers.ended(lasted, hung_up, &self.identity);
                    }
                    let reason = match self.way.lost(&error, self.since.is_some()) {
                        Some(reason) => reason,
                        None => explain(&error, self.since.is_some()),
                    };
                    side.down(reason).await;
                    if self.rest().await.is_none() {
                        return;
                    }
                    // Whoever was about to hand over a message when the connection broke has done
                    // so by now.
                    self.forget();
                    if let Some(options) = self.way.renamed() {
                        self.event_loop.mqtt_options = options;
                    }
                }
            }
        }
    }

    /// Asks for the way to the broker, as often as it takes; `None` if there is to be no attempt.
    async fn find_way(&mut self, side: &mut impl Side) -> Option<()> {
        // Not a word about closing otherwise: a goodbye may be on its way.
        while !self.way.is_known() {
            match self.closing.run_until_cancelled(self.way.ask()).await? {
                Ok(options) => self.event_loop.mqtt_options = options,
                Err(reason) => {
                    side.down(reason).await;
                    self.rest().await?;
                }
            }
        }
        Some(())
    }

    /// Waits until the next attempt; `None` if there is to be none.
    async fn rest(&mut self) -> Option<()> {
        if self
            .since
            .take()
            .is_some_and(|since| since.elapsed() >= PROVED)
        {
            self.backoff.reset();
        }
        let delay = self.backoff.next_backoff().unwrap_or(BACKOFF_MAX);
        #[expect(clippy::disallowed_methods, reason = "the delay between two attempts")]
        let rest = sleep(delay.min(BACKOFF_MAX));
        self.closing.run_until_cancelled(rest).await
    }

    /// Drops what the library kept from a connection: it is older than what will be published
    /// again, and some of it (an identifier thought to be taken) would block the next one.
    fn forget(&mut self) {
        self.event_loop.clean();
        self.event_loop.pending.clear();
        self.event_loop.state = MqttState::new(self.event_loop.mqtt_options.inflight(), false);
        self.unsent.clear();
        self.unanswered.clear();
    }

    /// Reads on until the broker hangs up, as it does after DISCONNECT (MQTT 3.1.1 §3.14.4).
    ///
    /// To close a socket with something left to read resets the connection: the broker may then
    /// never see our goodbye, and publish the will.
    async fn farewell(&mut self) {
        let rest = async { while self.event_loop.poll().await.is_ok() {} };
        if timeout(FAREWELL, rest).await.is_err() {
            debug!("the broker did not hang up");
        }
    }

    /// The marker of this connection: no other client has its client id.
    fn replay_marker(&self) -> String {
        format!("{MARKER} {}", self.event_loop.mqtt_options.client_id())
    }

    async fn incoming(&mut self, packet: Packet, side: &mut impl Side) {
        match packet {
            Packet::ConnAck(_) => {
                let now = Instant::now();
                self.since = Some(now);
                self.replay_until = Some(now + REPLAY);
                let filters = side.filters();
                let request = filters
                    .iter()
                    .map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
                // The queue was emptied when the last connection ended, so there is room.
                if self.client.try_subscribe_many(request).is_ok() {
                    self.unsent.push_back(filters);
                }
            }
            Packet::SubAck(answer) => {
                let Some(filters) = self.unanswered.remove(&answer.pkid) else {
                    return;
                };
                let refused = |(filter, code): (String, _)| match code {
                    SubscribeReasonCode::Success(_) => None,
                    SubscribeReasonCode::Failure => Some(filter),
                };
                let answers = filters.into_iter().zip(answer.return_codes);
                let denied = answers.filter_map(refused).collect();
                if let Some(marker) = &self.marker {
                    let payload = self.replay_marker();
                    let qos = QoS::AtLeastOnce;
                    // Without it the time ends the replay.
                    let _ = self.client.try_publish(marker, qos, false, payload);
                }
                side.up(denied).await;
            }
            Packet::Publish(publish)
                if self.marker.as_ref() == Some(&publish.topic)
                    && publish.payload == self.replay_marker() =>
            {
                self.replay_until = None;
            }
            Packet::Publish(publish) => {
                let replays = match self.replay_until {
                    Some(until) => Instant::now() < until,
                    None => false,
                };
                side.message(Message {
                    topic: publish.topic,
                    payload: publish.payload.into(),
                    retained: publish.retain,
                    // Without markers it cannot be told apart.
                    replayed: publish.retain && (replays || self.marker.is_none()),
                })
                .await;
            }
            _ => {}
        }
    }
}

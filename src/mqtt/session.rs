//! The connections to the broker. The only file that names the MQTT library.
//!
//! There are two. The main one carries everything. The other carries only stops and quiet, so that
//! a flood of commands, which waits in the broker and in the socket of the main one, cannot delay
//! them; while it is down, the main one carries them too.
//!
//! What the library does not do, and is done here: it does not wait between attempts, does not
//! subscribe again after a reconnect, does not look at the answers to subscriptions, and forgets
//! messages when a connection breaks. So nothing is trusted to its queue: whatever is to be
//! retained is published again from the [outbox](super::outbox) whenever the broker is back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event as LibraryEvent, EventLoop, LastWill,
    MqttOptions, Outgoing as LibraryOutgoing, Packet, QoS, SubscribeFilter, SubscribeReasonCode,
    TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::publisher::{MAX_PAYLOAD, Publisher};

/// MQTT's own limit (3.1.1 §2.2.3). A smaller one of ours would end the connection when somebody
/// retains a larger message, again and again after each reconnect; its payload is refused later.
const MAX_INCOMING: usize = 268_435_455;

/// Twice this passes before a link that went dead is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Seconds for a connection to come about.
const CONNECT_TIMEOUT: u64 = 5;

/// Between attempts to connect: from here…
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// …to here. Not more, since toys are stopped when the broker is away for long.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How long to wait for the broker to close a connection that we have ended.
const LINGER: Duration = Duration::from_millis(300);

/// Messages that wait for the driver. Beyond them the broker has to wait.
const INBOX: usize = 64;

/// How to reach the broker, and what to hear from it.
#[derive(Clone, Default)]
pub struct Options {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, if it is to be used.
    pub tls: Option<Arc<ClientConfig>>,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// The client id; the second connection adds `-stop`.
    pub client_id: String,
    /// What the broker publishes, retained, when we vanish, if anything.
    pub will: Option<(String, Vec<u8>)>,
    /// What the main connection subscribes to.
    pub filters: Vec<String>,
    /// What the other one subscribes to; without any there is no other.
    pub stop_filters: Vec<String>,
}

/// A message from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it, so that nobody sent it just now.
    pub retained: bool,
}

/// What happens on the main connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Connected and subscribed.
    Up,
    /// Not connected (any more), and why, in words for the user. Sent again when the reason
    /// changes.
    Down(String),
    /// The broker refuses a subscription.
    Denied {
        /// To this filter.
        filter: String,
    },
    /// A message.
    Message(Message),
}

/// The two connections.
pub struct Session {
    publisher: Publisher,
    main: AsyncClient,
    stop: AsyncClient,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Session {
    /// Starts to connect, and goes on for as long as it takes.
    ///
    /// Returns what comes in: everything on the bounded channel, messages of the second connection
    /// on the unbounded one, which is therefore never full.
    #[must_use]
    pub fn start(
        options: &Options,
    ) -> (
        Self,
        mpsc::Receiver<Event>,
        mpsc::UnboundedReceiver<Message>,
    ) {
        let publisher = Publisher::default();
        let (events_in, events) = mpsc::channel(INBOX);
        let (stops_in, stops) = mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let stop_lane_up = Arc::new(AtomicBool::new(false));

        let (main, main_loop) = AsyncClient::new(options.main(), 64);
        let (stop, stop_loop) = AsyncClient::new(options.stop(), 16);
        let main_side = MainSide {
            publisher: publisher.clone(),
            events: events_in,
            filters: options.filters.clone(),
            stop_filters: options.stop_filters.clone(),
            stop_lane_up: Arc::clone(&stop_lane_up),
            down: None,
        };
        let stop_side = StopSide {
            stops: stops_in,
            filters: options.stop_filters.clone(),
            main: main.clone(),
            publisher: publisher.clone(),
            up: stop_lane_up,
        };
        let connection = Connection::new(main.clone(), main_loop);
        tasks.spawn(guarded(cancel.clone(), connection.run(main_side)));
        if !options.stop_filters.is_empty() {
            let connection = Connection::new(stop.clone(), stop_loop);
            tasks.spawn(guarded(cancel.clone(), connection.run(stop_side)));
        }
        tasks.spawn(guarded(
            cancel.clone(),
            publish(main.clone(), publisher.clone()),
        ));
        let session = Self {
            publisher,
            main,
            stop,
            cancel,
            tasks,
        };
        (session, events, stops)
    }

    /// Where to publish.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Publishes what is left, disconnects in order, so that no will is published, and ends.
    /// Waits for at most `patience`.
    ///
    /// The receiver of events has to be dropped before, or read on meanwhile.
    pub async fn close(self, patience: Duration) {
        self.publisher.close();
        self.tasks.close();
        // The publishing task ends by itself and disconnects, which ends the other two.
        let _ = self.stop.try_disconnect();
        if tokio::time::timeout(patience, self.tasks.wait())
            .await
            .is_err()
        {
            debug!("the broker did not answer while disconnecting");
            let _ = self.main.try_disconnect();
            self.cancel.cancel();
            self.tasks.wait().await;
        }
    }
}

async fn guarded(cancel: CancellationToken, task: impl Future<Output = ()>) {
    cancel.run_until_cancelled(task).await;
}

impl Options {
    fn common(&self, client_id: String) -> MqttOptions {
        let mut options = MqttOptions::new(client_id, self.host.clone(), self.port);
        options
            .set_clean_session(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_max_packet_size(MAX_INCOMING, MAX_PAYLOAD + 64 * 1024);
        if let Some((user, password)) = &self.credentials {
            options.set_credentials(user, password);
        }
        if let Some(tls) = &self.tls {
            let tls = TlsConfiguration::Rustls(Arc::clone(tls));
            options.set_transport(Transport::tls_with_config(tls));
        }
        options
    }

    fn main(&self) -> MqttOptions {
        let mut options = self.common(self.client_id.clone());
        if let Some((topic, payload)) = &self.will {
            let will = LastWill::new(topic, payload.clone(), QoS::AtLeastOnce, true);
            options.set_last_will(will);
        }
        options
    }

    fn stop(&self) -> MqttOptions {
        self.common(format!("{}-stop", self.client_id))
    }
}

/// Hands messages to the library, one after the other.
async fn publish(client: AsyncClient, publisher: Publisher) {
    while let Some(outgoing) = publisher.next().await {
        let qos = if outgoing.acknowledged {
            QoS::AtLeastOnce
        } else {
            QoS::AtMostOnce
        };
        let topic = outgoing.topic.to_string();
        let payload = outgoing.payload.to_vec();
        if client
            .publish(topic, qos, outgoing.retain, payload)
            .await
            .is_err()
        {
            // The connection's task has ended.
            return;
        }
    }
    let _ = client.disconnect().await;
}

/// What is done with what a connection receives.
trait Side: Send {
    /// What to subscribe to, now that it is connected.
    fn filters(&self) -> Vec<String>;
    /// Connected, and subscribed to everything but `denied`.
    fn up(&mut self, denied: Vec<String>) -> impl Future<Output = ()> + Send;
    /// Not connected; called after every failure.
    fn down(&mut self, reason: String) -> impl Future<Output = ()> + Send;
    /// A message came.
    fn message(&mut self, message: Message) -> impl Future<Output = ()> + Send;
}

/// A connection that is kept up.
struct Connection {
    client: AsyncClient,
    event_loop: EventLoop,
    backoff: ExponentialBackoff,
    /// Subscriptions handed to the library that have no packet id yet.
    unsent: VecDeque<Vec<String>>,
    /// Subscriptions sent that are not answered yet.
    unanswered: HashMap<u16, Vec<String>>,
}

impl Connection {
    fn new(client: AsyncClient, mut event_loop: EventLoop) -> Self {
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
            backoff,
            unsent: VecDeque::new(),
            unanswered: HashMap::new(),
        }
    }

    /// Polls until it is disconnected on purpose.
    async fn run(mut self, mut side: impl Side) {
        loop {
            match self.event_loop.poll().await {
                Ok(LibraryEvent::Incoming(packet)) => self.incoming(packet, &mut side).await,
                Ok(LibraryEvent::Outgoing(LibraryOutgoing::Disconnect)) => {
                    self.linger().await;
                    return;
                }
                Ok(LibraryEvent::Outgoing(LibraryOutgoing::Subscribe(id))) => {
                    if let Some(filters) = self.unsent.pop_front() {
                        self.unanswered.insert(id, filters);
                    }
                }
                Ok(LibraryEvent::Outgoing(_)) => {}
                Err(ConnectionError::RequestsDone) => return,
                Err(error) => {
                    // What the library kept is older than what will be published again.
                    self.event_loop.clean();
                    self.event_loop.pending.clear();
                    self.unsent.clear();
                    self.unanswered.clear();
                    side.down(explain(&error)).await;
                    let delay = self.backoff.next_backoff().unwrap_or(BACKOFF_MAX);
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the delay between two attempts"
                    )]
                    tokio::time::sleep(delay.min(BACKOFF_MAX)).await;
                }
            }
        }
    }

    /// Reads on until the broker closes the connection, as it does after DISCONNECT (3.1.1 §3.14.4).
    ///
    /// To close it with something unread would reset it, and the broker would lose what it has not
    /// read either: the DISCONNECT, so that it publishes the will.
    async fn linger(&mut self) {
        let rest = async { while self.event_loop.poll().await.is_ok() {} };
        let _ = tokio::time::timeout(LINGER, rest).await;
    }

    async fn incoming(&mut self, packet: Packet, side: &mut impl Side) {
        match packet {
            Packet::ConnAck(_) => {
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
                self.backoff.reset();
                side.up(denied).await;
            }
            Packet::Publish(publish) => {
                side.message(Message {
                    topic: publish.topic,
                    payload: publish.payload.into(),
                    retained: publish.retain,
                })
                .await;
            }
            _ => {}
        }
    }
}

/// The main connection's side.
struct MainSide {
    publisher: Publisher,
    events: mpsc::Sender<Event>,
    filters: Vec<String>,
    stop_filters: Vec<String>,
    stop_lane_up: Arc<AtomicBool>,
    /// Why it is down, as last said.
    down: Option<String>,
}

impl MainSide {
    async fn send(&self, event: Event) {
        // Nobody listens any more only while the process ends.
        let _ = self.events.send(event).await;
    }
}

impl Side for MainSide {
    fn filters(&self) -> Vec<String> {
        let mut filters = self.filters.clone();
        if !self.stop_lane_up.load(Ordering::Relaxed) {
            filters.extend(self.stop_filters.iter().cloned());
        }
        filters
    }

    async fn up(&mut self, denied: Vec<String>) {
        for filter in denied {
            self.send(Event::Denied { filter }).await;
        }
        self.down = None;
        self.send(Event::Up).await;
        self.publisher.connected();
    }

    async fn down(&mut self, reason: String) {
        self.publisher.disconnected();
        if self.down.as_ref() != Some(&reason) {
            self.down = Some(reason.clone());
            self.send(Event::Down(reason)).await;
        }
    }

    async fn message(&mut self, message: Message) {
        // Some filters overlap. What the other connection has brought is old by now.
        let mut stops = self.stop_filters.iter();
        if self.stop_lane_up.load(Ordering::Relaxed)
            && stops.any(|filter| rumqttc::matches(&message.topic, filter))
        {
            return;
        }
        self.send(Event::Message(message)).await;
    }
}

/// The second connection's side.
struct StopSide {
    stops: mpsc::UnboundedSender<Message>,
    filters: Vec<String>,
    main: AsyncClient,
    publisher: Publisher,
    up: Arc<AtomicBool>,
}

impl Side for StopSide {
    fn filters(&self) -> Vec<String> {
        self.filters.clone()
    }

    async fn up(&mut self, denied: Vec<String>) {
        // Where the broker denies it here, it does so on the main connection, which says so.
        if denied.is_empty() && !self.up.swap(true, Ordering::Relaxed) {
            for filter in &self.filters {
                let _ = self.main.try_unsubscribe(filter);
            }
        }
    }

    async fn down(&mut self, reason: String) {
        if self.up.swap(false, Ordering::Relaxed) {
            debug!(
                reason,
                "the connection for stops is down: the main one carries them"
            );
            if self.publisher.is_connected() {
                let filters = self.filters.iter();
                let filters = filters.map(|f| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce));
                let _ = self.main.try_subscribe_many(filters);
            }
        }
    }

    async fn message(&mut self, message: Message) {
        let _ = self.stops.send(message);
    }
}

/// What went wrong, and what to do about it.
fn explain(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => {
            "the broker refuses user or password: check mqtt.username and mqtt.password".to_owned()
        }
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker refuses the connection: {code:?}")
        }
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            "the broker does not answer: check mqtt.url, and whether it is overloaded".to_owned()
        }
        ConnectionError::Io(cause) if cause.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nothing listens there: check mqtt.url, and whether the broker is running".to_owned()
        }
        ConnectionError::Tls(cause) => {
            format!("no secure connection: {cause}; check mqtt.url and mqtt.ca_file")
        }
        other => format!("connection failed: {other}"),
    }
}

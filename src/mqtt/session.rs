//! The connections to the broker. Nothing but this folder names the MQTT library.
//!
//! There are two. The main one carries everything. The other carries only stops and quiet, so that
//! a flood of commands, which waits in the broker and in the socket of the main one, cannot delay
//! them. The main one carries those as well, for the other may be dead without knowing it yet: the
//! copy that comes first counts, the other one is dropped.
//!
//! Nothing is trusted to the library's queue, which is lost with a connection: whatever is to be
//! retained is published again from the [outbox](super::outbox) whenever the broker is back.

mod connection;
mod identity;
mod kept;
mod reason;
mod way;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, LastWill, MqttOptions, QoS, TlsConfiguration, Transport};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use self::connection::{Connection, Side};
use self::identity::Identity;
pub use self::kept::{Checker, Verdict};
use self::way::Way;
use super::guide::{Access, Guide};
use super::publisher::{MAX_PAYLOAD, Publisher};
use super::twice::{Lane, Twice};

/// MQTT's own limit (3.1.1 §2.2.3). A smaller one of ours would end the connection when somebody
/// retains a larger message, again and again after each reconnect; its payload is refused later.
const MAX_INCOMING: usize = 268_435_455;

/// Twice this passes before a link that went dead is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Messages that wait for the driver. Beyond them the broker has to wait.
const INBOX: usize = 64;

/// How to reach the broker, and what to hear from it.
#[derive(Clone, Default)]
pub struct Options {
    /// The way to the broker, unless there is a guide.
    pub access: Access,
    /// Whom to ask for the way instead.
    pub guide: Option<Arc<dyn Guide>>,
    /// The client id; the second connection adds `-stop`.
    pub client_id: String,
    /// A word of this process alone, appended to the client id once another client has taken the id
    /// over again and again.
    pub process: Option<String>,
    /// What the broker publishes, retained, when we vanish, if anything.
    pub will: Option<(String, Vec<u8>)>,
    /// What the main connection subscribes to.
    pub filters: Vec<String>,
    /// What both connections subscribe to; without any there is no second one.
    pub stop_filters: Vec<String>,
    /// The topic under which the session sends markers to itself: behind what the broker has kept, and
    /// behind questions of a [`Checker`]. Without one, every flagged message counts as kept.
    pub marker: Option<String>,
    /// Twice this passes before a dead link is noticed; 10 s unless given. At least 1 s.
    pub keep_alive: Option<Duration>,
}

/// A message from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Whether it carries the retain flag. Some brokers leave the flag on live messages.
    pub retained: bool,
    /// Whether it came with what the broker has kept: flagged, and before the session's marker.
    pub replayed: bool,
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
    /// Another client has taken the client id over again and again. From now on the session has an id
    /// of its own.
    TakenOver,
    /// A message.
    Message(Message),
}

/// The two connections.
pub struct Session {
    publisher: Publisher,
    main: AsyncClient,
    stop: AsyncClient,
    closing: CancellationToken,
    cancel: CancellationToken,
    tasks: TaskTracker,
    checker: Checker,
    verdicts: Option<mpsc::UnboundedReceiver<Verdict>>,
}

impl Session {
    /// Starts to connect, and goes on for as long as it takes.
    ///
    /// Returns what comes in: what matches [`Options::stop_filters`] on the unbounded channel,
    /// which is therefore never full, everything else on the bounded one.
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
        let closing = CancellationToken::new();
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let twice = Twice::default();
        let identity = Identity::new(options.process.clone());

        let (main, main_loop) = AsyncClient::new(options.main(), 64);
        let (stop, stop_loop) = AsyncClient::new(options.stop(), 64);
        let (verdicts_in, verdicts) = mpsc::unbounded_channel();
        let checker = Checker::new(
            stop.clone(),
            options.marker.clone(),
            options.process.as_deref().unwrap_or_default(),
            options.stop_filters.clone(),
            verdicts_in,
        );
        let main_side = MainSide {
            publisher: publisher.clone(),
            events: events_in,
            stops: stops_in.clone(),
            filters: options.main_filters(),
            stop_filters: options.stop_filters.clone(),
            twice: twice.clone(),
            identity: identity.clone(),
            told_taken_over: false,
            down: None,
        };
        let stop_side = StopSide {
            stops: stops_in,
            stop_filters: options.stop_filters.clone(),
            marker: options.marker.clone(),
            checker: checker.clone(),
            twice,
        };
        let connect = |client: &AsyncClient, event_loop, make| {
            let way = Way::new(options, make, identity.clone());
            let (client, closing) = (client.clone(), closing.clone());
            let marker = options.marker.clone();
            Connection::new(client, event_loop, way, identity.clone(), marker, closing)
        };
        let connection = connect(&main, main_loop, Options::main);
        tasks.spawn(guarded(cancel.clone(), connection.run(main_side)));
        if !options.stop_filters.is_empty() {
            let connection = connect(&stop, stop_loop, Options::stop);
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
            closing,
            cancel,
            tasks,
            checker,
            verdicts: Some(verdicts),
        };
        (session, events, stops)
    }

    /// Asks what the broker keeps.
    #[must_use]
    pub fn checker(&self) -> Checker {
        self.checker.clone()
    }

    /// The answers to what the checker asks; the first call has them, later ones an empty channel.
    #[must_use]
    pub fn verdicts(&mut self) -> mpsc::UnboundedReceiver<Verdict> {
        let verdicts = self.verdicts.take();
        verdicts.unwrap_or_else(|| mpsc::unbounded_channel().1)
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
        self.closing.cancel();
        self.tasks.close();
        // The publishing task ends by itself and disconnects, which ends the other two.
        let _ = self.stop.try_disconnect();
        if timeout(patience, self.tasks.wait()).await.is_err() {
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
        let access = &self.access;
        let mut options = MqttOptions::new(client_id, access.host.clone(), access.port);
        options
            .set_clean_session(true)
            .set_keep_alive(self.keep_alive())
            .set_max_packet_size(MAX_INCOMING, MAX_PAYLOAD + 64 * 1024);
        if let Some((user, password)) = &access.credentials {
            options.set_credentials(user, password);
        }
        if let Some(tls) = &access.tls {
            let tls = TlsConfiguration::Rustls(Arc::clone(tls));
            options.set_transport(Transport::tls_with_config(tls));
        }
        options
    }

    fn keep_alive(&self) -> Duration {
        let wanted = self.keep_alive.unwrap_or(KEEP_ALIVE);
        // Whole seconds of 16 bits (MQTT 3.1.1 §3.1.2.10).
        wanted.clamp(Duration::from_secs(1), Duration::from_secs(u16::MAX.into()))
    }

    /// What the main connection subscribes to: stops as well, except where its own filters cover
    /// them, for brokers may send a message once per filter that matches.
    fn main_filters(&self) -> Vec<String> {
        let covered = |stop: &&String| {
            let mut filters = self.filters.iter();
            filters.any(|filter| rumqttc::matches(stop, filter))
        };
        let stops = self.stop_filters.iter().filter(|stop| !covered(stop));
        self.filters.iter().chain(stops).cloned().collect()
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

/// The main connection's side.
struct MainSide {
    publisher: Publisher,
    events: mpsc::Sender<Event>,
    stops: mpsc::UnboundedSender<Message>,
    filters: Vec<String>,
    stop_filters: Vec<String>,
    twice: Twice,
    identity: Identity,
    told_taken_over: bool,
    /// Why it is down, as last said.
    down: Option<String>,
}

impl MainSide {
    async fn send(&self, event: Event) {
        // Nobody listens any more only while the process ends.
        let _ = self.events.send(event).await;
    }

    async fn tell_taken_over(&mut self) {
        let taken_over = self.identity.is_taken_over();
        if std::mem::replace(&mut self.told_taken_over, taken_over) != taken_over && taken_over {
            self.send(Event::TakenOver).await;
        }
    }
}

impl Side for MainSide {
    fn filters(&mut self) -> Vec<String> {
        self.twice.clear();
        self.filters.clone()
    }

    async fn up(&mut self, denied: Vec<String>) {
        for filter in denied {
            self.send(Event::Denied { filter }).await;
        }
        self.down = None;
        self.tell_taken_over().await;
        self.send(Event::Up).await;
        self.publisher.connected();
    }

    async fn down(&mut self, reason: String) {
        self.publisher.disconnected();
        self.tell_taken_over().await;
        if self.down.as_ref() != Some(&reason) {
            self.down = Some(reason.clone());
            self.send(Event::Down(reason)).await;
        }
    }

    async fn message(&mut self, message: Message) {
        let mut stops = self.stop_filters.iter();
        if !stops.any(|filter| rumqttc::matches(&message.topic, filter)) {
            self.send(Event::Message(message)).await;
        } else if self.twice.is_first(Lane::Main, &message) {
            let _ = self.stops.send(message);
        }
    }
}

/// The second connection's side.
struct StopSide {
    stops: mpsc::UnboundedSender<Message>,
    stop_filters: Vec<String>,
    marker: Option<String>,
    checker: Checker,
    twice: Twice,
}

impl Side for StopSide {
    fn filters(&mut self) -> Vec<String> {
        self.twice.clear();
        let stops = self.stop_filters.iter();
        stops.chain(&self.marker).cloned().collect()
    }

    async fn up(&mut self, denied: Vec<String>) {
        if self.marker.as_ref().is_some_and(|it| !denied.contains(it)) {
            self.checker.connected();
        }
        // The main connection asks for the same, and tells the user.
        debug!(?denied, "the connection for stops is up");
    }

    async fn down(&mut self, reason: String) {
        self.checker.disconnected();
        debug!(reason, "the connection for stops is down");
    }

    async fn message(&mut self, message: Message) {
        if self.checker.hears(&message) {
            return;
        }
        // What the broker has kept is no stop of anybody. The other connection brings it as well, and
        // there it is known whose it is to remove. Commands come here only while a question about
        // their topic is open: they are the other connection's.
        let mut stops = self.stop_filters.iter();
        if !message.replayed
            && stops.any(|filter| rumqttc::matches(&message.topic, filter))
            && self.twice.is_first(Lane::Stop, &message)
        {
            let _ = self.stops.send(message);
        }
    }
}

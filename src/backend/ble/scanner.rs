//! The backend, and the link that listens for toys.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant as Now, MissedTickBehavior, interval, timeout};
use tracing::{debug, warn};

use super::addresses::Addresses;
use super::advert::recognise;
use super::fault::{RadioError, without_addresses};
use super::options::Options;
use super::radio::{Feed, KeptBus, News, Place, Scanner, Seen};
use super::roster::Roster;
use super::toy::{Ask, Seat, ToyLink};
use crate::backend::{Backend, BoxFuture, Link, LinkContext, LinkError, Report, Reports};
use crate::domain::{BackendId, BackendState, HardwareId, Instant, Op, OpError};

/// A disk that takes longer is not waited for.
const SAVING: Duration = Duration::from_millis(500);

/// How often to look whether the adapter is well and whether to listen.
const BEAT: Duration = Duration::from_secs(1);

/// Every so many beats the service is asked again to scan: it may have been restarted, which it says
/// to nobody.
const RENEW: u64 = 3;

/// A scan that has heard nothing of anything for this long is ended and begun anew: some adapters
/// stall, and go on saying that they scan. Where there is nothing to hear it does no harm.
const STALLED: Duration = Duration::from_secs(4);

/// After so many scans in a row that heard nothing the adapter is suspected.
const DEAF: u32 = 3;

const NOTHING_HEARD: &str = "nothing at all is heard, though the scan was begun anew: there is no Bluetooth \
                             device near, or the adapter hangs; if it stays so, unplug the adapter and \
                             plug it in again";

const NOT_SAVED: &str = "the address of a Bluetooth toy is not saved";

const DOUBLES: &str = "two Bluetooth toys tell one and the same address: each has an id of its own, by its \
                       address on air; give each toy's firmware an address of its own, or give the \
                       toys names here to tell them apart";

/// Every so many beats all devices are looked at while it scans.
const LOOK: u64 = 2;

/// Toys over Bluetooth LE.
#[derive(Debug)]
pub struct Ble {
    pub(super) options: Options,
    start: Now,
    roster: Mutex<Roster>,
    saving: Mutex<()>,
    /// The conversations with the toys that are here.
    toys: Mutex<HashMap<HardwareId, Conversation>>,
    /// A toy comes, goes, or is asked for.
    nudge: Notify,
    /// Adapters make one connection at a time.
    pub(super) connecting: Semaphore,
    /// Counts how often the bus turned out to be another one: connections to the old one are dead.
    pub(super) epoch: watch::Sender<u64>,
}

/// A way to talk to a toy.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) asks: mpsc::Sender<Ask>,
    /// It is to be looked whether the toy is still there.
    pub(super) look: Arc<Notify>,
}

impl Ble {
    /// Bluetooth, used like this. Touches nothing before its links run.
    #[must_use]
    pub fn new(options: Options) -> Arc<Self> {
        // Time begins a little before the start, so that nothing happens at its very beginning.
        let read = options.file.as_deref().map(Addresses::read);
        let addresses = read.transpose().unwrap_or_else(|error| {
            warn!("the file with the addresses of Bluetooth toys cannot be used: {error}");
            None
        });
        let roster = Roster::new(&options, addresses.unwrap_or_default(), Instant::START);
        Arc::new(Self {
            saving: Mutex::default(),
            roster: Mutex::new(roster),
            start: Now::now(),
            toys: Mutex::default(),
            nudge: Notify::new(),
            connecting: Semaphore::new(1),
            epoch: watch::Sender::default(),
            options,
        })
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Instant {
        Instant::after_start(self.start.elapsed())
    }

    /// When that is for timers.
    pub(super) fn at(&self, instant: Instant) -> Now {
        self.start + instant.since_start()
    }

    /// Held for moments, never across an await.
    pub(super) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn toys(&self) -> MutexGuard<'_, HashMap<HardwareId, Conversation>> {
        self.toys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The toy that tells the address `told` is there as `hardware`, and can be talked to.
    pub(super) fn came(
        &self,
        hardware: &HardwareId,
        told: &str,
        conversation: Conversation,
        reports: &Reports,
    ) {
        self.toys().insert(hardware.clone(), conversation);
        let doubles = {
            let mut roster = self.roster();
            roster.came(hardware.as_str(), told);
            roster.doubles()
        };
        if doubles > 0 {
            self.say_doubles(doubles, reports);
        }
        self.nudge.notify_one();
    }

    pub(super) fn went(&self, hardware: &HardwareId, reports: &Reports) {
        self.toys().remove(hardware);
        let now = self.now();
        let (before, after) = {
            let mut roster = self.roster();
            let before = roster.doubles();
            roster.went(hardware.as_str(), now);
            (before, roster.doubles())
        };
        if before != after {
            self.say_doubles(after, reports);
        }
        self.nudge.notify_one();
    }

    fn say_doubles(&self, doubles: usize, reports: &Reports) {
        let problems = (doubles > 0).then(|| DOUBLES.to_owned());
        reports.send(Report::Problems(problems.into_iter().collect()));
    }

    /// Which toy it is that is at `air` and tells the address `told`; none if the settings keep it out.
    /// What is new is saved before the toy can be driven: after a crash it is found by its address on
    /// air.
    pub(super) async fn identify(self: &Arc<Self>, air: &str, told: &str) -> Option<HardwareId> {
        let (hardware, is_new) = self.roster().identify(air, told)?;
        if is_new && let Some(file) = self.options.file.clone() {
            let ble = Arc::clone(self);
            let saving = tokio::task::spawn_blocking(move || {
                let _one_at_a_time = ble.saving.lock().unwrap_or_else(PoisonError::into_inner);
                let addresses = ble.roster().addresses();
                addresses.write(&file)
            });
            match timeout(SAVING, saving).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => warn!("{NOT_SAVED}: {error}"),
                Ok(Err(error)) => warn!("{NOT_SAVED}: {error}"),
                Err(_) => warn!("{NOT_SAVED} in time: the disk is slow"),
            }
        }
        Some(HardwareId::new(hardware))
    }
}

impl Backend for Ble {
    fn id(&self) -> &BackendId {
        &self.options.id
    }

    fn links(self: Arc<Self>) -> Vec<Box<dyn Link>> {
        vec![Box::new(ScannerLink {
            ble: self,
            bus: KeptBus::default(),
            opened: false,
            seats: BTreeMap::new(),
            places: HashMap::new(),
        })]
    }

    fn execute(self: Arc<Self>, op: Op) -> BoxFuture<'static, Result<(), OpError>> {
        Box::pin(async move {
            let gone = || OpError::Offline("it is not connected by Bluetooth".to_owned());
            let conversation = self.toys().get(&op.route.hardware).cloned();
            let conversation = conversation.ok_or_else(gone)?;
            let (reply, answer) = oneshot::channel();
            let ask = Ask {
                command: op.command,
                reply,
            };
            conversation.asks.send(ask).await.map_err(|_| gone())?;
            answer.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    fn refresh(&self) {
        for conversation in self.toys().values() {
            conversation.look.notify_one();
        }
        self.nudge.notify_one();
    }

    fn scan(&self, on: bool) {
        self.roster().search(on);
        self.nudge.notify_one();
    }

    fn searches(&self) -> bool {
        true
    }
}

/// Listens for advertisements, and opens a link for every toy that is to be ours.
struct ScannerLink {
    ble: Arc<Ble>,
    bus: KeptBus,
    /// Whether there has been a bus before.
    opened: bool,
    /// Toys that have a link, by address.
    seats: BTreeMap<String, Arc<Seat>>,
    /// Where they were seen.
    places: HashMap<Place, Arc<Seat>>,
}

impl Link for ScannerLink {
    fn name(&self) -> &str {
        "bluetooth"
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            let Err(error) = self.listen(context).await;
            for hardware in self.ble.roster().forget_missing() {
                let known = Report::Missed(HardwareId::new(hardware), false);
                context.reports.send(known);
            }
            let reason = without_addresses(&format!("{error}: {}", error.cure()));
            let down = BackendState::Down(reason.clone());
            context.reports.send(Report::State(down));
            self.bus.doubt(&error);
            if error.is_the_end() {
                // Nobody tells the toys' links.
                self.seats.values().for_each(|seat| seat.connected(false));
            }
            LinkError::Retry(reason)
        })
    }
}

impl ScannerLink {
    async fn listen(&mut self, context: &LinkContext) -> Result<Infallible, RadioError> {
        let (bus, is_new) = self.bus.get().await?;
        let adapter = self.ble.options.adapter.as_deref();
        let (scanner, mut feed) = Scanner::open(&bus, adapter).await?;
        if is_new && std::mem::replace(&mut self.opened, true) {
            self.ble.epoch.send_modify(|epoch| *epoch += 1);
        }
        self.bus.trust();
        context.reports.send(Report::State(BackendState::Up));
        context.proven();
        let Err(error) = self.serve(&scanner, &mut feed, context).await;
        if matches!(error, RadioError::Silent(_) | RadioError::NoBus(_)) {
            feed.abandon();
        }
        Err(error)
    }

    async fn serve(
        &mut self,
        scanner: &Scanner,
        feed: &mut Feed,
        context: &LinkContext,
    ) -> Result<Infallible, RadioError> {
        self.look(scanner, context).await?;
        let ble = Arc::clone(&self.ble);
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut scanning, mut beat) = (false, 0_u64);
        let mut heard = ble.now();
        let (mut silent_scans, mut is_deaf) = (0, false);
        loop {
            let is_beat = tokio::select! {
                biased;
                news = feed.next() => {
                    if matches!(news, News::New(_) | News::Heard(..)) {
                        heard = ble.now();
                        silent_scans = 0;
                    }
                    self.hear(news, scanner, context).await?;
                    continue;
                }
                () = ble.nudge.notified() => false,
                _ = beats.tick() => true,
            };
            beat += u64::from(is_beat);
            let wanted = ble.roster().listens(ble.now());
            if wanted && (!scanning || (is_beat && beat % RENEW == 0)) {
                scanner.scan().await?;
                if !scanning {
                    debug!("listening for toys");
                    heard = ble.now();
                }
                scanning = true;
            } else if !wanted && scanning {
                scanning = false;
                debug!("not listening any more");
                if let Err(error) = scanner.rest().await {
                    debug!(%error, "the scan was not ended");
                }
            }
            if is_beat {
                scanner.check().await?;
            }
            if is_beat && scanning {
                for hardware in ble.roster().listened(BEAT) {
                    let missed = Report::Missed(HardwareId::new(hardware), true);
                    context.reports.send(missed);
                }
            }
            if scanning && ble.now().since(heard) >= STALLED {
                debug!("nothing is heard: the scan is begun anew");
                scanner.scan_anew().await?;
                heard = ble.now();
                silent_scans += 1;
            }
            // Silence cannot be told from a place without any device: it is said only to who waits.
            let deaf = silent_scans >= DEAF && ble.roster().is_searched_in_vain();
            if std::mem::replace(&mut is_deaf, deaf) != deaf {
                let down = || BackendState::Down(NOTHING_HEARD.to_owned());
                let state = if deaf { down() } else { BackendState::Up };
                context.reports.send(Report::State(state));
            }
            if (scanning && beat % LOOK == 0) || !is_beat {
                self.look(scanner, context).await?;
            }
        }
    }

    /// Looks at all devices: names come late, and nothing tells when they do.
    async fn look(&mut self, scanner: &Scanner, context: &LinkContext) -> Result<(), RadioError> {
        for seen in scanner.look().await? {
            self.judge(seen, scanner, context).await;
        }
        Ok(())
    }

    async fn hear(
        &mut self,
        news: News,
        scanner: &Scanner,
        context: &LinkContext,
    ) -> Result<(), RadioError> {
        match news {
            News::Powered(false) => scanner.check().await?,
            News::Powered(true) => {}
            News::New(place) => {
                if let Some(seen) = scanner.look_at(&place).await {
                    self.ble.roster().heard(&seen.address);
                    self.judge(seen, scanner, context).await;
                }
            }
            News::Heard(place, rssi) => {
                if let Some(seat) = self.places.get(&place) {
                    self.ble.roster().heard(seat.address());
                    seat.heard(rssi, self.ble.now());
                }
            }
            News::Connected(place) => {
                if let Some(seat) = self.places.get(&place) {
                    seat.connected(true);
                }
            }
            News::Disconnected(place) => {
                if let Some(seat) = self.places.get(&place) {
                    seat.connected(false);
                }
            }
        }
        Ok(())
    }

    /// Is it a toy, and ours?
    async fn judge(&mut self, seen: Seen, scanner: &Scanner, context: &LinkContext) {
        if recognise(&seen.advertisement).is_none() {
            return;
        }
        let connected = scanner.is_connected(&seen.place).await;
        let now = self.ble.now();
        {
            let mut roster = self.ble.roster();
            roster.seen(&seen.address);
            if !roster.admits(&seen.address, connected, now) {
                return;
            }
        }
        let next = self.seats.len() + 1;
        let seat = self.seats.entry(seen.address.clone()).or_insert_with(|| {
            debug!(address = seen.address, "a toy turned up");
            let seat = Arc::new(Seat::new(seen.address.clone()));
            let link = ToyLink::new(next, Arc::clone(&seat), Arc::clone(&self.ble));
            context.open(Box::new(link));
            seat
        });
        seat.seen(&seen.place, seen.rssi, connected, self.ble.now());
        self.places.insert(seen.place, Arc::clone(seat));
    }
}

//! Simulated toys of the real server: it finds them by its own means, as it would find Bluetooth
//! toys, and speaks their own protocol with them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use buttplug_core::ButtplugResultFuture;
use buttplug_core::errors::ButtplugDeviceError;
use buttplug_server::device::hardware::communication::{
    HardwareCommunicationManager, HardwareCommunicationManagerBuilder,
    HardwareCommunicationManagerEvent as Found,
};
use buttplug_server::device::hardware::{
    GenericHardwareSpecializer, Hardware, HardwareConnector, HardwareEvent, HardwareInternal,
    HardwareReadCmd, HardwareReading, HardwareSpecializer, HardwareSubscribeCmd,
    HardwareUnsubscribeCmd, HardwareWriteCmd,
};
use buttplug_server_device_config::{
    BluetoothLESpecifier, Endpoint, ProtocolCommunicationSpecifier,
};
use futures_util::future::{BoxFuture, FutureExt, ready};
use tokio::sync::{broadcast, mpsc, watch};

/// A toy that speaks Lovense's protocol. Which one it is, its letter says (`S` a Lush, `P` an Edge,
/// `A` a Nora, `B` a Max).
#[derive(Clone, Debug)]
pub(crate) struct Toy {
    letter: &'static str,
    address: &'static str,
    events: broadcast::Sender<HardwareEvent>,
    seen: Arc<watch::Sender<Vec<String>>>,
    battery: Arc<Mutex<u8>>,
}

impl Toy {
    pub(crate) fn new(letter: &'static str, address: &'static str) -> Self {
        Self {
            letter,
            address,
            events: broadcast::channel(64).0,
            seen: Arc::new(watch::Sender::default()),
            battery: Arc::new(Mutex::new(85)),
        }
    }

    pub(crate) fn set_battery(&self, percent: u8) {
        *self.battery.lock().unwrap() = percent;
    }

    /// Everything that it was told, but questions.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }

    /// Waits until what it was told is accepted by `wanted`.
    pub(crate) async fn until(&self, what: &str, mut wanted: impl FnMut(&[String]) -> bool) {
        let mut seen = self.seen.subscribe();
        crate::shared::soon(what, seen.wait_for(|seen| wanted(seen)))
            .await
            .unwrap();
    }

    /// Waits until it has been told this last of all that begins alike.
    pub(crate) async fn told(&self, command: &str) {
        let kind = command.split(':').next().unwrap().to_owned() + ":";
        self.until(command, |seen| {
            let last = seen.iter().rev().find(|it| it.starts_with(&kind));
            last.is_some_and(|last| last == command)
        })
        .await;
    }

    fn answer(&self, text: String) {
        let event = HardwareEvent::Notification(self.address.to_owned(), Endpoint::Rx, text.into());
        let _ = self.events.send(event);
    }
}

impl HardwareInternal for Toy {
    fn disconnect(&self) -> BoxFuture<'static, Result<(), ButtplugDeviceError>> {
        ready(Ok(())).boxed()
    }

    fn event_stream(&self) -> broadcast::Receiver<HardwareEvent> {
        self.events.subscribe()
    }

    fn read_value(
        &self,
        _: &HardwareReadCmd,
    ) -> BoxFuture<'static, Result<HardwareReading, ButtplugDeviceError>> {
        let error = ButtplugDeviceError::UnhandledCommand("nothing to read".to_owned());
        ready(Err(error)).boxed()
    }

    fn write_value(
        &self,
        command: &HardwareWriteCmd,
    ) -> BoxFuture<'static, Result<(), ButtplugDeviceError>> {
        let text = String::from_utf8(command.data().clone()).unwrap();
        match text.as_str() {
            "DeviceType;" => self.answer(format!("{}:11:{};", self.letter, self.address)),
            "Battery;" => self.answer(format!("{};", self.battery.lock().unwrap())),
            _ => self.seen.send_modify(|seen| seen.push(text)),
        }
        ready(Ok(())).boxed()
    }

    fn subscribe(
        &self,
        _: &HardwareSubscribeCmd,
    ) -> BoxFuture<'static, Result<(), ButtplugDeviceError>> {
        ready(Ok(())).boxed()
    }

    fn unsubscribe(
        &self,
        _: &HardwareUnsubscribeCmd,
    ) -> BoxFuture<'static, Result<(), ButtplugDeviceError>> {
        ready(Ok(())).boxed()
    }
}

#[async_trait]
impl HardwareConnector for Toy {
    fn specifier(&self) -> ProtocolCommunicationSpecifier {
        let name = format!("LVS-{}11", self.letter);
        let specifier = BluetoothLESpecifier::new_from_device(&name, &Default::default(), &[]);
        ProtocolCommunicationSpecifier::BluetoothLE(specifier)
    }

    async fn connect(&mut self) -> Result<Box<dyn HardwareSpecializer>, ButtplugDeviceError> {
        let hardware = Hardware::new(
            &format!("LVS-{}11", self.letter),
            self.address,
            &[Endpoint::Rx, Endpoint::Tx],
            &None,
            false,
            Box::new(self.clone()),
        );
        Ok(Box::new(GenericHardwareSpecializer::new(hardware)))
    }
}

/// Where the server finds toys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Air {
    sender: Arc<Mutex<Option<mpsc::Sender<Found>>>>,
    scanning: Arc<watch::Sender<bool>>,
}

impl Air {
    /// The toy is switched on.
    pub(crate) async fn plug(&self, toy: &Toy) {
        let sender = self.sender.lock().unwrap().clone().unwrap();
        let found = Found::DeviceFound {
            name: format!("LVS-{}11", toy.letter),
            address: toy.address.to_owned(),
            creator: Box::new(toy.clone()),
        };
        sender.send(found).await.unwrap();
    }

    /// The toy is switched off.
    pub(crate) fn unplug(&self, toy: &Toy) {
        let gone = HardwareEvent::Disconnected(toy.address.to_owned());
        toy.events.send(gone).unwrap();
    }

    /// The search ends by itself.
    pub(crate) async fn search_ends(&self) {
        self.scanning.send_replace(false);
        let sender = self.sender.lock().unwrap().clone().unwrap();
        sender.send(Found::ScanningFinished).await.unwrap();
    }

    /// Waits until the server searches for toys, or no longer does.
    pub(crate) async fn scans(&self, on: bool) {
        let mut scanning = self.scanning.subscribe();
        let what = if on {
            "a search"
        } else {
            "the end of a search"
        };
        crate::shared::soon(what, scanning.wait_for(|it| *it == on))
            .await
            .unwrap();
    }
}

impl HardwareCommunicationManagerBuilder for Air {
    fn finish(&mut self, sender: mpsc::Sender<Found>) -> Box<dyn HardwareCommunicationManager> {
        *self.sender.lock().unwrap() = Some(sender);
        Box::new(self.clone())
    }
}

impl HardwareCommunicationManager for Air {
    fn name(&self) -> &'static str {
        "Air"
    }

    fn start_scanning(&mut self) -> ButtplugResultFuture {
        self.scanning.send_replace(true);
        ready(Ok(())).boxed()
    }

    fn stop_scanning(&mut self) -> ButtplugResultFuture {
        self.scanning.send_replace(false);
        ready(Ok(())).boxed()
    }

    fn scanning_status(&self) -> bool {
        *self.scanning.borrow()
    }

    fn can_scan(&self) -> bool {
        true
    }
}

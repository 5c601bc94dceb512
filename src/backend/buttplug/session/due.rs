//! What is done from time to time: looks whether the server lives, asks for its devices, searches
//! for toys, reads sensors.

use std::sync::atomic::Ordering;

use futures_util::SinkExt;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tracing::debug;

use super::{Session, Waiting, What};
use crate::backend::buttplug::fault::Fault;
use crate::backend::buttplug::map::Toy;
use crate::backend::buttplug::wire::Request;

impl Session<'_> {
    /// Does whatever is due.
    pub(super) async fn look_around(&mut self) -> Result<(), Fault> {
        let now = Instant::now();
        self.overdue(now)?;
        self.look_for_life(now).await?;
        self.look_at_devices(now).await?;
        self.look_for_toys(now).await?;
        self.look_at_sensors(now).await
    }

    fn overdue(&mut self, now: Instant) -> Result<(), Fault> {
        self.calls.forget();
        let calls = &self.calls;
        self.waiting.retain(|_, waiting| match waiting.what {
            What::Call(call) => calls.is_open(call),
            _ => true,
        });
        let late = |(id, waiting): (&u32, &Waiting)| (waiting.due <= now).then_some(*id);
        let late: Vec<u32> = self.waiting.iter().filter_map(late).collect();
        for id in late {
            match self.waiting.remove(&id).map(|waiting| waiting.what) {
                Some(What::Devices | What::Ping) => {
                    return Err(Fault::Silent(self.server.options.timing.answer));
                }
                Some(What::Read(hardware)) => {
                    // Servers before 2026 wait for some toys for ever, and keep every command to
                    // them waiting: once is enough.
                    debug!("a sensor does not answer, and is not asked again");
                    self.reads.insert(hardware, None);
                }
                Some(what) => debug!(?what, "not answered"),
                None => {}
            }
        }
        Ok(())
    }

    async fn look_for_life(&mut self, now: Instant) -> Result<(), Fault> {
        let timing = &self.server.options.timing;
        let silence = now - self.heard;
        if silence >= timing.suspicion && !self.asked(&What::Devices) {
            return self.ask_for_devices(timing.check).await;
        }
        if silence >= timing.tick {
            let limit = timing.answer;
            let ping = Frame::Ping(Vec::new().into());
            self.sent(limit, |socket| socket.send(ping)).await?;
        }
        Ok(())
    }

    async fn look_at_devices(&mut self, now: Instant) -> Result<(), Fault> {
        let timing = &self.server.options.timing;
        let soon = self
            .look
            .last
            .is_some_and(|at| now < at + timing.least_look);
        if soon || self.asked(&What::Devices) || !self.server.look.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.ask_for_devices(timing.answer).await
    }

    async fn look_for_toys(&mut self, now: Instant) -> Result<(), Fault> {
        // Servers take requests in any order.
        if self.asked(&What::Search) {
            return Ok(());
        }
        let options = &self.server.options;
        if let (Some(next), Some(scan), Some(rescan)) =
            (self.search.next, options.scan, options.rescan)
            && now >= next
        {
            self.search.until = Some(now + scan);
            self.search.next = Some(now + rescan);
            // The server may have ended it by itself.
            self.search.on = false;
        }
        let timed = self.search.until.is_some_and(|until| now < until);
        let asked = self.server.searching.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut self.search.asked, asked);
        let anew = asked && !before;
        let wanted = timed || asked;
        if wanted == self.search.on && !(anew && wanted) {
            return Ok(());
        }
        // A server tries each toy once in a search: whoever asks for one wants another try.
        let start = wanted && !self.search.on;
        self.search.on = start;
        let request = if start {
            Request::StartScanning {}
        } else {
            Request::StopScanning {}
        };
        self.ask(&request, What::Search, options.timing.answer)
            .await?;
        self.flush().await
    }

    async fn look_at_sensors(&mut self, now: Instant) -> Result<(), Fault> {
        let mut requests = Vec::new();
        let fresh = std::mem::take(&mut self.fresh);
        for hardware in &fresh {
            let of = |toy: &Toy| {
                toy.sensors
                    .iter()
                    .filter_map(|it| toy.subscribe(it))
                    .collect()
            };
            let found: Vec<_> = self
                .server
                .shared()
                .roster
                .toy(hardware)
                .map_or_else(Vec::new, of);
            requests.extend(found.into_iter().map(|request| (request, What::Subscribe)));
        }
        if let Some(every) = self.server.options.read {
            for (hardware, at) in &mut self.reads {
                let Some(due) = at.filter(|at| *at <= now) else {
                    continue;
                };
                *at = Some(due + every);
                let of = |toy: &Toy| toy.sensors.iter().filter_map(|it| toy.read(it)).collect();
                let found: Vec<_> = self
                    .server
                    .shared()
                    .roster
                    .toy(hardware)
                    .map_or_else(Vec::new, of);
                let what = |request| (request, What::Read(hardware.clone()));
                requests.extend(found.into_iter().map(what));
            }
        }
        if requests.is_empty() {
            return Ok(());
        }
        let limit = self.server.options.timing.answer;
        for (request, what) in requests {
            self.ask(&request, what, limit).await?;
        }
        self.flush().await
    }
}

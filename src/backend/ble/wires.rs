//! The connections to the message bus for one toy: one for each place at which it was found.
//!
//! A toy moves to another place when its adapter returns under another index, or when another adapter
//! takes over. On one connection the match rule for the new place would be added before the rule for the
//! old place is removed, and the reference message bus then removes the new one: the toy answers, and is
//! never heard. Connections of old places are kept, because the library never closes one; a toy that
//! comes back to a place uses it again.

use std::collections::HashMap;

use super::fault::RadioError;
use super::radio::{Device, KeptBus, Notifications, Place};

/// A toy at one place, and what it says.
pub(super) struct Line {
    pub(super) device: Device,
    pub(super) notifications: Notifications,
}

#[derive(Default)]
struct Wire {
    bus: KeptBus,
    line: Option<Line>,
}

/// The connections for one toy, kept over many connections to the toy.
#[derive(Default)]
pub(super) struct Wires {
    /// When they were opened, as the scanner counts it.
    epoch: u64,
    all: HashMap<Place, Wire>,
    /// The place in use.
    place: Option<Place>,
}

impl Wires {
    /// The toy at this place, which is the one in use from now on, over a connection of its own. What
    /// was opened in another `epoch` is dead.
    ///
    /// # Errors
    /// A bus or a service that cannot be asked, and a toy that the service has forgotten.
    pub(super) async fn open(
        &mut self,
        place: &Place,
        epoch: u64,
    ) -> Result<(&mut KeptBus, &mut Line), RadioError> {
        if self.epoch != epoch {
            self.epoch = epoch;
            let lines = self.all.drain().filter_map(|(_, wire)| wire.line);
            lines.for_each(|line| line.notifications.abandon());
        }
        self.place = Some(place.clone());
        let Wire { bus, line } = self.all.entry(place.clone()).or_default();
        let (connection, _) = bus.get().await?;
        let line = match line {
            Some(line) => {
                // What was said over an earlier connection answers nothing that is asked now.
                line.notifications.drain();
                line
            }
            None => {
                let (device, notifications) = Device::find(&connection, place).await?;
                line.insert(Line {
                    device,
                    notifications,
                })
            }
        };
        Ok((bus, line))
    }

    fn used(&mut self) -> Option<&mut Wire> {
        self.all.get_mut(self.place.as_ref()?)
    }

    /// The toy at the place in use.
    pub(super) fn device(&mut self) -> Option<&mut Device> {
        Some(&mut self.used()?.line.as_mut()?.device)
    }

    /// Something failed at the place in use. Whether its connection is given up.
    pub(super) fn doubt(&mut self, error: &RadioError) -> bool {
        let Some(wire) = self.used() else {
            return false;
        };
        let broken = wire.bus.doubt(error);
        if broken && let Some(line) = wire.line.take() {
            line.notifications.abandon();
        }
        broken
    }
}

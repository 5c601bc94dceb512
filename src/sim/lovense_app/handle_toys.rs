//! What the user of the phone and the toys themselves do, at the caller's command.

use std::sync::Arc;

use super::faults::ToyFaults;
use super::frames::{self, ToyEvent};
use super::handle::AppHandle;
use super::spec::{BadToy, ToySpec};
use super::toy::Toy;
use crate::sim::Function;
use crate::sim::body::Body;

/// No toy of this id, or none that has this function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no simulated toy {0:?} with that")]
pub struct NoSuchToy(pub String);

impl AppHandle {
    /// Changes what is wrong with one toy, from the next request on.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn change_toy_faults(
        &self,
        id: &str,
        change: impl FnOnce(&mut ToyFaults),
    ) -> Result<(), NoSuchToy> {
        change(&mut self.find(id)?.faults());
        self.0.app.touch();
        Ok(())
    }

    /// Adds a toy, which clients are told, and returns its id.
    ///
    /// # Errors
    /// A model that is not in the catalogue, or an id that is taken.
    pub fn add_toy(&self, spec: &ToySpec) -> Result<String, BadToy> {
        let id = self.0.app.add(spec)?;
        self.0.app.tell_toys();
        self.0.app.touch();
        Ok(id.to_string())
    }

    /// Removes a toy, which clients are told.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn remove_toy(&self, id: &str) -> Result<(), NoSuchToy> {
        if !self.0.app.remove(id) {
            return Err(NoSuchToy(id.to_owned()));
        }
        self.0.app.tell_toys();
        self.0.app.touch();
        Ok(())
    }

    /// The app loses (`false`) or finds (`true`) the toy; clients are told. A toy that is lost
    /// stops, since real toys do by default.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn set_connected(&self, id: &str, connected: bool) -> Result<(), NoSuchToy> {
        let toy = self.find(id)?;
        self.0.app.set_connected(&toy, connected);
        Ok(())
    }

    /// The user renames the toy in the app; clients are told with a new list.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn rename(&self, id: &str, nickname: &str) -> Result<(), NoSuchToy> {
        self.find(id)?.card().nickname = nickname.to_owned();
        self.0.app.tell_toys();
        self.0.app.touch();
        Ok(())
    }

    /// The battery is at this charge, 0–100 %; clients are told if that is new.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn set_battery(&self, id: &str, percent: u8) -> Result<(), NoSuchToy> {
        let toy = self.find(id)?;
        self.0.app.set_battery(&toy, percent);
        Ok(())
    }

    /// The user sets a level on the toy or in the app; clients are told.
    ///
    /// # Errors
    /// There is no such toy, or it lacks the function.
    pub fn set_by_user(&self, id: &str, function: Function, level: u16) -> Result<(), NoSuchToy> {
        let toy = self.find(id)?;
        let level = level.min(function.max());
        let act = |body: &mut Body, now| body.set_by_user(now, function, level);
        if !self.0.app.act(&toy, act) {
            return Err(NoSuchToy(id.to_owned()));
        }
        let frame = frames::strength_changed(id, function, level);
        self.0.app.tell(frame);
        Ok(())
    }

    /// The toy reports something; returns to how many clients. Toys of every model can be made to
    /// report everything.
    ///
    /// # Errors
    /// There is no such toy.
    pub fn emit(&self, id: &str, event: &ToyEvent) -> Result<usize, NoSuchToy> {
        let toy = self.find(id)?;
        Ok(self.0.app.tell(event.frame(&toy.id)))
    }

    /// Sends any text as an event frame; returns to how many clients.
    pub fn emit_raw(&self, frame: impl Into<String>) -> usize {
        self.0.app.tell(frame.into())
    }

    fn find(&self, id: &str) -> Result<Arc<Toy>, NoSuchToy> {
        let toy = self.0.app.toy(id);
        toy.ok_or_else(|| NoSuchToy(id.to_owned()))
    }
}

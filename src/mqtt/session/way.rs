//! The way to the broker, as far as somebody has to be asked for it.

use std::sync::Arc;

use rumqttc::{ConnectReturnCode, ConnectionError, MqttOptions};

use super::Options;
use super::identity::Identity;
use crate::mqtt::guide::Guide;

/// The way to the broker of one connection.
pub(super) struct Way {
    options: Options,
    /// The client id that stays the same.
    usual_id: String,
    identity: Identity,
    make: fn(&Options) -> MqttOptions,
    guide: Option<Arc<dyn Guide>>,
    known: bool,
}

impl Way {
    /// `make` turns what is known into the library's options.
    pub(super) fn new(
        options: &Options,
        make: fn(&Options) -> MqttOptions,
        identity: Identity,
    ) -> Self {
        Self {
            usual_id: options.client_id.clone(),
            identity,
            guide: options.guide.clone(),
            known: options.guide.is_none(),
            options: options.clone(),
            make,
        }
    }

    /// Whether what is known is good for an attempt.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// Asks for the way: the options of the next attempt, or why there are none.
    pub(super) async fn ask(&mut self) -> Result<MqttOptions, String> {
        if let Some(guide) = &self.guide {
            self.options.access = guide.access().await?;
        }
        self.known = true;
        Ok((self.make)(&self.options))
    }

    /// The options of the next attempt, if the client id is another one by now.
    pub(super) fn renamed(&mut self) -> Option<MqttOptions> {
        let id = self.identity.client_id(&self.usual_id);
        if id == self.options.client_id {
            return None;
        }
        self.options.client_id = id;
        Some((self.make)(&self.options))
    }

    /// An attempt failed (or, if it was `connected`, what had been a connection): the way has to be
    /// asked for again. Returns what to tell the user, where that depends on who was asked.
    pub(super) fn lost(&mut self, error: &ConnectionError, connected: bool) -> Option<String> {
        if let ConnectionError::ConnectionRefused(_) = error {
            self.identity.refused();
        }
        self.guide.as_ref()?;
        self.known = connected;
        let ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) = error
        else {
            return None;
        };
        Some(
            "the broker refuses the user and password that the Supervisor gave: asking it again; \
             if this lasts, restart the broker's app"
                .to_owned(),
        )
    }
}

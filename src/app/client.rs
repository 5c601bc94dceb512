//! `toys`, `set`, `stop` and `dashboard`: asks the running bridge over MQTT, as anybody could.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::config::Loaded;
use crate::config::types::ToyRef;
use crate::domain::{Level, SetCommand, Target, ToyId};
use crate::mqtt::{Event, Message, Options, Session, Topics};

use super::compose::{self, StartError};

/// Why the bridge could not be asked, or did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The settings do not lead to a broker.
    #[error(transparent)]
    Settings(#[from] StartError),
    /// The broker.
    #[error("{0}")]
    Broker(String),
    /// The broker is there, the bridge is not.
    #[error("no bridge answers at {base:?}: is `toy2mqtt run` running, with the same base topic?")]
    NoBridge {
        /// The base topic.
        base: String,
    },
    /// Nobody of that name.
    #[error("no toy or group is called {0}; `toy2mqtt toys` lists them")]
    Unknown(String),
    /// The bridge refused.
    #[error("{message}")]
    Refused {
        /// The error code of the result.
        code: String,
        /// In words.
        message: String,
    },
    /// There is nothing to make a dashboard of.
    #[error("Home Assistant is told nothing of the toys: switch home_assistant.discovery on")]
    NoDiscovery,
    /// No answer in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
}

/// A toy as the bridge lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: ToyId,
    /// What it is called.
    pub name: String,
    /// Whether it can be used.
    pub available: bool,
    /// Everything.
    pub details: Value,
}

/// A connection to the bridge, by way of the broker.
pub struct Client {
    session: Session,
    events: mpsc::Receiver<Event>,
    topics: Topics,
    patience: Duration,
    /// Tells our requests from others'.
    id: String,
    /// The newest `bridge/info`.
    info: Value,
}

impl Client {
    /// Connects to the broker of these settings.
    ///
    /// # Errors
    /// No broker there, or it does not let us in.
    pub async fn connect(loaded: &Loaded, patience: Duration) -> Result<Self, ClientError> {
        Self::hearing(loaded, patience, Vec::new()).await
    }

    /// Connects, and hears what these filters let through, too.
    ///
    /// # Errors
    /// No broker there, or it does not let us in.
    pub(super) async fn hearing(
        loaded: &Loaded,
        patience: Duration,
        more: Vec<String>,
    ) -> Result<Self, ClientError> {
        let topics = compose::topics(&loaded.config)?;
        let id = format!("cli-{}", std::process::id());
        let base = topics.base();
        let mut filters = vec![
            format!("{base}/+/result"),
            format!("{base}/bridge/response/+"),
            topics.bridge_event(),
            topics.bridge_info(),
        ];
        filters.extend(more);
        let options = Options {
            client_id: format!("{}-{id}", base.replace('/', "-")),
            filters,
            ..compose::broker(loaded)?
        };
        let (session, mut events, _) = Session::start(&options);
        let connected = async {
            let mut last = "no answer from the broker".to_owned();
            while let Some(event) = events.recv().await {
                match event {
                    Event::Up => return Ok(()),
                    Event::Down(reason) => {
                        last = reason;
                        break;
                    }
                    Event::Denied { .. } | Event::TakenOver | Event::Message(_) => {}
                }
            }
            Err(ClientError::Broker(last))
        };
        match tokio::time::timeout(patience, connected).await {
            Ok(Ok(())) => Ok(Self {
                session,
                events,
                topics,
                patience,
                id,
                info: Value::Null,
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ClientError::Broker(format!(
                "the broker does not answer within {}",
                humantime::format_duration(patience)
            ))),
        }
    }

    /// Says goodbye to the broker.
    pub async fn close(self) {
        drop(self.events);
        self.session.close(Duration::from_millis(500)).await;
    }

    /// All toys that the bridge knows.
    ///
    /// # Errors
    /// No bridge there.
    pub async fn toys(&mut self) -> Result<Vec<Listed>, ClientError> {
        let response = self.ask_for_toys();
        let toys = self
            .wait(|topic, value| response.is_in(topic, value).then(|| response.toys(value)))
            .await;
        match toys {
            Err(ClientError::Timeout(_)) => Err(self.no_bridge()),
            other => other,
        }
    }

    /// Asks which toys there are. The answer has to be waited for.
    pub(super) fn ask_for_toys(&self) -> Response {
        let payload = json!({ "transaction": self.id });
        self.send(&self.topics.bridge_request("toys"), &payload);
        Response {
            topic: self.topics.bridge_response("toys"),
            transaction: self.id.clone(),
        }
    }

    pub(super) fn no_bridge(&self) -> ClientError {
        let base = self.topics.base().to_owned();
        ClientError::NoBridge { base }
    }

    /// How the bridge's backends are: by name, as in `bridge/info`.
    ///
    /// # Errors
    /// No bridge there.
    pub async fn backends(&mut self) -> Result<Value, ClientError> {
        let payload = json!({ "transaction": self.id });
        let request = self.topics.bridge_request("diagnostics");
        self.send(&request, &payload);
        let response = self.topics.bridge_response("diagnostics");
        let id = self.id.clone();
        let answered = |topic: &str, value: &Value| {
            let mine = topic == response && value["transaction"] == *id;
            mine.then(|| value["data"]["info"]["backends"].clone())
        };
        let mut backends = self.wait(answered).await?;
        // What is shown to others does not say how a backend can be let in.
        for (name, backend) in backends.as_object_mut().into_iter().flatten() {
            let published = &self.info["backends"][name];
            if published["state"] == backend["state"] {
                backend["last_error"] = published["last_error"].clone();
            }
        }
        Ok(backends)
    }

    /// Sets outputs, and waits until the toy has accepted it. Returns the results.
    ///
    /// # Errors
    /// No such toy, no bridge, or it was refused.
    pub async fn set(
        &mut self,
        toy: &ToyRef,
        command: &SetCommand,
    ) -> Result<Vec<Value>, ClientError> {
        let toys = self.toys().await?;
        let target = target(toy, &toys)?;
        let answers = match &target {
            Target::Toy(_) => 1,
            // How many there are in a group, only the bridge knows: the first answer has to do.
            Target::Group(_) | Target::All => 1,
        };
        let topic = self.topics.set(&target);
        self.send(&topic, &payload(command, &self.id));
        self.results(answers).await
    }

    /// Stops one toy, or all, and waits until they have stopped. Returns the results.
    ///
    /// # Errors
    /// No such toy, no bridge, or it does not stop.
    pub async fn stop(&mut self, toy: Option<&ToyRef>) -> Result<Vec<Value>, ClientError> {
        let payload = json!({ "id": self.id });
        let Some(toy) = toy else {
            // First the stop, then the questions.
            let topic = self.topics.bridge_stop();
            self.send(&topic, &payload);
            let toys = self.toys_beside_results().await?;
            return Ok(toys);
        };
        let toys = self.toys().await?;
        let target = target(toy, &toys)?;
        let topic = self.topics.stop(&target);
        self.send(&topic, &payload);
        self.results(1).await
    }

    /// Waits for the result of every toy that is there, while asking which those are.
    async fn toys_beside_results(&mut self) -> Result<Vec<Value>, ClientError> {
        let response = self.ask_for_toys();
        let id = self.id.clone();
        let mut results = Vec::new();
        let mut expected = None;
        while expected.is_none_or(|count| results.len() < count) {
            let message = self
                .wait(|topic, value| {
                    let listed = response.is_in(topic, value);
                    let result = topic.ends_with("/result") && value["id"] == *id;
                    (listed || result).then(|| (listed, value.clone()))
                })
                .await;
            match message {
                Ok((true, value)) => {
                    let toys = response.toys(&value);
                    expected = Some(toys.iter().filter(|toy| toy.available).count());
                }
                Ok((false, value)) => results.push(checked(value)?),
                Err(ClientError::Timeout(_)) if expected.is_none() => {
                    return Err(self.no_bridge());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    async fn results(&mut self, count: usize) -> Result<Vec<Value>, ClientError> {
        let id = self.id.clone();
        let event_topic = self.topics.bridge_event();
        let mut results = Vec::new();
        while results.len() < count {
            let value = self
                .wait(|topic, value| {
                    let result = topic.ends_with("/result") && value["id"] == *id;
                    let refused = topic == event_topic && value["event_type"] == "command_rejected";
                    (result || refused).then(|| value.clone())
                })
                .await?;
            if value["event_type"] == "command_rejected" {
                return Err(ClientError::Refused {
                    code: text(&value["reason"]),
                    message: text(&value["message"]),
                });
            }
            results.push(checked(value)?);
        }
        Ok(results)
    }

    fn send(&self, topic: &str, payload: &Value) {
        let payload = payload.to_string();
        self.session
            .publisher()
            .emit_acknowledged(topic, payload.as_bytes());
    }

    /// Waits for a message that `pick` takes something from.
    pub(super) async fn wait<T>(
        &mut self,
        mut pick: impl FnMut(&str, &Value) -> Option<T>,
    ) -> Result<T, ClientError> {
        let (info, info_topic) = (&mut self.info, self.topics.bridge_info());
        let wanted = async {
            while let Some(event) = self.events.recv().await {
                match event {
                    Event::Message(Message { topic, payload, .. }) => {
                        let value = serde_json::from_slice(&payload).unwrap_or(Value::Null);
                        if let Some(picked) = pick(&topic, &value) {
                            return Ok(picked);
                        }
                        if topic == info_topic {
                            *info = value;
                        }
                    }
                    Event::Down(reason) => return Err(ClientError::Broker(reason)),
                    Event::Up | Event::Denied { .. } | Event::TakenOver => {}
                }
            }
            Err(ClientError::Broker("the connection has ended".to_owned()))
        };
        match tokio::time::timeout(self.patience, wanted).await {
            Ok(result) => result,
            Err(_) => Err(ClientError::Timeout(self.patience)),
        }
    }
}

/// The answer to a question about toys, as it will come.
pub(super) struct Response {
    topic: String,
    transaction: String,
}

impl Response {
    /// Whether this is it.
    pub(super) fn is_in(&self, topic: &str, value: &Value) -> bool {
        topic == self.topic && value["transaction"] == *self.transaction
    }

    /// What it says.
    pub(super) fn toys(&self, value: &Value) -> Vec<Listed> {
        let toys = value["data"]["toys"].as_array().into_iter().flatten();
        toys.filter_map(listed).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A result that says that it was done.
fn checked(result: Value) -> Result<Value, ClientError> {
    if result["ok"] == true {
        return Ok(result);
    }
    Err(ClientError::Refused {
        code: text(&result["error"]["code"]),
        message: text(&result["error"]["message"]),
    })
}

fn listed(details: &Value) -> Option<Listed> {
    Some(Listed {
        id: details["id"].as_str()?.parse().ok()?,
        name: text(&details["name"]),
        available: details["state"]["available"] == true,
        details: details.clone(),
    })
}

/// Whom the user means. A name that is no toy's may be a group's: the bridge knows.
fn target(toy: &ToyRef, toys: &[Listed]) -> Result<Target, ClientError> {
    let unknown = || ClientError::Unknown(toy.to_string());
    let id = match toy {
        ToyRef::Id(id) => Some(*id),
        ToyRef::Address(address) => Some(address.toy()),
        ToyRef::Name(name) => {
            let mut named = toys
                .iter()
                .filter(|toy| toy.name.eq_ignore_ascii_case(name));
            match (named.next(), named.next()) {
                (Some(_), Some(_)) => {
                    return Err(ClientError::Unknown(format!(
                        "{name:?} alone: several are, so use an id"
                    )));
                }
                (Some(toy), None) => Some(toy.id),
                (None, _) => {
                    return match name.as_str() {
                        "all" => Ok(Target::All),
                        name if Topics::is_group_name(name) => Ok(Target::Group(name.to_owned())),
                        _ => Err(unknown()),
                    };
                }
            }
        }
    };
    let known = id.filter(|id| toys.iter().any(|toy| toy.id == *id));
    known.map(Target::Toy).ok_or_else(unknown)
}

/// The payload of a `set` topic.
fn payload(command: &SetCommand, id: &str) -> Value {
    let percent = |level: &Level| json!(level.percent());
    let mut payload = Map::new();
    for (key, level) in &command.levels {
        payload.insert(key.to_string(), percent(level));
    }
    if let Some(brightness) = &command.brightness {
        payload.insert("brightness".into(), percent(brightness));
    }
    let durations = [
        ("transition", command.transition),
        ("for", command.hold),
        ("pause", command.pause),
    ];
    for (key, duration) in durations {
        if let Some(duration) = duration {
            let duration = humantime::format_duration(duration).to_string();
            payload.insert(key.into(), duration.into());
        }
    }
    if let Some(repeat) = command.repeat {
        payload.insert("repeat".into(), repeat.into());
    }
    payload.insert("id".into(), id.into());
    Value::Object(payload)
}

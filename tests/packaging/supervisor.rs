//! The program as an app of Home Assistant, with a made-up Supervisor that answers like the real one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::program::{Running, program};
use crate::shared::mosquitto::{Mosquitto, Setup};
use crate::shared::soon;

const TOKEN: &str = "5up3rv150r";

/// What it says when asked for the broker.
#[derive(Clone)]
enum Service {
    None,
    At(SocketAddr, &'static str, &'static str),
}

struct Supervisor {
    addr: SocketAddr,
    service: Arc<Mutex<Service>>,
    asked: watch::Receiver<usize>,
    _serving: JoinSet<()>,
}

impl Supervisor {
    async fn start(service: Service) -> Self {
        let service = Arc::new(Mutex::new(service));
        let (counter, asked) = watch::channel(0);
        let told = Arc::clone(&service);
        let answer = async move |headers: HeaderMap| {
            counter.send_modify(|count| *count += 1);
            answer(&headers, &told.lock().unwrap())
        };
        let router = Router::new().route("/services/mqtt", get(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            addr,
            service,
            asked,
            _serving: serving,
        }
    }

    fn says(&self, service: Service) {
        *self.service.lock().unwrap() = service;
    }

    fn times_asked(&self) -> usize {
        *self.asked.borrow()
    }

    async fn was_asked(&self, times: usize) {
        let mut asked = self.asked.clone();
        let waiting = asked.wait_for(|count| *count >= times);
        soon("the Supervisor to be asked", waiting).await.unwrap();
    }
}

fn answer(headers: &HeaderMap, service: &Service) -> (StatusCode, Json<Value>) {
    let error =
        |status, message: &str| (status, Json(json!({"result": "error", "message": message})));
    if headers.get("authorization").map(|value| value.as_bytes())
        != Some(format!("Bearer {TOKEN}").as_bytes())
    {
        return error(StatusCode::UNAUTHORIZED, "");
    }
    match service {
        Service::None => error(StatusCode::BAD_REQUEST, "Service not enabled"),
        Service::At(addr, username, password) => (
            StatusCode::OK,
            Json(json!({"result": "ok", "data": {
                "addon": "core_mosquitto",
                "host": addr.ip().to_string(),
                "port": addr.port().to_string(),
                "ssl": false,
                "username": username,
                "password": password,
                "protocol": "3.1.1",
            }})),
        ),
    }
}

async fn broker() -> Mosquitto {
    let users = [("addons", "0815"), ("own", "4711"), ("watcher", "1234")];
    let users = users.map(|(user, password)| (user.to_owned(), password.to_owned()));
    Mosquitto::start(&Setup {
        users: users.to_vec(),
        ..Setup::default()
    })
    .await
}

/// Starts the program as the app's image does.
fn start(supervisor: &Supervisor, folder: &Path, options: &Value) -> Running {
    let file = folder.join("options.json");
    std::fs::write(&file, options.to_string()).unwrap();
    let child = program()
        .arg("run")
        .current_dir(folder)
        .env("TOY2MQTT_ADDON_OPTIONS", file)
        .env("TOY2MQTT_DATA_DIR", folder)
        .env("SUPERVISOR", supervisor.addr.to_string())
        .env("SUPERVISOR_TOKEN", TOKEN)
        .spawn();
    Running(child.unwrap())
}

async fn is_online(broker: &Mosquitto) {
    let mut watcher = broker.client_as("watcher", "watcher", "1234").await;
    assert!(watcher.subscribe("toy2mqtt/bridge/state").await);
    let online = watcher.wait_for("toy2mqtt/bridge/state", |seen| seen.text() == "online");
    online.await;
    watcher.disconnect().await;
}

#[tokio::test]
async fn the_broker_is_found_when_it_comes_and_again_with_its_new_password() {
    let mut broker = broker().await;
    let supervisor = Supervisor::start(Service::None).await;
    let folder = tempfile::tempdir().unwrap();
    let _bridge = start(
        &supervisor,
        folder.path(),
        &json!({"mqtt": {}, "lovense_lan": []}),
    );
    // The broker's app has not started yet.
    supervisor.was_asked(3).await;
    // A password that is not the right one any more.
    supervisor.says(Service::At(broker.addr, "addons", "old"));
    supervisor.was_asked(supervisor.times_asked() + 3).await;
    supervisor.says(Service::At(broker.addr, "addons", "0815"));
    is_online(&broker).await;
    // A restart of the broker needs no Supervisor as long as the old way leads there.
    broker.restart();
    is_online(&broker).await;
}

#[tokio::test]
async fn a_broker_named_by_hand_wins() {
    let broker = broker().await;
    let supervisor = Supervisor::start(Service::At(broker.addr, "addons", "wrong")).await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("mqtt://{}", broker.addr);
    let options = json!({"mqtt": {"url": url, "username": "own", "password": "4711"}});
    let _bridge = start(&supervisor, folder.path(), &options);
    is_online(&broker).await;
    assert_eq!(supervisor.times_asked(), 0);
}

#[tokio::test]
async fn a_user_named_by_hand_wins_at_the_supervisors_broker() {
    let broker = broker().await;
    let supervisor = Supervisor::start(Service::At(broker.addr, "addons", "wrong")).await;
    let folder = tempfile::tempdir().unwrap();
    let options = json!({"mqtt": {"username": "own", "password": "4711"}});
    let _bridge = start(&supervisor, folder.path(), &options);
    is_online(&broker).await;
}

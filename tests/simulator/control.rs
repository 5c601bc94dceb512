//! `sim::run` and its control surface.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use toy2mqtt::sim::{SimulateError, SimulateOptions, run};

use crate::support::{DEADLINE, EDGE, client, function, options};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

struct Running {
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), SimulateError>>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Running {
    fn start() -> Self {
        let (sender, lines) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let options = SimulateOptions {
            app: options(),
            listen: ANY_PORT,
            control: Some(ANY_PORT),
        };
        let out = move |line| {
            let _ = sender.send(line);
        };
        let ended = tokio::spawn(run(options, shutdown.clone(), out));
        Self {
            shutdown,
            ended,
            lines,
        }
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.lines.recv()).await;
        line.expect("a line in time").expect("it runs")
    }

    /// The rest of the next line, which starts with this word.
    async fn told(&mut self, word: &str) -> String {
        let line = self.line().await;
        line.strip_prefix(word).expect(&line).trim().to_owned()
    }
}

async fn post(url: &str, body: &Value) -> (u16, Value) {
    let request = client().post(url).json(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

#[tokio::test]
async fn a_simulation_tells_what_happens_and_can_be_disturbed() {
    let mut running = Running::start();
    let app = running.told("app").await;
    assert!(running.told("events").await.ends_with("/v1"));
    let control = running.told("control").await;
    assert_eq!(running.told("toy").await, format!("{EDGE} Edge 2"));
    running.told("toy").await;
    running.told("toy").await;

    assert_eq!(post(&app, &function(EDGE, "Vibrate1:9", 0.0)).await.0, 200);
    let line = running.line().await;
    let told = format!("{EDGE} Vibrate1 0 -> 9 (command 1)");
    assert!(line.ends_with(&told), "{line}");

    let fault = format!("{control}/fault");
    let (status, faults) = post(&fault, &json!({"answer": {"what": {"code": 402}}})).await;
    assert_eq!(
        (status, &faults["answer"]["what"]["code"]),
        (200, &json!(402))
    );
    let refused = post(&app, &function(EDGE, "Vibrate1:3", 0.0)).await.1;
    assert_eq!(refused["code"], 402);
    let (status, error) = post(&fault, &json!({"anwser": null})).await;
    assert_eq!(status, 400);
    assert!(error["error"].as_str().unwrap().contains("anwser"));
    assert_eq!(client().delete(&fault).send().await.unwrap().status(), 200);

    let toy = |what: &str| format!("{control}/toy/{EDGE}/{what}");
    let (status, _) = post(&toy("toy-status"), &json!({"connected": false})).await;
    assert_eq!(status, 200);
    let line = running.line().await;
    assert!(line.ends_with("Vibrate1 9 -> 0 (unplugged)"), "{line}");
    let state = client().get(&control).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["toys"][0]["connected"], false);
    assert_eq!(state["requests"]["function"], 2);

    for (what, body, expected) in [
        ("button-pressed", json!({"index": 1}), 200),
        ("shake", json!({}), 200),
        ("shake-frequency-changed", json!({"value": 2.5}), 200),
        ("depth-changed", json!({"value": 5}), 200),
        (
            "motion-changed",
            json!({"motionData": [{"direction": 1, "speed": 3}]}),
            200,
        ),
        ("battery-changed", json!({"value": 33}), 200),
        ("rename", json!({"nickname": "x"}), 200),
        (
            "fault",
            json!({"effect_latency": {"min_ms": 1, "max_ms": 2}}),
            200,
        ),
        ("battery-changed", json!({"value": 101}), 400),
        ("depth-changed", json!({"value": "deep"}), 400),
        ("button-down", json!({"index": -1}), 400),
        (
            "function-strength-changed",
            json!({"function": "Wobble", "value": 1}),
            400,
        ),
        (
            "function-strength-changed",
            json!({"function": "Rotate", "value": 1}),
            404,
        ),
        ("fault", json!({"nonsense": 1}), 400),
        ("explode", json!({}), 404),
    ] {
        assert_eq!(post(&toy(what), &body).await.0, expected, "{what} {body}");
    }
    let nobody = format!("{control}/toy/nobody/shake");
    assert_eq!(post(&nobody, &json!({})).await.0, 404);

    assert_eq!(
        post(&format!("{control}/app/gone"), &json!({})).await.0,
        200
    );
    let body = json!({"command": "GetToys"});
    assert!(client().post(&app).json(&body).send().await.is_err());
    assert_eq!(
        post(&format!("{control}/app/back"), &json!({})).await.0,
        200
    );
    assert_eq!(post(&app, &body).await.1["code"], 200);

    let url = format!("{control}/toy/{EDGE}");
    assert_eq!(client().delete(url).send().await.unwrap().status(), 200);
    let gone = post(&app, &function(EDGE, "Vibrate1:3", 0.0)).await.1;
    assert_eq!(gone["code"], 401);

    running.shutdown.cancel();
    let ended = tokio::time::timeout(DEADLINE, running.ended).await;
    assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
    assert!(client().post(&app).json(&body).send().await.is_err());
    assert!(client().get(&control).send().await.is_err());
}

#[tokio::test]
async fn the_control_surface_stays_on_this_machine() {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let options = SimulateOptions {
        app: options(),
        listen: ANY_PORT,
        control: Some(everywhere),
    };
    let refused = run(options, CancellationToken::new(), |_| {}).await;
    assert!(matches!(refused, Err(SimulateError::NotLoopback(_))));
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let taken = tokio::net::TcpListener::bind(ANY_PORT).await.unwrap();
    let options = SimulateOptions {
        app: options(),
        listen: taken.local_addr().unwrap(),
        control: None,
    };
    let refused = run(options, CancellationToken::new(), |_| {}).await;
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains(&taken.local_addr().unwrap().to_string()),
        "{error}"
    );
}

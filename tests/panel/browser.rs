//! A real Chromium, driven over the DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as Turn, MutexGuard, oneshot};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::soon;

/// With this in the environment nothing is skipped.
const REQUIRED: &str = "TOY2MQTT_REQUIRE_BROWSER";

/// Names of the program, the first that is there.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Browsers take turns: what is measured here is the panel, not how many browsers a machine can run.
static TURN: Turn<()> = Turn::const_new(());

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;
type Told = Arc<Mutex<Vec<Value>>>;
type Sink = SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>;

/// A running browser. Dropping it ends it.
pub(crate) struct Browser {
    _child: Child,
    _folder: TempDir,
    _tasks: JoinSet<()>,
    _turn: MutexGuard<'static, ()>,
    link: Arc<Link>,
}

struct Link {
    sink: Turn<Sink>,
    waiting: Waiting,
    told: Told,
    next: AtomicU64,
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| {
        let files = folders.iter().map(|folder| folder.join(name));
        files.into_iter().find(|file| file.is_file())
    })
}

impl Browser {
    /// Starts one, when it is its turn. `None` if there is none on this machine, which is said.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = program() else {
            let required = std::env::var_os(REQUIRED).is_some();
            assert!(!required, "no Chromium found, and {REQUIRED} is set");
            eprintln!("SKIPPED: no Chromium found; on Debian: apt-get install chromium");
            return None;
        };
        let turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(["--headless=new", "--disable-gpu", "--no-first-run"])
            // A container's root may not make the sandbox; only our own pages are opened.
            .args([
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--disable-background-networking", "--disable-extensions"])
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return address.to_owned();
                }
            }
            panic!("the browser ended");
        };
        let address = soon("the browser", address).await;
        let (socket, _) = connect_async(address).await.unwrap();
        let (sink, mut stream) = socket.split();
        let (waiting, told) = (Waiting::default(), Told::default());
        let mut tasks = JoinSet::new();
        // Whoever writes to a pipe that nobody reads stands still.
        tasks.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (answered, heard) = (Arc::clone(&waiting), Arc::clone(&told));
        tasks.spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Ok(text) = message.into_text() else {
                    continue;
                };
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                match message["id"].as_u64() {
                    Some(id) => {
                        let waiting = answered.lock().unwrap().remove(&id);
                        // Whoever asked may have given up.
                        let _ = waiting.map(|waiting| waiting.send(message));
                    }
                    None => heard.lock().unwrap().push(message),
                }
            }
        });
        Some(Self {
            _child: child,
            _folder: folder,
            _tasks: tasks,
            _turn: turn,
            link: Arc::new(Link {
                sink: Turn::new(sink),
                waiting,
                told,
                next: AtomicU64::new(1),
            }),
        })
    }

    /// Opens a tab: 1280 × 800 for a mouse, or 390 × 844 for fingers.
    pub(crate) async fn tab(&self, phone: bool) -> Tab {
        let (width, height) = if phone { (390, 844) } else { (1280, 800) };
        self.sized_tab(phone, width, height).await
    }

    /// Opens a tab of this size, for fingers if it is a phone's.
    pub(crate) async fn sized_tab(&self, phone: bool, width: u32, height: u32) -> Tab {
        // A window of its own: what is behind another one counts as hidden, and stands still.
        let target = json!({"url": "about:blank", "newWindow": true});
        let target = self.link.ask(None, "Target.createTarget", target).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.link.ask(None, "Target.attachToTarget", attach).await;
        let tab = Tab {
            link: Arc::clone(&self.link),
            session: session["sessionId"].as_str().unwrap().to_owned(),
        };
        for domain in ["Page", "Runtime", "Log"] {
            tab.ask(&format!("{domain}.enable"), json!({})).await;
        }
        let focus = json!({"enabled": true});
        tab.ask("Emulation.setFocusEmulationEnabled", focus).await;
        tab.resize(phone, width, height).await;
        if phone {
            let touch = json!({"enabled": true, "maxTouchPoints": 1});
            tab.ask("Emulation.setTouchEmulationEnabled", touch).await;
        }
        tab
    }
}

impl Link {
    async fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, sender);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let text = Message::text(message.to_string());
        self.sink.lock().await.send(text).await.unwrap();
        let what: String = message.to_string().chars().take(300).collect();
        let answer = soon(&what, answer).await.unwrap();
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }
}

/// One tab.
pub(crate) struct Tab {
    link: Arc<Link>,
    session: String,
}

impl Tab {
    /// Sends a command of the protocol.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.link.ask(Some(&self.session), method, params).await
    }

    /// Goes to an address. What runs in the page at its very beginning can be given.
    pub(crate) async fn open(&self, address: &str) {
        let went = self.ask("Page.navigate", json!({ "url": address })).await;
        assert!(went["errorText"].is_null(), "{address}: {went}");
    }

    /// Runs this in every page from now on, before anything of its own.
    pub(crate) async fn always(&self, script: &str) {
        let source = json!({ "source": script });
        self.ask("Page.addScriptToEvaluateOnNewDocument", source)
            .await;
    }

    /// The value of an expression; a promise is waited for.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let result = self.ask("Runtime.evaluate", params).await;
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true. It is looked at again whenever the page may have changed.
    pub(crate) async fn until(&self, condition: &str) -> Value {
        let wait = format!(
            "new Promise((found) => {{ const look = () => {{ let now; try {{ now = {condition}; }} \
             catch {{ now = false; }} now ? found(now) : setTimeout(look, 10); }}; look(); }})"
        );
        soon(condition, self.eval(&wait)).await
    }

    /// Waits until this is shown.
    pub(crate) async fn shows(&self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?}) !== null"))
            .await;
    }

    /// Presses a key.
    pub(crate) async fn key(&self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let code = json!({"type": kind, "key": key, "code": key});
            self.ask("Input.dispatchKeyEvent", code).await;
        }
    }

    /// The middle of what a selector finds, scrolled into view: x, y and half the width.
    pub(crate) async fn place(&self, selector: &str) -> (f64, f64, f64) {
        self.shows(selector).await;
        let place = self
            .eval(&format!(
                "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center'}}); \
                 const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2, r.width / 2]; }})()"
            ))
            .await;
        let number = |index: usize| place[index].as_f64().unwrap();
        (number(0), number(1), number(2))
    }

    /// Presses, moves or releases the mouse.
    pub(crate) async fn mouse(&self, kind: &str, x: f64, y: f64) {
        let event = json!({
            "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1,
            "buttons": i32::from(kind != "mouseReleased"),
        });
        self.ask("Input.dispatchMouseEvent", event).await;
    }

    /// Clicks.
    pub(crate) async fn click(&self, selector: &str) {
        let (x, y, _) = self.place(selector).await;
        self.mouse("mousePressed", x, y).await;
        self.mouse("mouseReleased", x, y).await;
    }

    /// Where the knob of a slider is at a share of its length, and how high.
    pub(crate) async fn rail(&self, selector: &str) -> (impl Fn(f64) -> f64 + use<>, f64) {
        let (x, y, half) = self.place(selector).await;
        let reach = half - 13.0;
        (move |share: f64| x - reach + 2.0 * reach * share, y)
    }

    /// Drags the knob of a slider from its left end to a share of its length, in many steps.
    pub(crate) async fn drag(&self, selector: &str, to: f64, touch: bool) {
        let (at, y) = self.rail(selector).await;
        let steps = 40;
        let points = (0..=steps).map(|step| at(to * f64::from(step) / f64::from(steps)));
        if touch {
            self.finger("touchStart", Some((at(0.0), y))).await;
            for x in points {
                self.finger("touchMove", Some((x, y))).await;
            }
            self.finger("touchEnd", None).await;
        } else {
            self.mouse("mousePressed", at(0.0), y).await;
            for x in points {
                self.mouse("mouseMoved", x, y).await;
            }
            self.mouse("mouseReleased", at(to), y).await;
        }
    }

    /// Puts a finger down, moves it, lifts it, or has it taken away.
    pub(crate) async fn finger(&self, kind: &str, at: Option<(f64, f64)>) {
        let points: Vec<Value> = at.iter().map(|(x, y)| json!({"x": x, "y": y})).collect();
        let event = json!({"type": kind, "touchPoints": points});
        self.ask("Input.dispatchTouchEvent", event).await;
    }

    /// Puts a finger down and moves it in steps; it stays there.
    pub(crate) async fn slide(&self, from: (f64, f64), to: (f64, f64), steps: u32) {
        self.finger("touchStart", Some(from)).await;
        self.slide_on(from, to, steps).await;
    }

    /// Moves a finger that is down, in steps.
    pub(crate) async fn slide_on(&self, from: (f64, f64), to: (f64, f64), steps: u32) {
        for step in 1..=steps {
            let share = f64::from(step) / f64::from(steps);
            let x = from.0 + (to.0 - from.0) * share;
            let y = from.1 + (to.1 - from.1) * share;
            self.finger("touchMove", Some((x, y))).await;
        }
    }

    /// Taps with a finger.
    pub(crate) async fn tap(&self, at: (f64, f64)) {
        self.finger("touchStart", Some(at)).await;
        self.finger("touchEnd", None).await;
    }

    /// Taps on what a selector finds.
    pub(crate) async fn tap_on(&self, selector: &str) {
        let (x, y, _) = self.place(selector).await;
        self.tap((x, y)).await;
    }

    /// Gives the page another size.
    pub(crate) async fn resize(&self, phone: bool, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone,
        });
        self.ask("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// A picture of what is shown.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let format = json!({"format": "webp", "quality": 82});
        let picture = self.ask("Page.captureScreenshot", format).await;
        BASE64_STANDARD
            .decode(picture["data"].as_str().unwrap())
            .unwrap()
    }

    /// What the console complained about.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let told = self.link.told.lock().unwrap();
        let own = told
            .iter()
            .filter(|told| told["sessionId"] == self.session.as_str());
        own.filter_map(|told| {
            let params = &told["params"];
            match told["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled"
                    if params["type"] == "error" || params["type"] == "warning" =>
                {
                    Some(params["args"].to_string())
                }
                "Log.entryAdded" => Some(params["entry"].to_string()),
                _ => None,
            }
        })
        .collect()
    }
}

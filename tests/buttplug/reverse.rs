//! The server connects to the bridge.

use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::shared::mosquitto::free_port;
use crate::shared::soon;
use crate::toys::Toy;

#[tokio::test]
async fn a_server_that_dials_the_bridge_is_used_and_strangers_are_not() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let settings = format!("listen = \"{address}\"\ntoken = \"secret-of-mine\"");
    let rig = Rig::start(&[settings]).await;
    let connect = async || loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    for (path, origin) in [
        ("", None),
        ("wrong", None),
        ("secret-of-mine", Some("http://a.page")),
    ] {
        let stream = soon("the bridge's port", connect()).await;
        let url = format!("ws://{address}/{path}");
        let mut request = url.into_client_request().unwrap();
        if let Some(origin) = origin {
            let value = HeaderValue::from_static(origin);
            request.headers_mut().insert("origin", value);
        }
        let refused = soon("a refusal", client_async(request, stream)).await;
        assert!(refused.is_err(), "{path} {origin:?}");
    }

    let mut engine = Engine::idle(Setup::default());
    let lush = Toy::new("S", "0a0a0a0a0a0a");
    engine.air.plug(&lush).await;
    let url = format!("ws://{address}/secret-of-mine");
    engine.dial(url.clone(), address);
    let id = known(0, "Lovense Lush");
    rig.available(&id, true).await;
    rig.set(&id, json!({"vibrate": 50})).await;
    lush.told("Vibrate:10;").await;

    let mark = rig.home.mark();
    engine.stop().await;
    rig.event(mark, "toy_removed", &id).await;
    lush.told("Vibrate:0;").await;
    let mark = rig.home.mark();
    engine.dial(url, address);
    rig.event(mark, "toy_added", &id).await;
    rig.set(&id, json!({"vibrate": 5})).await;
    lush.told("Vibrate:1;").await;
}

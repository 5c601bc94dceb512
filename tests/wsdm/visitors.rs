//! Who may come in: tokens and web pages.

use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use toy2mqtt::backend::Token;
use toy2mqtt::backend::wsdm::Options;
use toy2mqtt::sim::text_toy::TextToySpec;

use crate::rig::{Rig, options};
use crate::shared::soon;
use crate::shared::websocket_toy::WebsocketToy;

/// The status of the answer to a request with this header; 101 if it was let in.
async fn status(url: &str, header: Option<(&'static str, &str)>) -> u16 {
    let mut request = url.into_client_request().unwrap();
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    match soon("an answer", connect_async(request)).await {
        Ok((_, answer)) => answer.status().as_u16(),
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_keeps_strangers_out() {
    let mut rig = Rig::start(Options {
        token: Some(Token::new("sesame-is-open")),
        ..options()
    });
    let url = rig.url().await;
    assert_eq!(status(&url, None).await, 401);
    assert_eq!(status(&format!("{url}/sesame"), None).await, 401);
    let wrong = ("authorization", "Bearer sesame");
    assert_eq!(status(&url, Some(wrong)).await, 401);
    let right = ("authorization", "Bearer sesame-is-open");
    assert_eq!(status(&url, Some(right)).await, 101);
    // With the token even a page may come in.
    let url = format!("{url}/sesame-is-open");
    let page = ("origin", "https://a.page");
    assert_eq!(status(&url, Some(page)).await, 101);
    let (_toy, _) = WebsocketToy::simulated(&url, TextToySpec::new("S", "f082c00246fa")).await;
    rig.up("f082c00246fa").await;
}

#[tokio::test]
async fn pages_of_others_stay_out_where_no_token_is_asked_for() {
    let rig = Rig::start(options());
    let url = rig.url().await;
    assert_eq!(status(&format!("{url}/any/path?at=all"), None).await, 101);
    for (origin, expected) in [
        ("https://a.page", 403),
        ("null", 403),
        ("http://127.0.0.1:8080", 101),
        ("file://", 101),
    ] {
        assert_eq!(
            status(&url, Some(("origin", origin))).await,
            expected,
            "{origin}"
        );
    }
}

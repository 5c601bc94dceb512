//! Many toys and many requests at a time.

use serde_json::json;
use tokio::task::JoinSet;
use toy2mqtt::sim::lovense_app::{AppOptions, LovenseApp, ToySpec};

use crate::support::{Events, client, function, patient, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_toys_under_load_keep_their_order() {
    const CLIENTS: usize = 20;
    const REQUESTS: usize = 100;
    let app = LovenseApp::start_local(AppOptions {
        keep_requests: 0,
        ..patient((0..1_000).map(|_| ToySpec::new("Edge 2")))
    })
    .await
    .unwrap();
    let ids = app.ids();
    let mut events = Events::granted(&app).await;
    let client = client();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (app, client, id) = (app.clone(), client.clone(), ids[number / 2].clone());
        clients.spawn(async move {
            for level in 0..REQUESTS {
                let body = function(&id, &format!("Vibrate:{}", level % 21), 5.0);
                let request = client.post(app.command_url()).json(&body);
                let answer = request.send().await.unwrap().text().await.unwrap();
                assert_eq!(answer, r#"{"code":200,"type":"ok"}"#);
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    // Two clients for each toy, at the same time: what is received first is done first.
    for id in &ids {
        assert_eq!(app.timeline(id).inversions(), 0);
    }
    assert_eq!(app.counts().answered(200), (CLIENTS * REQUESTS) as u64);
    assert_eq!(app.requests(), []);

    let all = json!({"command": "Function", "action": "Vibrate:20", "timeSec": 1});
    let request = client.post(app.command_url()).json(&all);
    request.send().await.unwrap();
    assert!(app.toys().iter().all(|toy| toy.is_running()));
    wait(&app, "a thousand leases", |app| app.all_zero()).await;
    for id in &ids {
        app.set_connected(id, false).unwrap();
    }
    for id in &ids {
        assert_eq!(events.json().await["toyId"], id.as_str());
    }
}

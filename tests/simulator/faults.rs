//! What can go wrong with answers, toys and the app as a whole.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AnswerFault, AppHandle, RequestKind, Wrong};

use crate::support::{EDGE, Events, MAX, app, client, code, function, send, wait};

fn spoil(app: &AppHandle, fault: AnswerFault) {
    app.change_faults(|faults| faults.answer = Some(fault));
}

async fn get_toys(app: &AppHandle) -> reqwest::Result<reqwest::Response> {
    let request = client().post(app.command_url());
    request.json(&json!({"command": "GetToys"})).send().await
}

#[tokio::test]
async fn answers_are_wrong_in_every_way() {
    let app = app().await;

    spoil(&app, AnswerFault::new(Wrong::Http(500)));
    assert_eq!(get_toys(&app).await.unwrap().status(), 500);

    spoil(&app, AnswerFault::new(Wrong::Code(506)));
    let answer = send(&app, &json!({"command": "GetToys"})).await;
    assert_eq!(answer["code"], 506);

    spoil(&app, AnswerFault::new(Wrong::Html));
    let answer = get_toys(&app).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    spoil(&app, AnswerFault::new(Wrong::Truncated));
    let text = get_toys(&app).await.unwrap().text().await.unwrap();
    assert!(text.starts_with(r#"{"code":200"#));
    assert!(serde_json::from_str::<Value>(&text).is_err());

    spoil(&app, AnswerFault::new(Wrong::Garbage));
    let bytes = get_toys(&app).await.unwrap().bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err());

    spoil(&app, AnswerFault::new(Wrong::Cut));
    let cut = match get_toys(&app).await {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(cut);

    app.change_faults(|faults| faults.answer = None);
    assert_eq!(code(&app, &json!({"command": "GetToys"})).await, 200);
}

#[tokio::test]
async fn a_wrong_answer_may_hide_an_effect_or_none() {
    let app = app().await;
    spoil(&app, AnswerFault::new(Wrong::Code(402)).times(1));
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 402);
    assert!(app.all_zero());
    // It was for once only.
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 200);
    spoil(&app, AnswerFault::new(Wrong::Code(500)).applied());
    assert_eq!(code(&app, &function(EDGE, "Vibrate:9", 0.0)).await, 500);
    assert_eq!(app.level(EDGE, Function::Vibrate2), 9);
}

#[tokio::test]
async fn a_hanging_app_answers_what_it_is_not_told_to_hold_back() {
    let app = app().await;
    let hang = AnswerFault::new(Wrong::Hang).only(&[RequestKind::Function]);
    spoil(&app, hang.applied());
    let request = client().post(app.command_url());
    let unanswered = tokio::spawn(request.json(&function(EDGE, "Vibrate:5", 0.0)).send());
    wait(&app, "effect", |app| {
        app.level(EDGE, Function::Vibrate1) == 5
    })
    .await;
    assert_eq!(code(&app, &json!({"command": "GetToys"})).await, 200);
    assert!(!unanswered.is_finished());
    // Cutting the connections is what ends it.
    app.go().await.unwrap();
    assert!(unanswered.await.unwrap().is_err());
}

#[tokio::test]
async fn one_toy_can_fail_alone() {
    let app = app().await;
    app.change_toy_faults(EDGE, |faults| {
        faults.answer = Some(AnswerFault::new(Wrong::Code(402)));
    })
    .unwrap();
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 402);
    assert_eq!(code(&app, &function(MAX, "Vibrate:5", 0.0)).await, 200);
    assert!(app.change_toy_faults("nobody", |_| {}).is_err());
}

#[tokio::test]
async fn a_lost_toy_stops_and_is_told() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 200);
    app.set_connected(EDGE, false).unwrap();
    assert_eq!(
        events.json().await,
        json!({"type": "toy-status", "toyId": EDGE, "data": {"connected": false}})
    );
    assert!(app.timeline(EDGE).is_zero());
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 402);
    let answer = send(&app, &json!({"command": "GetToys"})).await;
    let toys: Value = serde_json::from_str(answer["data"]["toys"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&toys[EDGE]["status"], &toys[MAX]["status"]),
        (&json!("0"), &json!("1"))
    );
    app.set_connected(EDGE, true).unwrap();
    assert_eq!(events.json().await["data"]["connected"], true);
    assert_eq!(app.level(EDGE, Function::Vibrate1), 0);
}

#[tokio::test]
async fn an_app_that_is_gone_refuses_and_cuts_and_comes_back_as_it_was() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    let client = client();
    let post = |body: &Value| client.post(app.command_url()).json(body).send();
    assert!(post(&function(EDGE, "Vibrate1:5", 1.0)).await.is_ok());
    assert!(post(&function(MAX, "Vibrate:7", 0.0)).await.is_ok());
    app.go().await.unwrap();
    assert_eq!(events.next().await, None);
    let refused = post(&function(EDGE, "Vibrate1:5", 1.0)).await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    assert!(Events::connect(&app).await.is_err());
    app.go().await.unwrap();
    // What was begun ends as it would have.
    wait(&app, "end of the lease", |app| app.timeline(EDGE).is_zero()).await;
    app.come_back().await.unwrap();
    app.come_back().await.unwrap();
    assert!(post(&function(EDGE, "Vibrate1:6", 0.0)).await.is_ok());
    assert_eq!(app.level(EDGE, Function::Vibrate1), 6);
    assert_eq!(app.level(MAX, Function::Vibrate), 7);
    Events::granted(&app).await;
}

#[tokio::test]
async fn connections_can_be_cut_any_number_of_times() {
    let app = app().await;
    for _ in 0..20 {
        let mut events = Events::granted(&app).await;
        app.cut_connections().await.unwrap();
        assert_eq!(events.next().await, None);
        assert_eq!(app.sockets().open, 0);
    }
    assert_eq!(app.sockets().opened, 20);
}

#[tokio::test]
async fn without_game_mode_nothing_works() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    app.change_faults(|faults| faults.game_mode = false);
    assert_eq!(events.kind().await, "event-closed");
    assert_eq!(events.next().await, None);
    let answer = send(&app, &json!({"command": "GetToys"})).await;
    assert_eq!(answer["code"], 500);
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 500);
    assert!(app.all_zero());
    // A socket is accepted all the same, and closed at once.
    let mut again = Events::connect(&app).await.unwrap();
    assert_eq!(again.next().await, None);
    app.change_faults(|faults| faults.game_mode = true);
    Events::granted(&app).await;
    assert_eq!(code(&app, &function(EDGE, "Vibrate:5", 0.0)).await, 200);
}

//! What each operation does.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::desk::{Answer, Answers, Asker, Command, Question, Urgent, What};
use super::refusal::{Refusal, status};
use super::router::App;
use super::table::{Act, Whom};
use super::{metrics, openapi, session, stream};
use crate::domain::{ErrorCode, Rejection, Target, ToyId};

/// How long the driver may take to answer. A toy that does not answer is given up by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most toys that one request lists.
const MAX_LISTED: usize = 1_000;

/// A request that has been let in.
pub(super) struct Asked {
    pub(super) asker: Asker,
    pub(super) peer: IpAddr,
    /// The names in the path.
    pub(super) names: BTreeMap<String, String>,
    pub(super) body: Bytes,
    /// Counts commands in the order in which they came in.
    pub(super) number: u64,
}

type Done = Result<Response, Refusal>;

/// Does what is asked.
pub(super) async fn act(app: &App, act: Act, asked: Asked) -> Done {
    match act {
        Act::Toys => question(app, Question::Toys).await,
        Act::Info => question(app, Question::Info).await,
        Act::Health => question(app, Question::Health).await,
        Act::Diagnostics => question(app, Question::Diagnostics).await,
        Act::Toy => {
            let id = toy(&asked)?;
            let known = app.handle.ask(|sender| Question::Toy(id, sender)).await?;
            known.map(ok).ok_or_else(|| unknown_toy(&id.to_string()))
        }
        Act::Groups => Ok(ok(json!({ "groups": app.groups }))),
        Act::Patterns => Ok(ok(json!({ "patterns": app.patterns }))),
        Act::Document => Ok(ok(openapi::document())),
        Act::Metrics => {
            let figures = app.handle.ask(Question::Figures).await?;
            Ok(text(metrics::CONTENT_TYPE, metrics::text(&figures)))
        }
        Act::Alive => alive(app).await,
        Act::Ready => {
            let missing = app.handle.ask(Question::Ready).await?;
            let status = match missing[..] {
                [] => StatusCode::OK,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let body = json!({"ok": missing.is_empty(), "missing": missing});
            Ok((status, axum::Json(body)).into_response())
        }
        Act::Events => stream::open(app),
        Act::Set(whom) | Act::SetAttribute(whom) => {
            let target = target(whom, &asked)?;
            let attribute = asked.names.get("attribute").cloned();
            let what = What::Set {
                target: target.clone(),
                attribute,
                payload: asked.body.to_vec(),
            };
            let single = matches!(target, Target::Toy(_));
            let answers = command(app, asked.asker, asked.number, what).await?;
            outcomes(answers, single, "the toy did not answer in time").await
        }
        Act::Stop(whom) => stop(app, whom, asked).await,
        Act::OfToy(verb) => {
            let toy = Some(toy(&asked)?);
            request(app, verb, toy, asked).await
        }
        Act::OfBridge(verb) => request(app, verb, None, asked).await,
        Act::Scan => {
            let payload = switch(&asked.body, Some("ON"))?;
            let what = What::Scan(payload);
            done(command(app, asked.asker, asked.number, what).await?).await
        }
        Act::Quiet => {
            let (answers, receiver) = Answers::new();
            app.handle.urgent(Urgent::Quiet {
                payload: switch(&asked.body, None)?,
                asker: asked.asker,
                answers,
            })?;
            done(receiver).await
        }
        Act::Doctor => doctor(app).await,
        Act::Login => login(app, &asked),
        Act::Logout => Ok(with_cookie(&session::no_cookie())),
    }
}

async fn question(app: &App, question: fn(oneshot::Sender<Value>) -> Question) -> Done {
    Ok(ok(app.handle.ask(question).await?))
}

/// The driver answers: it is not stuck.
async fn alive(app: &App) -> Done {
    let (sender, answer) = oneshot::channel();
    app.handle.urgent(Urgent::Ping(sender))?;
    match timeout(PATIENCE, answer).await {
        Ok(Ok(())) => Ok(text("text/plain; charset=utf-8", "ok\n".to_owned())),
        _ => {
            let message = "the bridge does not answer";
            Err(Rejection::new(ErrorCode::Timeout, message).into())
        }
    }
}

async fn command(
    app: &App,
    asker: Asker,
    number: u64,
    what: What,
) -> Result<mpsc::UnboundedReceiver<Answer>, Refusal> {
    let (answers, receiver) = Answers::new();
    let command = Command {
        number,
        asker,
        what,
        answers,
    };
    app.handle.command(command).await?;
    Ok(receiver)
}

async fn request(app: &App, verb: &'static str, toy: Option<ToyId>, asked: Asked) -> Done {
    let what = What::Request {
        verb,
        toy,
        payload: asked.body.to_vec(),
    };
    done(command(app, asked.asker, asked.number, what).await?).await
}

async fn stop(app: &App, whom: Whom, asked: Asked) -> Done {
    let targets = match whom {
        Whom::All => listed(&asked.body).unwrap_or_else(|| vec![Target::All]),
        whom => vec![target(whom, &asked)?],
    };
    let single = matches!((whom, &targets[..]), (Whom::Toy, _));
    let (answers, receiver) = Answers::new();
    app.handle.urgent(Urgent::Stop {
        targets,
        asker: asked.asker,
        answers,
    })?;
    let late = "a toy has not confirmed its stop yet; the bridge repeats it until it does";
    outcomes(receiver, single, late).await
}

/// Gathers what became of a command, one outcome for each toy.
async fn outcomes(mut answers: mpsc::UnboundedReceiver<Answer>, single: bool, late: &str) -> Done {
    let mut left: Option<usize> = None;
    let mut results = Map::new();
    // Of somebody who does not exist, or of nobody.
    let mut refused = None;
    let mut codes: Vec<Option<ErrorCode>> = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while left.is_none_or(|left| left > 0) {
        match tokio::time::timeout_at(deadline, answers.recv()).await {
            Ok(Some(Answer::Addressed(outcomes))) => left = Some(outcomes),
            Ok(Some(Answer::Outcome { toy, result, code })) => {
                left = left.map(|left| left - 1);
                if single {
                    let status = code.map_or(StatusCode::OK, status);
                    return Ok((status, axum::Json(result)).into_response());
                }
                codes.push(code);
                match toy {
                    Some(toy) => {
                        results.insert(toy.to_string(), result);
                    }
                    None if code.is_some() && refused.is_none() => refused = Some(result),
                    None => {}
                }
            }
            Ok(Some(Answer::Done(done))) => return done.map(done_body).map_err(Refusal::from),
            Ok(None) | Err(_) => {
                return Err(Rejection::new(ErrorCode::Timeout, late).into());
            }
        }
    }
    let failed = codes.iter().flatten().count();
    let status = match codes.iter().flatten().next() {
        None => StatusCode::OK,
        Some(code) if failed == codes.len() => status(*code),
        Some(_) => StatusCode::MULTI_STATUS,
    };
    let body = match refused {
        Some(refused) if results.is_empty() => refused,
        Some(refused) => json!({"ok": false, "results": results, "error": refused["error"]}),
        None => json!({"ok": failed == 0, "results": results}),
    };
    Ok((status, axum::Json(body)).into_response())
}

/// Waits for the answer to a command that does not address toys.
async fn done(mut answers: mpsc::UnboundedReceiver<Answer>) -> Done {
    loop {
        match timeout(PATIENCE, answers.recv()).await {
            Ok(Some(Answer::Done(done))) => return done.map(done_body).map_err(Refusal::from),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                let message = "the bridge did not answer in time";
                return Err(Rejection::new(ErrorCode::Timeout, message).into());
            }
        }
    }
}

fn done_body(data: Value) -> Response {
    ok(json!({"ok": true, "data": data}))
}

async fn doctor(app: &App) -> Done {
    let Ok(_one) = app.examining.try_lock() else {
        let message = "the doctor is busy already";
        return Err(Rejection::new(ErrorCode::Busy, message).into());
    };
    let findings = (app.doctor)().await;
    let well = findings.iter().all(|finding| finding["ok"] == true);
    Ok(ok(json!({"ok": well, "findings": findings})))
}

fn login(app: &App, asked: &Asked) -> Done {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let Some(token) = body["token"].as_str() else {
        return Err(Refusal::invalid("token: must be a text"));
    };
    let cookie = app
        .guard
        .try_token(asked.peer, token.trim(), Instant::now())?;
    Ok(with_cookie(&cookie))
}

fn with_cookie(cookie: &str) -> Response {
    let mut response = done_body(json!({}));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn ok(body: Value) -> Response {
    axum::Json(body).into_response()
}

fn text(kind: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

fn unknown_toy(id: &str) -> Refusal {
    let shown: String = id.chars().take(40).collect();
    Rejection::new(ErrorCode::UnknownToy, format!("there is no toy {shown:?}")).into()
}

fn toy(asked: &Asked) -> Result<ToyId, Refusal> {
    let id = asked
        .names
        .get("toy")
        .map(String::as_str)
        .unwrap_or_default();
    id.parse().map_err(|_| unknown_toy(id))
}

fn target(whom: Whom, asked: &Asked) -> Result<Target, Refusal> {
    Ok(match whom {
        Whom::All => Target::All,
        Whom::Toy => Target::Toy(toy(asked)?),
        Whom::Group => Target::Group(asked.names.get("group").cloned().unwrap_or_default()),
    })
}

/// The toys that a body lists. `None` if it does not say for certain which toys are meant: whoever
/// wants a stop has to get one.
fn listed(body: &[u8]) -> Option<Vec<Target>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let body = body.as_object().filter(|body| body.len() == 1)?;
    let toys = body.get("toys")?.as_array()?;
    let toys = toys
        .iter()
        .map(|id| id.as_str()?.parse().ok().map(Target::Toy));
    let toys: Vec<Target> = toys.collect::<Option<_>>()?;
    (1..=MAX_LISTED).contains(&toys.len()).then_some(toys)
}

/// A switch: as over MQTT, or the same as JSON.
fn switch(body: &[u8], empty: Option<&str>) -> Result<Vec<u8>, Refusal> {
    let body = body.trim_ascii();
    match (body, empty) {
        ([], Some(empty)) => Ok(empty.as_bytes().to_vec()),
        (body, _) => match serde_json::from_slice::<Value>(body) {
            Ok(Value::String(word)) => Ok(word.into_bytes()),
            _ => Ok(body.to_vec()),
        },
    }
}

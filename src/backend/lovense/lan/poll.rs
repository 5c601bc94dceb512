//! The link that finds the app, looks at its toys, and decides whether the app is there.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::client::Site;
use super::fault::Fault;
use super::{LanApp, Line};
use crate::backend::lovense::wire::ToyList;
use crate::backend::{BoxFuture, Link, LinkContext, LinkError, Standing};
use crate::domain::BackendState;

/// The most complaints about entries that are remembered as already logged.
const MAX_LOGGED: usize = 64;

pub(super) struct ToysLink {
    app: Arc<LanApp>,
    name: String,
    standing: Standing,
    /// Unusable entries of toy lists that have been logged.
    logged: HashSet<String>,
}

impl Link for ToysLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            self.standing.begin(context);
            let fault = self.look_until_it_fails(context).await;
            self.lost(context, &fault);
            fault.into()
        })
    }
}

impl ToysLink {
    pub(super) fn new(app: Arc<LanApp>) -> Self {
        Self {
            name: app.options.link_name("toys"),
            app,
            standing: Standing::default(),
            logged: HashSet::new(),
        }
    }

    async fn look_until_it_fails(&mut self, context: &LinkContext) -> Fault {
        let app = Arc::clone(&self.app);
        let mut asked = app.roster().epoch();
        let mut began = Instant::now();
        let (line, mut list) = match app.find().await {
            Ok(found) => found,
            Err(fault) => return fault,
        };
        debug!(place = line.aside.place(), "the app was found");
        loop {
            self.log_unusable(&list);
            let reports = app.roster().listed(list, asked);
            self.standing.set(context, BackendState::Up);
            for report in reports {
                context.reports.send(report);
            }
            app.reach.send_modify(|reach| {
                if !reach.up {
                    reach.line = Some(line.clone());
                }
                reach.up = true;
                reach.answers += 1;
            });
            context.proven();

            let quick = app.wait(began).await;
            asked = app.roster().epoch();
            began = Instant::now();
            list = match app.look(&line, quick).await {
                Ok(list) => list,
                Err(fault) => return fault,
            };
        }
    }

    fn lost(&mut self, context: &LinkContext, fault: &Fault) {
        let reason = fault.to_string();
        self.app.reach.send_modify(|reach| reach.up = false);
        for report in self.app.roster().lost(&reason) {
            context.reports.send(report);
        }
        self.standing.set(context, BackendState::Down(reason));
    }

    fn log_unusable(&mut self, list: &ToyList) {
        for bad in &list.bad {
            let text = bad.to_string();
            if self.logged.len() < MAX_LOGGED && self.logged.insert(text) {
                warn!(link = self.name, "{bad}; the other toys are not affected");
            }
        }
    }
}

impl LanApp {
    /// The app behind the first port that answers well. All are asked at once.
    pub(super) async fn find(&self) -> Result<(Line, ToyList), Fault> {
        let site = Site::locate(&self.options.host, &self.options.trust).await?;
        let mut attempts: FuturesUnordered<_> = self
            .options
            .ports()
            .into_iter()
            .map(|port| {
                let site = &site;
                async move {
                    let line = self.line(site, port).map_err(|fault| (port, fault))?;
                    let asked = line.aside.toys(self.options.timing.answer).await;
                    asked
                        .map(|list| (line, list))
                        .map_err(|fault| (port, fault))
                }
            })
            .collect();
        let mut faults = Vec::new();
        while let Some(result) = attempts.next().await {
            match result {
                Ok(found) => return Ok(found),
                Err(fault) => faults.push(fault),
            }
        }
        Err(Fault::nowhere(faults))
    }

    /// Until it is time for the next look; whether it is to be a quick one, because the app seems
    /// to be gone.
    async fn wait(&self, last: Instant) -> bool {
        let timing = &self.options.timing;
        let interval = if self.flowing.load(Ordering::Relaxed) {
            timing.poll_with_events
        } else {
            timing.poll
        };
        tokio::select! {
            () = async {
                self.suspicion.notified().await;
                sleep_until(last + timing.least_check).await;
            } => true,
            () = async {
                tokio::select! {
                    () = sleep_until(last + interval) => {}
                    () = self.look.notified() => sleep_until(last + timing.least_poll).await,
                }
            } => false,
        }
    }

    /// Looks at the toys. One lost answer is not the end, unless there are other signs that the
    /// app is gone.
    async fn look(&self, line: &Line, quick: bool) -> Result<ToyList, Fault> {
        let timing = &self.options.timing;
        if quick {
            return line.aside.toys(timing.check).await;
        }
        let patient = async {
            match line.aside.toys(timing.answer).await {
                Err(Fault::NoAnswer { .. } | Fault::Broken { .. }) => {
                    line.aside.toys(timing.answer).await
                }
                result => result,
            }
        };
        tokio::select! {
            result = patient => result,
            fault = self.suspected(line, timing.check) => Err(fault),
        }
    }

    /// Resolves when a suspicion has come up and has not been cleared for `limit`.
    async fn suspected(&self, line: &Line, limit: Duration) -> Fault {
        self.suspicion.notified().await;
        sleep_until(Instant::now() + limit).await;
        Fault::NoAnswer {
            place: line.aside.place().to_owned(),
            limit,
        }
    }
}

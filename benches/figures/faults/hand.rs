//! The hand at the toy: what the wearer turns off or down.

use std::time::Duration;

use toy2mqtt::sim::Function;

use super::Build;
use super::permits::Permits;
use super::rig::{Rig, vibrators, wait};
use crate::Failure;

/// The wearer turns the toy off while the bridge carries out this command.
pub(super) async fn off(build: Build, command: &str) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(1), "").await?;
    let mut permits = Permits::default();
    permits.allow(20);
    rig.tell(0, "set", command).await?;
    rig.runs(0, Function::Vibrate).await?;
    wait(700).await;
    rig.app
        .set_by_user(&rig.app.ids()[0], Function::Vibrate, 0)?;
    permits.end();
    // Two renewals of the lease.
    wait(6_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// The wearer turns a level down to 4 of 20.
pub(super) async fn down(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(1), "").await?;
    let mut permits = Permits::default();
    permits.allow(16);
    rig.tell(0, "set", r#"{"vibrate":80}"#).await?;
    rig.runs(0, Function::Vibrate).await?;
    wait(700).await;
    rig.app
        .set_by_user(&rig.app.ids()[0], Function::Vibrate, 4)?;
    permits.allow(4);
    wait(6_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

//! A rig with a panel, and a browser that looks at it.

use std::time::Duration;

use toy2mqtt::sim::lovense_app::Spread;

use crate::browser::{Browser, Tab};
use crate::shared::mosquitto::free_port;
use crate::support::{Rig, Setup, toy};

pub(crate) const LUSH: &str = "f082c00246fa";
pub(crate) const EDGE: &str = "e01a2b3c4d5e";

/// Everything, running.
pub(crate) struct Stage {
    pub(crate) rig: Rig,
    pub(crate) browser: Browser,
    /// Where the panel is; the same after a restart.
    pub(crate) port: u16,
}

impl Stage {
    /// With two toys; `None` if there is no browser.
    pub(crate) async fn set() -> Option<Self> {
        Self::set_with(Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])).await
    }

    pub(crate) async fn set_with(mut setup: Setup) -> Option<Self> {
        let browser = Browser::start().await?;
        let port = free_port();
        setup.web = format!("listen = \"127.0.0.1:{port}\"\n");
        let rig = setup.start().await;
        rig.bridge.logged("panel: http://").await;
        Some(Self { rig, browser, port })
    }

    /// An address of the panel.
    pub(crate) fn address(&self, below: &str) -> String {
        format!("http://127.0.0.1:{}/{below}", self.port)
    }

    /// A tab that shows all toys.
    pub(crate) async fn tab(&self, phone: bool) -> Tab {
        self.show(self.browser.tab(phone).await).await
    }

    /// The same, with a script that runs before anything else.
    pub(crate) async fn tab_with(&self, phone: bool, script: &str) -> Tab {
        let tab = self.browser.tab(phone).await;
        tab.always(script).await;
        self.show(tab).await
    }

    async fn show(&self, tab: Tab) -> Tab {
        tab.open(&self.address("")).await;
        tab.shows(".card input").await;
        tab
    }

    /// From now on the app takes this long.
    pub(crate) fn slow(&self, min_ms: u64, max_ms: u64) {
        self.rig.app.change_faults(|faults| {
            faults.effect_latency = Spread { min_ms, max_ms };
        });
    }
}

/// The slider of an output.
pub(crate) fn slider(hardware: &str, output: &str) -> String {
    format!("#{}-{output}", toy(hardware))
}

/// Prints how long something took. That it happens is tested; how fast depends on the machine.
pub(crate) fn figure(what: &str, took: Duration) {
    eprintln!("figure: {what}: {:.0} ms", took.as_secs_f64() * 1_000.0);
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long something took"
)]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

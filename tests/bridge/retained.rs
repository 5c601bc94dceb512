//! Brokers that leave the retain flag on live messages, and links between brokers that take it away.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::RequestKind;

use crate::support::{
    Bridge, BrokerSetup, FlagProxy, Home, Mosquitto, Proxy, Rig, Seen, Setup, Which,
};

const LUSH: &str = "f082c00246fa";

fn is_refusal(seen: &Seen) -> bool {
    let event = seen.json();
    event["event_type"] == "command_rejected" && event["reason"] == "retained"
}

#[tokio::test]
async fn a_broker_that_flags_live_messages_causes_no_storm_and_stops_work() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.bridge.terminate();
    rig.bridge.ended().await;
    let proxy = FlagProxy::start(rig.broker.addr, &["/set", "/stop"]).await;
    let (from, to) = (rig.broker.addr.to_string(), proxy.addr.to_string());
    let config = rig.changed("flags.toml", &from, &to);
    let mark = rig.home.mark();
    rig.bridge = Bridge::start(&config);
    rig.ready(mark).await;
    let functions = rig.app.counts().of(RequestKind::Function);

    // What could move a toy is refused, said and deleted, once.
    let mark = rig.home.mark();
    let (set, event) = (rig.topic(LUSH, "vibrate/set"), rig.bridge_topic("event"));
    rig.home.retain(&set, "30");
    rig.home.next(mark, &event, is_refusal).await;
    rig.home
        .next(mark, &set, |seen| seen.payload.is_empty())
        .await;
    for level in 0..10 {
        rig.home.publish(&set, (10 + level).to_string());
    }
    let refusals = |seen: &[Seen]| {
        let refusals = seen[mark..].iter();
        refusals
            .filter(|seen| seen.topic == event && is_refusal(seen))
            .count()
    };
    rig.home
        .wait("every refusal", |seen| (refusals(seen) == 11).then_some(()))
        .await;
    // Two round trips later nothing has been answered again.
    for _ in 0..2 {
        rig.request("toys", json!({})).await;
        rig.home.synced().await;
    }
    let after = rig.home.after(mark);
    let deletions = after
        .iter()
        .filter(|seen| seen.topic == set && seen.payload.is_empty());
    assert_eq!(deletions.count(), 1);
    assert_eq!(refusals(&rig.home.after(0)), 11);
    let lines = rig
        .bridge
        .log()
        .matches("refused a retained command")
        .count();
    assert_eq!(lines, 1);
    assert_eq!(rig.app.counts().of(RequestKind::Function), functions);

    // What means off is obeyed, flagged or not.
    for off in [json!({"state": "OFF"}), json!({"vibrate": 0})] {
        rig.set(LUSH, off).await;
    }
    let stops = rig.app.counts().of(RequestKind::Stop);
    rig.home.publish(&rig.topic(LUSH, "stop"), "");
    rig.app_until("a flagged stop", |app| {
        app.counts().of(RequestKind::Stop) > stops
    })
    .await;
}

struct Linked {
    far: Mosquitto,
    link: Proxy,
    far_home: Home,
    rig: Rig,
}

/// Two brokers with a link between them, and the bridge at the near one.
async fn linked() -> Linked {
    let far = Mosquitto::start(&BrokerSetup::default()).await;
    let link = Proxy::start(far.addr).await;
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]);
    setup.broker.more += &format!(
        "connection up\naddress {}\ntopic toy2mqtt/# both 1\ntopic homeassistant/# both 1\n\
         topic link/# in 1\ncleansession false\nrestart_timeout 1\nnotifications false\n",
        link.addr
    );
    let rig = setup.start().await;
    let far_home = Home::connect(far.addr).await;
    let linked = Linked {
        far,
        link,
        far_home,
        rig,
    };
    linked.passes("first").await;
    linked
}

impl Linked {
    /// Waits until the link hands on what is published at the far broker.
    async fn passes(&self, word: &str) {
        let topic = format!("link/{word}");
        self.far_home.retain(&topic, word);
        self.rig.home.says(&topic, word).await;
    }

    /// What the far broker keeps on command topics of the toy.
    async fn far_keeps(&self) -> Vec<Seen> {
        let all = Home::connect(self.far.addr).await.after(0).into_iter();
        let topic = self.rig.topic(LUSH, "vibrate/set");
        all.filter(|seen| seen.topic == topic).collect()
    }
}

#[tokio::test]
async fn what_a_linked_broker_keeps_starts_nothing_whenever_the_link_comes_back() {
    let linked = linked().await;
    let Linked {
        rig,
        far_home,
        link,
        ..
    } = &linked;
    let (set, event) = (rig.topic(LUSH, "vibrate/set"), rig.bridge_topic("event"));
    // To the bridge this one is sent just now. The broker keeps it, is asked, and it is deleted.
    let mark = rig.home.mark();
    far_home.retain(&set, "35");
    rig.app_until("the first", |app| app.level(LUSH, Function::Vibrate) == 7)
        .await;
    rig.home.publish(&rig.bridge_topic("stop"), "");
    rig.app_until("the stop", |app| app.all_zero()).await;
    rig.home.next(mark, &event, is_refusal).await;
    let functions = rig.app.counts().of(RequestKind::Function);
    // The deletion passes the link as well.
    let deleted = |seen: &[Seen]| {
        let newest = seen.iter().rev().find(|seen| seen.topic == set)?;
        newest.payload.is_empty().then_some(())
    };
    far_home
        .wait("the deletion at the far broker", deleted)
        .await;
    assert_eq!(linked.far_keeps().await.len(), 0);

    for round in 0..3 {
        // Kept at the far broker while the link is cut, and handed on when it is back.
        link.block(Which::Main, true);
        link.cut(Which::Main);
        let mark = rig.home.mark();
        far_home.retain(&set, "35");
        far_home.synced().await;
        link.block(Which::Main, false);
        linked
            .passes(&format!("round {round}").replace(' ', "-"))
            .await;
        rig.home.next(mark, &event, is_refusal).await;
        // The link is cut again.
        link.cut(Which::Main);
        linked.passes(&format!("again-{round}")).await;
    }
    rig.home.synced().await;
    assert_eq!(rig.app.counts().of(RequestKind::Function), functions);
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    // Commands that are not kept pass the link, and a stop as well.
    let other = rig.topic(LUSH, "set");
    far_home.publish(&other, r#"{"vibrate": 20}"#);
    rig.state_until(LUSH, |state| state["vibrate"] == 20).await;
    far_home.publish(&rig.topic(LUSH, "stop"), "");
    rig.app_until("the stop over the link", |app| app.all_zero())
        .await;
}

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn how(request: u64, lasts: Option<u64>, stop_previous: bool) -> Start {
    Start {
        request,
        kind: Kind::Function,
        lasts: lasts.map(ms),
        skip: Duration::ZERO,
        stop_previous,
    }
}

fn edge() -> Body {
    Body::new(&[Function::Vibrate1, Function::Vibrate2], 1_000)
}

fn hold(function: Function, level: u16) -> [(Function, Shape); 1] {
    [(function, Shape::Hold(level))]
}

fn log(body: &Body) -> Vec<(u64, Function, u16, Cause)> {
    let line = body.timeline(ms(0));
    line.changes()
        .iter()
        .map(|change| {
            let at = u64::try_from(change.at.as_millis()).expect("short tests");
            (at, change.function, change.to, change.cause)
        })
        .collect()
}

#[test]
fn a_lease_ends_at_zero() {
    let mut body = edge();
    body.start(
        ms(0),
        &how(1, Some(1_000), true),
        &hold(Function::Vibrate1, 9),
    );
    assert_eq!(body.next_deadline(ms(0)), Some(ms(1_000)));
    body.tick(ms(999));
    assert!(!body.timeline(ms(999)).is_zero());
    body.tick(ms(1_000));
    assert_eq!(
        log(&body),
        [
            (0, Function::Vibrate1, 9, Cause::Command(1)),
            (1_000, Function::Vibrate1, 0, Cause::Expired(1)),
        ]
    );
    assert_eq!(body.next_deadline(ms(1_000)), None);
}

#[test]
fn renewing_a_lease_moves_nothing() {
    let mut body = edge();
    for request in 1..=5 {
        let now = ms(request * 500);
        body.start(
            now,
            &how(request, Some(1_000), true),
            &hold(Function::Vibrate1, 9),
        );
    }
    assert_eq!(
        log(&body),
        [(500, Function::Vibrate1, 9, Cause::Command(1))]
    );
    assert_eq!(body.next_deadline(ms(2_500)), Some(ms(3_500)));
}

#[test]
fn by_default_a_command_stops_the_other_motors() {
    let mut body = edge();
    body.start(ms(0), &how(1, None, true), &hold(Function::Vibrate1, 9));
    body.start(ms(1), &how(2, None, true), &hold(Function::Vibrate2, 4));
    assert_eq!(
        log(&body)[1..],
        [
            (1, Function::Vibrate1, 0, Cause::Superseded(2)),
            (1, Function::Vibrate2, 4, Cause::Command(2)),
        ]
    );
}

#[test]
fn stacked_commands_keep_their_own_leases() {
    let mut body = edge();
    body.start(
        ms(0),
        &how(1, Some(2_000), true),
        &hold(Function::Vibrate1, 9),
    );
    body.start(
        ms(500),
        &how(2, Some(1_000), false),
        &hold(Function::Vibrate2, 4),
    );
    assert_eq!(body.next_deadline(ms(500)), Some(ms(1_500)));
    body.tick(ms(1_500));
    let levels = |body: &Body| body.levels().iter().map(|l| l.1).collect::<Vec<_>>();
    assert_eq!(levels(&body), [9, 0]);
    body.tick(ms(2_000));
    assert_eq!(levels(&body), [0, 0]);
}

#[test]
fn an_older_request_that_comes_through_late_is_an_inversion() {
    let mut body = edge();
    body.start(ms(0), &how(2, None, true), &hold(Function::Vibrate1, 3));
    assert_eq!(body.timeline(ms(0)).inversions(), 0);
    body.start(ms(1), &how(1, None, true), &hold(Function::Vibrate1, 9));
    assert_eq!(body.timeline(ms(1)).inversions(), 1);
    // The stop was overtaken too: it is a later request than what it ends.
    body.stop(ms(2), 3);
    assert_eq!(body.timeline(ms(2)).inversions(), 1);
    // Stacked commands for different functions have no order among them.
    let mut body = edge();
    body.start(ms(0), &how(2, None, false), &hold(Function::Vibrate1, 3));
    body.start(ms(1), &how(1, None, false), &hold(Function::Vibrate2, 9));
    assert_eq!(body.timeline(ms(1)).inversions(), 0);
}

#[test]
fn a_pattern_plays_step_by_step_and_ends() {
    let mut body = edge();
    let shape = Shape::Steps {
        levels: Arc::from([5, 5, 0]),
        step: ms(100),
    };
    let pattern = Start {
        kind: Kind::Pattern,
        ..how(7, Some(450), true)
    };
    body.start(ms(0), &pattern, &[(Function::Vibrate1, shape)]);
    let mut now = ms(0);
    while let Some(next) = body.next_deadline(now) {
        now = next;
        body.tick(now);
    }
    let step = |step| Cause::Pattern { request: 7, step };
    assert_eq!(
        log(&body),
        [
            (0, Function::Vibrate1, 5, step(0)),
            (200, Function::Vibrate1, 0, step(2)),
            (300, Function::Vibrate1, 5, step(3)),
            (450, Function::Vibrate1, 0, Cause::Expired(7)),
        ]
    );
}

#[test]
fn a_pattern_v2_heeds_only_its_own_stop() {
    let mut body = Body::new(&[Function::Thrusting, Function::Position], 100);
    let path = Shape::Path(Arc::from([(ms(0), 10), (ms(100), 90), (ms(200), 20)]));
    let play = Start {
        kind: Kind::PatternV2,
        ..how(1, None, true)
    };
    body.start(ms(0), &play, &[(Function::Position, path)]);
    body.stop(ms(50), 2);
    body.tick(ms(100));
    assert_eq!(body.levels()[1], (Function::Position, 90));
    body.stop_pattern_v2(ms(150), 3);
    body.tick(ms(300));
    assert_eq!(body.levels()[1], (Function::Position, 90));
}

#[test]
fn the_user_and_a_lost_connection_change_levels_too() {
    let mut body = edge();
    assert!(body.set_by_user(ms(1), Function::Vibrate2, 99));
    assert!(!body.set_by_user(ms(1), Function::Rotate, 3));
    body.unplug(ms(2));
    assert_eq!(
        log(&body),
        [
            (1, Function::Vibrate2, 20, Cause::User),
            (2, Function::Vibrate2, 0, Cause::Unplugged),
        ]
    );
}

#[test]
fn the_timer_is_woken_only_for_earlier_deadlines() {
    let mut body = edge();
    assert_eq!(body.arm(ms(0)), None);
    body.start(
        ms(0),
        &how(1, Some(5_000), true),
        &hold(Function::Vibrate1, 1),
    );
    assert!(body.needs_arming(ms(0)));
    assert_eq!(body.arm(ms(0)), Some(ms(5_000)));
    body.start(
        ms(100),
        &how(2, Some(5_000), true),
        &hold(Function::Vibrate1, 2),
    );
    assert!(!body.needs_arming(ms(100)));
    body.stop(ms(200), 3);
    assert!(!body.needs_arming(ms(200)));
}

proptest! {
    #[test]
    fn whatever_is_bounded_ends_at_zero(
        commands in proptest::collection::vec((0u64..3_000, 0u16..=20, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let mut body = edge();
        let mut now = ms(0);
        for (request, &(wait, level, second, stop_previous)) in commands.iter().enumerate() {
            now += ms(wait);
            let function = if second { Function::Vibrate2 } else { Function::Vibrate1 };
            body.start(now, &how(request as u64, Some(1_000), stop_previous), &hold(function, level));
        }
        while let Some(next) = body.next_deadline(now) {
            prop_assert!(next > now);
            now = next;
            body.tick(now);
        }
        let line = body.timeline(now);
        prop_assert!(line.is_zero());
        prop_assert_eq!(line.inversions(), 0);
        // Each change leads on from the one before it.
        for function in [Function::Vibrate1, Function::Vibrate2] {
            let mut level = 0;
            for change in line.of(function) {
                prop_assert_eq!(change.from, level);
                prop_assert_ne!(change.to, level);
                level = change.to;
            }
        }
    }
}

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn timeline(changes: &[(u64, Function, u16, u16)], capacity: usize) -> Timeline {
    let mut log = Log::new(capacity);
    let mut levels: Vec<(Function, u16)> = Vec::new();
    for &(at, function, from, to) in changes {
        log.push(Change {
            at: ms(at),
            function,
            from,
            to,
            cause: Cause::User,
        });
        levels.retain(|(of, _)| *of != function);
        levels.push((function, to));
    }
    log.snapshot(ms(1_000), levels, 0)
}

const DRAG: [(u64, Function, u16, u16); 5] = [
    (10, Function::Vibrate1, 0, 5),
    (20, Function::Vibrate2, 0, 9),
    (30, Function::Vibrate1, 5, 0),
    (40, Function::Vibrate2, 9, 0),
    (50, Function::Vibrate1, 0, 3),
];

#[test]
fn levels_over_time() {
    let line = timeline(&DRAG, 100);
    let at = |time| line.level_at(Function::Vibrate1, ms(time));
    assert_eq!([at(9), at(10), at(29), at(30), at(51)], [0, 5, 5, 0, 3]);
    assert_eq!(line.max(Function::Vibrate2), 9);
    assert_eq!(line.level(Function::Vibrate1), 3);
    assert_eq!(line.level(Function::Rotate), 0);
    assert_eq!(line.last_change(), Some(ms(50)));
    assert!(!line.is_zero());
}

#[test]
fn a_run_lasts_while_any_motor_runs() {
    let line = timeline(&DRAG, 100);
    let open = Run {
        from: ms(50),
        until: None,
    };
    assert_eq!(line.runs(), [Run::new(ms(10), ms(40)), open]);
    assert!(line.ran_between(ms(35), ms(36)));
    assert!(!line.ran_between(ms(40), ms(50)));
    assert!(line.ran_between(ms(40), ms(51)));
}

#[test]
fn movement_outside_what_was_allowed_is_found() {
    let line = timeline(&DRAG, 100);
    let allowed = [Run::new(ms(50), ms(2_000)), Run::new(ms(15), ms(30))];
    let outside = [Run::new(ms(10), ms(15)), Run::new(ms(30), ms(40))];
    assert_eq!(line.ran_outside(&allowed), outside);
    assert_eq!(line.ran_outside(&[Run::new(ms(0), ms(9_999))]), []);
    assert_eq!(line.ran_outside(&[]), line.runs());
}

#[test]
fn what_was_forgotten_is_counted_and_what_ran_before_is_still_seen() {
    let line = timeline(&DRAG, 2);
    assert_eq!((line.changes().len(), line.forgotten()), (2, 3));
    assert_eq!(line.runs()[0], Run::new(ms(0), ms(40)));
    let none = timeline(&DRAG, 0);
    assert_eq!(none.forgotten(), 5);
    assert!(none.ran_between(ms(0), ms(1)) && !none.is_zero());
}

#[test]
fn shapes_and_positions_are_no_movement() {
    let line = timeline(
        &[
            (1, Function::Depth, 0, 3),
            (2, Function::StrokeMax, 0, 80),
            (3, Function::Position, 0, 50),
        ],
        9,
    );
    assert!(line.is_zero() && line.runs().is_empty());
}

#[test]
fn fresh_changes_can_be_asked_for() {
    let mut log = Log::new(3);
    for level in 1..=5 {
        log.push(Change {
            at: ms(0),
            function: Function::Vibrate,
            from: level - 1,
            to: level,
            cause: Cause::User,
        });
    }
    let to = |known| log.since(known).map(|change| change.to).collect::<Vec<_>>();
    assert_eq!(to(4), [5]);
    assert_eq!(to(0), [3, 4, 5]);
    assert_eq!(to(5), [0u16; 0]);
}

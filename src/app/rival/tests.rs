use proptest::prelude::*;

use super::*;

const START: Instant = Instant::from_millis(1);

fn rival(own: &str) -> Rival {
    Rival::new(own.to_owned(), "1")
}

/// What the broker says of a bridge's state.
fn word(online: bool) -> &'static [u8] {
    if online { b"online" } else { b"offline" }
}

/// Connects and reads what the broker has kept.
fn connect(rival: &mut Rival, kept: Option<(&str, bool)>) -> Option<Step> {
    let Step::Marker(marker) = rival.connected(START) else {
        panic!("it listens first");
    };
    if let Some((instance, online)) = kept {
        assert_eq!(rival.bridge_state(word(online), START), None);
        assert_eq!(rival.info(instance, true, START), None);
    }
    rival.marker(marker.as_bytes(), START)
}

fn probing(rival: &mut Rival) -> String {
    match connect(rival, Some(("a", true))) {
        Some(Step::Probe(transaction)) => transaction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_is_alone_begins_at_once() {
    let remains = [None, Some(("b-1", true)), Some(("a-1", false))];
    for kept in remains {
        let mut rival = rival("b");
        assert_eq!(connect(&mut rival, kept), Some(Step::Begin), "{kept:?}");
        assert!(rival.is_alone());
        assert_eq!(rival.next_deadline(), None);
    }
}

#[test]
fn a_marker_that_never_comes_is_not_waited_for() {
    let mut rival = rival("b");
    rival.connected(START);
    assert_eq!(rival.marker(b"another", START), None);
    assert_eq!(rival.tick(START), None);
    assert_eq!(rival.tick(START + LISTEN), Some(Step::Begin));
}

#[test]
fn whoever_answers_is_left_alone() {
    let mut rival = rival("b");
    let transaction = probing(&mut rival);
    assert_eq!(rival.answer("another", START), None);
    let out = rival.answer(&transaction, START);
    assert_eq!(out, Some(Step::KeepOut("a".into())));
    assert!(rival.keeps_out());
    // It asks again, from time to time…
    assert_eq!(rival.next_deadline(), Some(START + AGAIN));
    assert_eq!(rival.info("a", false, START + PROBE), None);
    assert_eq!(rival.next_deadline(), Some(START + PROBE + AGAIN));
    // …and when the other says goodbye.
    let Some(Step::Probe(_)) = rival.bridge_state(word(false), START) else {
        panic!("it asks");
    };
    assert_eq!(rival.tick(START + PROBE), Some(Step::Begin));
}

#[test]
fn the_dead_do_not_answer() {
    let mut rival = rival("b");
    probing(&mut rival);
    assert_eq!(rival.tick(START + PROBE), Some(Step::Begin));
}

#[test]
fn a_live_info_is_a_sign_of_life() {
    let mut rival = rival("a");
    probing_of_lower(&mut rival);
    // Even of one with a higher id: it was there first.
    let out = rival.info("b", false, START);
    assert_eq!(out, Some(Step::KeepOut("b".into())));
}

fn probing_of_lower(rival: &mut Rival) {
    let asked = connect(rival, Some(("b", true)));
    assert!(matches!(asked, Some(Step::Probe(_))));
}

#[test]
fn of_two_that_start_together_the_lower_stays() {
    let (mut a, mut b) = (rival("a"), rival("b"));
    assert_eq!(connect(&mut a, None), Some(Step::Begin));
    assert_eq!(connect(&mut b, None), Some(Step::Begin));
    assert_eq!(a.info("b", false, START), None);
    let out = b.info("a", false, START);
    assert_eq!(out, Some(Step::KeepOut("a".into())));
    assert_eq!(a.tick(START + SETTLE), Some(Step::Repeat));
    assert_eq!(a.tick(START + SETTLE), None);
}

#[test]
fn whoever_kept_out_lets_the_other_reconnect_first() {
    let mut rival = rival("b");
    let transaction = probing(&mut rival);
    rival.answer(&transaction, START);
    rival.disconnected();
    assert_eq!(rival.next_deadline(), None);
    assert!(matches!(rival.connected(START), Step::Probe(_)));
    assert_eq!(rival.tick(START + PROBE), Some(Step::Begin));
    rival.disconnected();
    assert!(matches!(rival.connected(START), Step::Marker(_)));
}

#[test]
fn whoever_was_there_counts_as_there_until_found_gone() {
    let mut rival = rival("b");
    assert!(!rival.keeps_out() && !rival.is_finding_out());
    let transaction = probing(&mut rival);
    assert!(!rival.keeps_out() && rival.is_finding_out());
    rival.answer(&transaction, START);
    assert!(rival.keeps_out() && !rival.is_finding_out());
    // While it is asked again, and while there is no connection.
    let Some(Step::Probe(_)) = rival.tick(START + AGAIN) else {
        panic!("it asks");
    };
    assert!(rival.keeps_out());
    rival.disconnected();
    assert!(rival.keeps_out() && !rival.is_finding_out());
    assert!(matches!(rival.connected(START), Step::Probe(_)));
    assert!(rival.keeps_out());
    assert_eq!(rival.tick(START + PROBE), Some(Step::Begin));
    assert!(!rival.keeps_out());
}

#[test]
fn a_copy_that_was_disconnected_is_waited_for() {
    let mut rival = rival("b");
    // The broker has published the will of the process whose client id this one has taken over.
    assert!(matches!(
        connect(&mut rival, Some(("b-2", false))),
        Some(Step::Probe(_))
    ));
    rival.disconnected();
    assert!(!rival.is_alone() && rival.is_finding_out());
    let asked = connect(&mut rival, Some(("b-2", false)));
    assert!(matches!(asked, Some(Step::Probe(_))));
    // A dead one does not come back.
    assert_eq!(rival.tick(START + SIBLING), Some(Step::Begin));
    assert!(!rival.is_finding_out());
}

#[test]
fn a_process_that_said_goodbye_is_not_waited_for() {
    let mut rival = rival("b");
    let Step::Marker(marker) = rival.connected(START) else {
        panic!("it listens first");
    };
    assert_eq!(rival.bridge_state(b"stopped", START), None);
    assert_eq!(rival.info("b-2", true, START), None);
    assert_eq!(rival.marker(marker.as_bytes(), START), Some(Step::Begin));
}

#[test]
fn a_client_id_that_is_taken_over_has_the_other_asked() {
    let (mut first, mut second) = (rival("b"), Rival::new("b".into(), "2"));
    assert_eq!(connect(&mut first, None), Some(Step::Begin));
    second.taken_over();
    assert!(second.is_finding_out());
    let Step::Probe(question) = second.connected(START) else {
        panic!("it asks");
    };
    assert!(first.is_asked_by_copy(&question));
    assert!(!second.is_asked_by_copy(&question));
    assert!(!rival("a").is_asked_by_copy(&question));
    assert!(!first.is_asked_by_copy("b"));
    assert_eq!(second.info("b-1", true, START), None);
    let out = second.answer(&question, START);
    assert_eq!(out, Some(Step::KeepOut("b-1".into())));
    assert!(second.is_copy("b-1") && second.is_copy("b") && !second.is_copy("a-1"));
    // It is asked again however often it publishes its info.
    assert_eq!(second.info("b-1", false, START + PROBE), None);
    assert_eq!(second.next_deadline(), Some(START + AGAIN));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens, two that hear each other are never both at it for long.
    #[test]
    fn two_never_stay_both(starts in prop::collection::vec((0u64..5_000, any::<bool>()), 1..6), copies: bool) {
        let mut both = if copies {
            [rival("a"), Rival::new("a".into(), "2")]
        } else {
            [rival("a"), rival("b")]
        };
        let mut kept: Option<(usize, bool)> = None;
        let mut steps: Vec<(u64, usize, Step)> = Vec::new();
        let mut starts: Vec<_> = starts;
        starts.push((0, true));
        starts.push((2_500, false));
        let names = if copies { ["a-1", "a-2"] } else { ["a-1", "b-1"] };
        for millis in 0..60_000_u64 {
            let now = Instant::from_millis(millis);
            for (at, first) in &starts {
                if *at == millis {
                    let index = usize::from(!first);
                    both[index].disconnected();
                    let step = both[index].connected(now);
                    if let Some((holder, online)) = kept {
                        both[index].bridge_state(word(online), now);
                        both[index].info(names[holder], true, now);
                    }
                    steps.push((millis, index, step));
                }
            }
            for (index, one) in both.iter_mut().enumerate() {
                steps.extend(one.tick(now).map(|step| (millis, index, step)));
            }
            // What was sent a millisecond ago arrives.
            let due: Vec<_> = steps.extract_if(.., |(at, ..)| *at < millis).collect();
            for (_, index, step) in due {
                let other = 1 - index;
                let new = match step {
                    Step::Marker(marker) => [(index, both[index].marker(marker.as_bytes(), now)), (other, None)],
                    Step::Probe(transaction) if both[other].is_alone() => {
                        [(index, both[index].answer(&transaction, now)), (other, None)]
                    }
                    Step::Begin | Step::Repeat => {
                        kept = Some((index, true));
                        [(other, both[other].bridge_state(word(true), now)), (other, both[other].info(names[index], false, now))]
                    }
                    Step::Probe(_) | Step::KeepOut(_) => [(index, None), (other, None)],
                };
                steps.extend(new.into_iter().filter_map(|(index, step)| Some((millis, index, step?))));
            }
        }
        prop_assert_eq!(both.iter().filter(|one| one.is_alone()).count(), 1);
    }
}

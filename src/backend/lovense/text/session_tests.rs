#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;
use crate::backend::lovense::text::{Courtesy, Greeting};
use crate::domain::{Output, Setting};
use crate::sim::Function;
use crate::sim::text_toy::{TextToy, TextToySpec};

const PACE: Duration = Duration::from_millis(100);
/// From a write to the toy's answer.
const ANSWER: Duration = Duration::from_millis(30);

/// A toy, what is on its way from it, and the conversation.
struct Rig {
    session: Session<u32>,
    toy: TextToy,
    now: Instant,
    on_the_way: VecDeque<(Instant, String)>,
    /// The next so many answers are lost.
    losing: u32,
    done: Vec<(u32, Result<(), OpError>)>,
    told: Vec<Reading>,
    silent: u32,
}

fn spec(letters: &str) -> TextToySpec {
    TextToySpec::new(letters, "f082c00246fa")
}

fn greet(toy: &mut TextToy) -> Option<(Proof, Instant)> {
    let mut greeting = Greeting::new(PACE);
    let mut now = Instant::from_millis(1_000);
    loop {
        match greeting.next(now) {
            Courtesy::Write(bytes) => {
                greeting.written(now);
                for answer in toy.write(now.since_start(), &bytes) {
                    now = now + ANSWER;
                    greeting.heard(answer.as_bytes());
                }
            }
            Courtesy::Wait(until) => now = until,
            Courtesy::Known(proof) => return Some((*proof, now)),
            Courtesy::Stranger => return None,
        }
    }
}

impl Rig {
    fn new(spec: TextToySpec) -> Self {
        let mut toy = TextToy::new(spec);
        let (proof, now) = greet(&mut toy).unwrap();
        let manners = Manners {
            pace: PACE,
            battery: Duration::from_secs(60),
        };
        let mut rig = Self {
            session: Session::new(proof, manners, now),
            toy,
            now,
            on_the_way: VecDeque::new(),
            losing: 0,
            done: Vec::new(),
            told: Vec::new(),
            silent: 0,
        };
        rig.run(Duration::from_secs(1));
        rig
    }

    fn drive(&mut self, ticket: u32, steps: &[i32]) {
        let settings = |(output, step): (&Output, &i32)| Setting {
            key: output.key,
            step: *step,
        };
        let settings = self.session.outputs().iter().zip(steps).map(settings);
        let command = Command::Drive(settings.collect());
        self.session.ask(ticket, &command);
    }

    /// Lets time pass, however the session wants it.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            while let Some(step) = self.session.poll(self.now) {
                match step {
                    Step::Write(bytes) => {
                        for answer in self.toy.write(self.now.since_start(), &bytes) {
                            if self.losing > 0 {
                                self.losing -= 1;
                            } else {
                                self.on_the_way.push_back((self.now + ANSWER, answer));
                            }
                        }
                        self.session.written(self.now, Ok(()));
                    }
                    Step::Done(ticket, result) => self.done.push((ticket, result)),
                    Step::Told(reading) => self.told.push(reading),
                    Step::Silent => self.silent += 1,
                }
            }
            let next = [
                self.session.next_deadline(),
                self.on_the_way.front().map(|(at, _)| *at),
            ];
            let next = next.into_iter().flatten().min();
            match next.filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
            while self
                .on_the_way
                .front()
                .is_some_and(|(at, _)| *at <= self.now)
            {
                let (_, answer) = self.on_the_way.pop_front().unwrap();
                self.session.heard(self.now, answer.as_bytes());
            }
        }
        self.now = end;
    }

    /// What the toy has been told since then, and when.
    fn heard(&self, since: Instant) -> Vec<(u128, &str)> {
        let heard = self.toy.heard().iter();
        heard
            .filter(|heard| heard.at >= since.since_start())
            .map(|heard| {
                let at = heard.at - since.since_start();
                (at.as_millis(), heard.command.as_str())
            })
            .collect()
    }
}

#[test]
fn a_toy_is_greeted_and_stopped_first() {
    let mut toy = TextToy::new(spec("P"));
    toy.write(Duration::ZERO, b"Vibrate:9;");
    let (proof, _) = greet(&mut toy).unwrap();
    assert!(!toy.runs());
    assert!(proof.acknowledges && proof.stops_when_left && toy.stops_when_left());
    let said: Vec<_> = toy.heard()[1..]
        .iter()
        .map(|h| h.command.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "DeviceType",
            "Vibrate:0",
            "Vibrate1:0",
            "Vibrate2:0",
            "GetAS",
            "AutoSwith:On:Off"
        ]
    );
    // The next time it knows.
    let known = toy.heard().len();
    greet(&mut toy).unwrap();
    assert_eq!(toy.heard().last().unwrap().command, "GetAS");
    assert_eq!(toy.heard().len(), known + 5);
}

#[test]
fn what_does_not_speak_the_protocol_is_never_driven() {
    let mut toy = TextToy::new(TextToySpec {
        speaks: false,
        ..spec("S")
    });
    assert!(greet(&mut toy).is_none());
    assert!(
        toy.heard()
            .iter()
            .all(|heard| heard.command == "DeviceType")
    );
}

#[test]
fn a_toy_that_cannot_stop_by_itself_says_so() {
    let mut toy = TextToy::new(TextToySpec {
        can_auto_stop: false,
        acknowledges: false,
        ..spec("S")
    });
    let (proof, _) = greet(&mut toy).unwrap();
    assert!(!proof.stops_when_left && !proof.acknowledges);
}

#[test]
fn writes_are_apart_and_a_stop_is_not_kept_waiting() {
    let mut rig = Rig::new(spec("A"));
    let start = rig.now;
    rig.drive(1, &[5, -5]);
    rig.run(Duration::from_millis(120));
    assert_eq!(rig.heard(start), [(0, "Vibrate:5"), (100, "RotateChange")]);
    rig.session.ask(2, &Command::Stop);
    rig.run(Duration::from_secs(1));
    assert_eq!(
        rig.heard(start)[2..],
        [(120, "Vibrate:0"), (220, "Rotate:0")]
    );
    assert!(!rig.toy.runs());
    assert!(matches!(
        &rig.done[..],
        [(1, Err(OpError::Refused(_))), (2, Ok(()))]
    ));
}

#[test]
fn the_whole_vector_is_acknowledged_once() {
    let mut rig = Rig::new(spec("P"));
    rig.drive(1, &[3, 9]);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.done, [(1, Ok(()))]);
    assert_eq!(rig.toy.level(Function::Vibrate1), 3);
    assert_eq!(rig.toy.level(Function::Vibrate2), 9);
}

#[test]
fn what_was_refused_after_a_part_had_been_taken_has_had_an_effect() {
    let mut rig = Rig::new(TextToySpec {
        refuses: Some("Rotate"),
        ..spec("A")
    });
    rig.drive(1, &[12, 10]);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.toy.level(Function::Vibrate), 12);
    rig.toy.spec_mut().refuses = Some("Vibrate");
    rig.drive(2, &[5, 0]);
    rig.run(Duration::from_secs(1));
    let effects: Vec<_> = rig
        .done
        .iter()
        .map(|(ticket, result)| {
            let error = result.as_ref().unwrap_err();
            (*ticket, !error.without_effect())
        })
        .collect();
    assert_eq!(effects, [(1, true), (2, false)], "{:?}", rig.done);
}

#[test]
fn one_lost_answer_does_not_cost_more_than_one_more_try() {
    let mut rig = Rig::new(spec("S"));
    rig.losing = 1;
    for (ticket, step) in [(1, 5), (2, 6), (3, 7), (4, 8)] {
        rig.drive(ticket, &[step]);
        rig.run(Duration::from_secs(2));
    }
    let done = rig.done.iter().map(|(_, result)| result.is_ok());
    assert_eq!(done.collect::<Vec<_>>(), [false, false, true, true]);
}

#[test]
fn a_late_answer_to_a_setting_does_not_confirm_a_stop() {
    let mut rig = Rig::new(spec("S"));
    rig.losing = 1;
    rig.drive(1, &[5]);
    rig.run(Duration::from_secs(2));
    assert_eq!(rig.done, [(1, Err(OpError::Timeout(PATIENCE)))]);
    // The toy has not heard the stop, and answers the setting only now.
    rig.losing = 1;
    rig.session.ask(2, &Command::Stop);
    rig.run(Duration::from_millis(1));
    rig.session.heard(rig.now, b"OK;");
    rig.run(Duration::from_millis(100));
    assert_eq!(rig.done.len(), 1, "{:?}", rig.done);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.done.last(), Some(&(2, Ok(()))));
}

#[test]
fn a_lost_answer_is_a_timeout_and_a_lost_stop_is_said_again() {
    let mut rig = Rig::new(spec("S"));
    rig.losing = 1;
    rig.drive(1, &[5]);
    rig.run(Duration::from_secs(2));
    assert_eq!(rig.done, [(1, Err(OpError::Timeout(PATIENCE)))]);
    let start = rig.now;
    rig.losing = 2;
    rig.session.ask(2, &Command::Stop);
    rig.run(Duration::from_secs(2));
    let stops = rig.heard(start);
    assert_eq!(stops.iter().filter(|(_, c)| *c == "Vibrate:0").count(), 3);
    assert_eq!(rig.done.last(), Some(&(2, Ok(()))));
    rig.losing = 9;
    rig.session.ask(3, &Command::Stop);
    rig.run(Duration::from_secs(1));
    assert!(matches!(
        rig.done.last(),
        Some((3, Err(OpError::Timeout(_))))
    ));
}

#[test]
fn an_ok_of_something_else_is_no_battery_and_no_stop() {
    let mut rig = Rig::new(spec("S"));
    assert_eq!(rig.told, [Reading::Battery(85)]);
    rig.toy.spec_mut().battery = 40;
    rig.session.look(rig.now);
    rig.session.heard(rig.now, b"OK;OK;");
    rig.run(Duration::from_millis(10));
    rig.session.heard(rig.now, b"OK;");
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.told, [Reading::Battery(85), Reading::Battery(40)]);
    // The answer to the setting that the stop overtook does not acknowledge the stop.
    rig.drive(1, &[5]);
    rig.run(Duration::from_millis(1));
    rig.session.ask(2, &Command::Stop);
    rig.losing = 1;
    rig.run(Duration::from_millis(60));
    assert!(rig.done.iter().all(|(ticket, _)| *ticket == 1));
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.done.last(), Some(&(2, Ok(()))));
}

#[test]
fn a_silent_toy_is_noticed() {
    let mut rig = Rig::new(spec("S"));
    rig.losing = 1_000;
    rig.run(Duration::from_secs(59));
    assert_eq!(rig.silent, 0);
    rig.run(Duration::from_secs(5));
    assert_eq!(rig.silent, 1);
}

#[test]
fn a_silent_toy_is_noticed_while_it_is_told_to_stop() {
    let mut rig = Rig::new(spec("S"));
    rig.losing = 1_000;
    for ticket in 1..=3 {
        rig.session.ask(ticket, &Command::Stop);
        rig.run(Duration::from_millis(800));
    }
    assert_eq!(rig.silent, 1);
}

#[test]
fn a_toy_that_acknowledges_nothing_can_be_driven() {
    let mut rig = Rig::new(TextToySpec {
        acknowledges: false,
        ..spec("P")
    });
    rig.drive(1, &[5, 5]);
    rig.run(Duration::from_millis(10));
    assert_eq!(rig.done, [(1, Ok(()))]);
    // So soon after another write, the stop is said twice.
    let start = rig.now;
    rig.session.ask(2, &Command::Stop);
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.heard(start).len(), 6);
    assert_eq!(rig.done.last(), Some(&(2, Ok(()))));
}

#[test]
fn a_failed_write_fails_what_it_was_for() {
    let mut rig = Rig::new(spec("S"));
    rig.drive(1, &[5]);
    assert!(matches!(rig.session.poll(rig.now), Some(Step::Write(_))));
    rig.session.written(rig.now, Err("gone".to_owned()));
    rig.session.ask(2, &Command::Stop);
    assert_eq!(
        rig.session.poll(rig.now),
        Some(Step::Done(1, Err(OpError::Link("gone".to_owned()))))
    );
    assert!(matches!(rig.session.poll(rig.now), Some(Step::Write(_))));
    rig.session.written(rig.now, Err("gone".to_owned()));
    assert!(matches!(
        rig.session.poll(rig.now),
        Some(Step::Done(2, Err(_)))
    ));
}

proptest! {
    /// Whatever is asked and whatever is lost: every asker is told once, ordinary writes are apart,
    /// and a toy whose stop was acknowledged does not run.
    #[test]
    fn nothing_is_lost(
        letters in prop_oneof![Just("S"), Just("P"), Just("A"), Just("U"), Just("BA"), Just("B")],
        acknowledges in any::<bool>(),
        events in proptest::collection::vec((0u8..4, 0u64..400, 0i32..20, 0i32..20), 1..30),
    ) {
        let mut rig = Rig::new(TextToySpec { acknowledges, ..spec(letters) });
        let (mut asked, mut lost) = (0, 0);
        for (what, wait, one, two) in events {
            match what {
                0 | 1 => {
                    asked += 1;
                    rig.drive(asked, &[one, two]);
                }
                2 => {
                    asked += 1;
                    rig.session.ask(asked, &Command::Stop);
                }
                _ => {
                    rig.losing += 1;
                    lost += 1;
                }
            }
            rig.run(Duration::from_millis(wait));
        }
        rig.losing = 0;
        asked += 1;
        rig.session.ask(asked, &Command::Stop);
        rig.run(Duration::from_secs(10));
        prop_assert!(!rig.toy.runs());
        prop_assert!(lost >= 2 || rig.silent == 0);
        let mut tickets: Vec<u32> = rig.done.iter().map(|(ticket, _)| *ticket).collect();
        tickets.sort_unstable();
        prop_assert_eq!(tickets, (1..=asked).collect::<Vec<_>>());
        prop_assert_eq!(rig.done.last().map(|(_, result)| result.is_ok()), Some(true));
        let heard = rig.toy.heard();
        for pair in heard.windows(2) {
            let stop = pair[1].command.starts_with("Vibrate:0") || pair[1].command.starts_with("Mply:0");
            prop_assert!(stop || pair[1].at - pair[0].at >= PACE, "{pair:?}");
        }
    }
}

//! The models.

use super::Function::{
    Depth, Fingering, Oscillate, Position, Pump, Rotate, Stroke, Suction, Thrusting, Vibrate,
    Vibrate1, Vibrate2, Vibrate3,
};
use super::TextForm::{Air, Numbered, Place, RangedStroker, Rotation, Single, Stroker, Together};
use super::{Generation, Model};
use crate::domain::InputKind::{Button, Depth as DepthInput, Motion, Shake, Strength};

/// A toy with one vibrating motor: what most models are.
const VIBRATOR: Model = Model {
    name: "",
    letters: &[],
    slugs: &[],
    generations: &[],
    functions: &[Vibrate],
    text: &[Single(Vibrate)],
    labels: &[],
    inputs: &[],
    app_omits_motors: false,
    note: None,
};

/// A toy with two vibrating motors.
const DUAL: Model = Model {
    functions: &[Vibrate, Vibrate1, Vibrate2],
    text: &[Numbered(&[Vibrate1, Vibrate2])],
    ..VIBRATOR
};

/// The first of the models that share a slug is the one taken when the firmware does not tell.
pub(super) const MODELS: &[Model] = &[
    Model {
        name: "Nora",
        letters: &["A", "C", "TOYA", "TOYC"],
        slugs: &["nora"],
        functions: &[Vibrate, Rotate],
        text: &[Single(Vibrate), Rotation],
        inputs: &[Button, Shake, Strength],
        note: Some("The app sets the speed of the rotation, not its direction."),
        ..VIBRATOR
    },
    Model {
        name: "Max",
        letters: &["B", "TOYB"],
        slugs: &["max"],
        generations: &[
            Generation {
                name: "Max",
                firmware: &[106..=129, 132..=199],
            },
            Generation {
                name: "Max 2",
                firmware: &[200..=u32::MAX],
            },
        ],
        functions: &[Vibrate, Pump],
        text: &[Single(Vibrate), Air],
        inputs: &[Button, Shake, Strength],
        note: Some(
            "Toy Events are known of Max 2 only. Old protocol notes give the pump 5 steps, the app 3.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "Ambi",
        letters: &["L"],
        slugs: &["ambi"],
        ..VIBRATOR
    },
    Model {
        name: "Lush",
        letters: &["S"],
        slugs: &["lush"],
        generations: &[
            Generation {
                name: "Lush",
                firmware: &[1..=43, 46..=50, 52..=99],
            },
            Generation {
                name: "Lush 2",
                firmware: &[100..=139, 500..=529],
            },
            Generation {
                name: "Lush 3",
                firmware: &[140..=469],
            },
            Generation {
                name: "Lush 4",
                firmware: &[470..=489, 491..=499],
            },
            Generation {
                name: "Lush Pro",
                firmware: &[530..=559],
            },
        ],
        note: Some(
            "Toys of other makers advertise the same name over Bluetooth but speak another protocol.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "Lush Anal",
        letters: &["AN"],
        slugs: &["z17", "z"],
        ..VIBRATOR
    },
    Model {
        name: "Hush",
        letters: &["Z"],
        slugs: &["hush"],
        generations: &[
            Generation {
                name: "Hush",
                firmware: &[206..=299],
            },
            Generation {
                name: "Hush 2",
                firmware: &[300..=1000],
            },
        ],
        ..VIBRATOR
    },
    Model {
        name: "Domi",
        letters: &["W"],
        slugs: &["domi"],
        generations: &[
            Generation {
                name: "Domi",
                firmware: &[44..=99],
            },
            Generation {
                name: "Domi 2",
                firmware: &[100..=10_000],
            },
        ],
        ..VIBRATOR
    },
    Model {
        name: "Osci",
        letters: &["O"],
        slugs: &["osci"],
        generations: &[
            Generation {
                name: "Osci",
                firmware: &[0..=54],
            },
            Generation {
                name: "Osci 2",
                firmware: &[200..=249],
            },
        ],
        ..VIBRATOR
    },
    Model {
        name: "Osci 3",
        letters: &["OC"],
        slugs: &["osci"],
        generations: &[Generation {
            name: "Osci 3",
            firmware: &[250..=279],
        }],
        ..DUAL
    },
    Model {
        name: "Mission",
        letters: &["V"],
        slugs: &["mission"],
        ..VIBRATOR
    },
    Model {
        name: "Mission 2",
        letters: &["CA"],
        slugs: &["mission"],
        generations: &[Generation {
            name: "Mission 2",
            firmware: &[30..=59],
        }],
        inputs: &[Motion, Shake],
        note: Some("Touch-sensitive: reports the movement of a hand along it."),
        ..VIBRATOR
    },
    Model {
        name: "Ferri",
        letters: &["X"],
        slugs: &["ferri"],
        ..VIBRATOR
    },
    Model {
        name: "Diamo",
        letters: &["R"],
        slugs: &["diamo"],
        note: Some("Sources disagree whether it has one motor or two; what the app lists decides."),
        ..VIBRATOR
    },
    Model {
        name: "Edge",
        letters: &["P"],
        slugs: &["edge"],
        generations: &[
            Generation {
                name: "Edge",
                firmware: &[43..=199],
            },
            Generation {
                name: "Edge 2",
                firmware: &[200..=10_000],
            },
        ],
        app_omits_motors: true,
        ..DUAL
    },
    Model {
        name: "Dolce",
        letters: &["J"],
        slugs: &["dolce", "quake"],
        note: Some("First sold as Quake."),
        ..DUAL
    },
    Model {
        name: "Gemini",
        letters: &["N"],
        slugs: &["gemini"],
        ..DUAL
    },
    Model {
        name: "Gush",
        letters: &["ED"],
        slugs: &["gush"],
        generations: &[Generation {
            name: "Gush",
            firmware: &[1..=2],
        }],
        ..VIBRATOR
    },
    Model {
        name: "Gush 2",
        letters: &["EZ"],
        slugs: &["gush"],
        generations: &[Generation {
            name: "Gush 2",
            firmware: &[60..=79],
        }],
        functions: &[Oscillate],
        text: &[Single(Oscillate)],
        inputs: &[Shake],
        note: Some(
            "Lovense lists Oscillate only, Buttplug a vibrator; what the app lists decides.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "Hyphy",
        letters: &["EB"],
        slugs: &["hyphy"],
        note: Some("Buttplug drives two motors, Lovense lists one; what the app lists decides."),
        ..VIBRATOR
    },
    Model {
        name: "Calor",
        letters: &["T"],
        slugs: &["calor"],
        ..VIBRATOR
    },
    Model {
        name: "Flexer",
        letters: &["EI"],
        slugs: &["flexer"],
        functions: &[Vibrate, Fingering],
        labels: &[(Fingering, "Finger motion")],
        note: Some("Before firmware 3 all its motors move together over Bluetooth."),
        ..VIBRATOR
    },
    Model {
        name: "Flexer",
        letters: &["EI-FW3"],
        slugs: &[],
        functions: &[Vibrate1, Vibrate2, Fingering],
        text: &[Together(&[Vibrate1, Vibrate2, Fingering])],
        labels: &[
            (Vibrate1, "Internal vibe"),
            (Vibrate2, "External vibe"),
            (Fingering, "Finger motion"),
        ],
        note: Some("Firmware 3 and later; the app joins both vibrators into one function."),
        ..VIBRATOR
    },
    Model {
        name: "Gravity",
        letters: &["EA", "EY"],
        slugs: &["gravity"],
        generations: &[
            Generation {
                name: "Gravity",
                firmware: &[2..=59],
            },
            Generation {
                name: "C12A",
                firmware: &[100..=129],
            },
        ],
        functions: &[Vibrate, Thrusting],
        text: &[Numbered(&[Vibrate, Thrusting])],
        ..VIBRATOR
    },
    Model {
        name: "Tenera",
        letters: &["Q"],
        slugs: &["tenera"],
        generations: &[
            Generation {
                name: "Tenera",
                firmware: &[2..=99],
            },
            Generation {
                name: "Tenera 2",
                firmware: &[100..=129],
            },
        ],
        functions: &[Vibrate, Suction],
        note: Some("Suction is known over the app only."),
        ..VIBRATOR
    },
    Model {
        name: "Exomoon",
        letters: &["EF"],
        slugs: &["exomoon"],
        ..VIBRATOR
    },
    Model {
        name: "Ridge",
        letters: &["EL"],
        slugs: &["ridge"],
        functions: &[Vibrate, Rotate],
        text: &[Single(Vibrate), Rotation],
        ..VIBRATOR
    },
    Model {
        name: "Lapis",
        letters: &["U"],
        slugs: &["lapis"],
        functions: &[Vibrate, Vibrate1, Vibrate2, Vibrate3],
        text: &[Together(&[Vibrate1, Vibrate2, Vibrate3])],
        labels: &[
            (Vibrate1, "Tip vibe"),
            (Vibrate2, "Internal vibe"),
            (Vibrate3, "External vibe"),
        ],
        ..VIBRATOR
    },
    Model {
        name: "Vulse",
        letters: &["SD"],
        slugs: &["vulse"],
        ..VIBRATOR
    },
    Model {
        name: "Solace",
        letters: &["H"],
        slugs: &["solace"],
        functions: &[Thrusting, Depth],
        text: &[Stroker],
        inputs: &[Button, DepthInput, Strength],
        note: Some("No vibrator. With depth 0 it does not travel."),
        ..VIBRATOR
    },
    Model {
        name: "Solace Pro",
        letters: &["BA"],
        slugs: &["solace pro", "solacepro"],
        functions: &[Thrusting, Stroke, Position],
        text: &[RangedStroker, Place],
        inputs: &[Button, DepthInput, Motion, Strength],
        note: Some(
            "Takes a position for about 300 ms; a movement starts 1 to 2 s after the first one.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "Sex Machine",
        letters: &["F"],
        slugs: &["xmachine"],
        generations: &[Generation {
            name: "XMachine",
            firmware: &[],
        }],
        functions: &[Thrusting],
        text: &[Single(Thrusting)],
        note: Some(
            "Lovense lists Vibrate and Thrusting, others one speed; what the app lists decides.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "Mini Sex Machine",
        letters: &["FS"],
        slugs: &["mini xmachine"],
        generations: &[Generation {
            name: "Mini XMachine",
            firmware: &[],
        }],
        functions: &[Thrusting],
        text: &[Single(Thrusting)],
        note: Some(
            "Lovense lists Vibrate and Thrusting, others one speed; what the app lists decides.",
        ),
        ..VIBRATOR
    },
    Model {
        name: "C20",
        letters: &["SU"],
        slugs: &["c20", "c"],
        ..VIBRATOR
    },
    Model {
        name: "C17",
        letters: &["FZ"],
        slugs: &["c17", "c"],
        ..VIBRATOR
    },
    Model {
        name: "Spinel",
        letters: &["WD"],
        slugs: &["spinel", "c22", "c"],
        functions: &[Vibrate, Thrusting],
        text: &[Numbered(&[Vibrate, Thrusting])],
        labels: &[(Vibrate, "Attachment vibe")],
        ..VIBRATOR
    },
    Model {
        name: "QA01",
        letters: &["QA"],
        slugs: &["qa01", "qa"],
        ..DUAL
    },
    Model {
        name: "Model LA",
        letters: &["LA"],
        slugs: &[],
        note: Some("Known by its Bluetooth service only."),
        ..VIBRATOR
    },
    Model {
        name: "Loveai Dolp",
        letters: &["ToyS"],
        slugs: &["dolp"],
        note: Some("A toy of another maker that speaks the protocol."),
        ..VIBRATOR
    },
];

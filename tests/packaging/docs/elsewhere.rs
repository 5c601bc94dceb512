//! Commands of the documentation that are not typed by a test, and who runs or checks them.

/// A command that is run elsewhere.
pub(super) struct Elsewhere {
    /// As it is typed.
    pub(super) command: &'static str,
    /// A file of the repository that runs it, or the nearest that can be run.
    pub(super) by: &'static str,
    /// How it stands there.
    pub(super) as_: &'static str,
}

const fn run(command: &'static str, by: &'static str, as_: &'static str) -> Elsewhere {
    Elsewhere { command, by, as_ }
}

/// All of them. One that nobody is told to type any more is an error, too.
pub(super) const ELSEWHERE: &[Elsewhere] = &[
    run("make test", ".ci/run", "\nmake test\n"),
    run("make lint", ".ci/run", "\nmake lint\n"),
    // They fetch brokers: the same races run on Mosquitto in `make bench`.
    run(
        "scripts/stop-races.sh",
        "benches/figures/races.rs",
        "`scripts/stop-races.sh`",
    ),
    run(
        "findings/order-across-qos.sh",
        "findings/order-across-qos.sh",
        "#!/bin/sh",
    ),
    run(
        "cargo install --path .",
        ".ci/run",
        "cargo install --path .",
    ),
    // An engine for containers is not to be had where tests run: the file is parsed, its settings are
    // checked, and scripts/container.sh runs the same program in the same image.
    run(
        "docker compose up -d",
        "tests/packaging/container.rs",
        "fn compose()",
    ),
    run(
        "docker compose exec toy2mqtt /toy2mqtt doctor",
        "scripts/container.sh",
        "run doctor ",
    ),
    run(
        "docker compose exec toy2mqtt /toy2mqtt stop",
        "scripts/container.sh",
        "run stop ",
    ),
    // Tests run without systemd and leave the machine as it is: a release does this. What is in the
    // package is looked at by scripts/package.sh.
    run(
        "sudo apt install ./toy2mqtt_0.1.0-1_amd64.deb",
        ".github/workflows/release.yml",
        "sudo apt install -y ./dist/toy2mqtt_*.deb",
    ),
    run(
        "sudo editor /etc/toy2mqtt/toy2mqtt.toml",
        "scripts/package.sh",
        "check --config \"$root/etc/toy2mqtt/toy2mqtt.toml\"",
    ),
    run(
        "sudo systemctl enable --now toy2mqtt",
        ".github/workflows/release.yml",
        "sudo systemctl enable --now toy2mqtt",
    ),
];

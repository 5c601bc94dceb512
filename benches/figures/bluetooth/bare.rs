//! The floor: a bare write by the Bluetooth library, with nothing around it. In a process of its
//! own, because the library finds the bus by a variable of its process.

use std::io::{BufRead, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use btleplug::api::{
    Central, CharPropFlags, Characteristic, Manager as _, Peripheral as _, WriteType,
};
use btleplug::platform::{Manager, Peripheral};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{Failure, within};

const ARGUMENT: &str = "--bare-bluetooth=";

/// The toy to write to, if this process is to do so.
pub(crate) fn asked(arguments: &[String]) -> Option<&str> {
    arguments.iter().find_map(|it| it.strip_prefix(ARGUMENT))
}

/// Writes every line of its input to the toy, and says when it began.
pub(crate) fn run(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let Err(error) = runtime.block_on(write(address)) {
        eprintln!("bare Bluetooth: {error}");
    }
}

async fn write(address: &str) -> Result<(), Failure> {
    let (peripheral, to) = connect(address).await?;
    say("ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let began = monotonic();
        peripheral
            .write(&to, line.as_bytes(), WriteType::WithoutResponse)
            .await?;
        say(&began.as_nanos().to_string())?;
    }
    Ok(())
}

async fn connect(address: &str) -> Result<(Peripheral, Characteristic), Failure> {
    let manager = Manager::new().await?;
    let adapter = manager.adapters().await?.into_iter().next();
    let adapter = adapter.ok_or("no adapter")?;
    let known = adapter.peripherals().await?.into_iter();
    let mut known = known.filter(|it| it.address().to_string() == address);
    let peripheral = known.next().ok_or("no such toy")?;
    peripheral.connect().await?;
    peripheral.discover_services().await?;
    let all = peripheral.characteristics();
    let has = |flag| all.iter().find(|it| it.properties.contains(flag)).cloned();
    let to = has(CharPropFlags::WRITE_WITHOUT_RESPONSE).ok_or("nothing to write to")?;
    let from = has(CharPropFlags::NOTIFY).ok_or("nothing to listen to")?;
    peripheral.subscribe(&from).await?;
    Ok((peripheral, to))
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// The clock that processes share.
fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// The process that writes.
pub(super) struct Bare {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// The same moment by both clocks.
    epoch: (Instant, Duration),
}

impl Bare {
    /// Connects to the toy with this address, which the service has to know.
    pub(super) async fn start(bus: &str, address: &str) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(format!("{ARGUMENT}{address}"))
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or("no pipe")?;
        let output = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let mut bare = Self {
            _child: child,
            input,
            output,
            epoch: (Instant::now(), monotonic()),
        };
        bare.line().await?;
        Ok(bare)
    }

    /// Writes this, and says when it began.
    pub(super) async fn write(&mut self, text: &str) -> Result<Instant, Failure> {
        self.input.write_all(format!("{text}\n").as_bytes()).await?;
        let began = Duration::from_nanos(self.line().await?.parse()?);
        Ok(self.epoch.0 + (began - self.epoch.1))
    }

    async fn line(&mut self) -> Result<String, Failure> {
        let line = within(10, "the bare writer", self.output.next_line()).await??;
        line.ok_or_else(|| "the bare writer has ended".into())
    }
}

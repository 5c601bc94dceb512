//! Memory and processor time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::forwarder::Forwarder;
use crate::proc::{self, Memory, mebibytes};
use crate::stage::{App, Bridge, Stage, program};
use crate::stats::millis;
use crate::table::Row;
use crate::{Failure, client};

/// Between two writes. With so many toys each is a request to the app.
const EVERY: Duration = Duration::from_millis(1);

const WRITES: usize = 10_000;
const TOYS: usize = 200;

pub(crate) async fn memory() -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (toys, limit) in [(10, 10 << 20), (1_000, 25 << 20)] {
        let stage = Stage::set(App::vibrators(toys), "").await?;
        write(&stage, toys, toys * 2).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let memory = Memory::of(stage.bridge.pid())?;
        rows.push(Row::new(
            format!("RSS with {toys} toys"),
            format!(
                "{} ({} of it anonymous)",
                mebibytes(memory.resident),
                mebibytes(memory.anonymous)
            ),
            if toys == 10 { "peer: 45 MiB" } else { "–" },
            format!("≤ {}", mebibytes(limit)),
            memory.resident <= limit,
        ));
    }
    rows.push(panel().await?);
    let size = std::fs::metadata(program())?.len();
    rows.push(Row::note("size of the program", mebibytes(size)));
    Ok(rows)
}

/// What the panel costs: all its files asked for, two who watch, and toys that move meanwhile.
async fn panel() -> Result<Row, Failure> {
    let off = Stage::set(App::vibrators(10), "").await?;
    write(&off, 10, 200).await?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let web = format!("[web]\nlisten = \"127.0.0.1:{port}\"");
    let on = Stage::set(App::vibrators(10), &web).await?;
    let ask = async |path: &str| -> Result<TcpStream, Failure> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        Ok(stream)
    };
    let watchers = [ask("/api/events").await?, ask("/api/events").await?];
    let mut reading = tokio::task::JoinSet::new();
    for mut watcher in watchers {
        reading.spawn(async move { tokio::io::copy(&mut watcher, &mut tokio::io::sink()).await });
    }
    for (path, content) in toy2mqtt::web::asset_bytes() {
        let mut answer = Vec::new();
        ask(path).await?.read_to_end(&mut answer).await?;
        if !answer.ends_with(content) {
            return Err(format!("the panel does not serve {path}").into());
        }
    }
    write(&on, 10, 200).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let without = Memory::of(off.bridge.pid())?.resident;
    let with = Memory::of(on.bridge.pid())?.resident;
    let more = with.saturating_sub(without);
    let limit = 3 << 20;
    Ok(Row::new(
        "RSS more with the panel and two who watch",
        mebibytes(more),
        "–",
        format!("≤ {}", mebibytes(limit)),
        more <= limit,
    ))
}

pub(crate) async fn cpu() -> Result<Vec<Row>, Failure> {
    let stage = Stage::set(App::vibrators(TOYS), "").await?;
    write(&stage, TOYS, TOYS).await?;
    let process = |bridge: &Bridge| proc::cpu(&bridge.pid().to_string());
    let posts = stage.app.counts().commands();
    let before = process(&stage.bridge)?;
    write(&stage, TOYS, WRITES).await?;
    let spent = process(&stage.bridge)? - before;
    let posts = stage.app.counts().commands() - posts;

    let floor = forward(&stage, false).await?;
    let peer = forward(&stage, true).await?;
    let each = |spent: Duration| spent / u32::try_from(WRITES).unwrap_or(u32::MAX);
    Ok(vec![Row::new(
        format!("CPU per write, over {WRITES} writes and {posts} POSTs"),
        millis(each(spent)),
        format!(
            "bare MQTT → HTTP forwarder {}, one that publishes as much {}; peer: 1.1 ms",
            millis(each(floor)),
            millis(each(peer))
        ),
        format!(
            "≤ 2 × the latter (is {:.2} ×)",
            spent.as_secs_f64() / peer.as_secs_f64()
        ),
        spent <= peer * 2,
    )])
}

/// What a forwarder spends on as many writes.
async fn forward(stage: &Stage, answers: bool) -> Result<Duration, Failure> {
    let url = stage.app.command_url();
    let forwarder = Forwarder::start(stage.broker.port, &url, answers).await?;
    let before = forwarder.spent()?;
    let mut ticks = client::ticks(EVERY);
    for write in 0..WRITES {
        ticks.tick().await;
        let topic = format!("floor/{}/vibrate/set", stage.app.ids()[write % TOYS]);
        stage.client.publish(&topic, "50").await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(forwarder.spent()? - before)
}

/// Writes to all toys in turn, another level in each round and 0 in the last.
async fn write(stage: &Stage, toys: usize, writes: usize) -> Result<(), Failure> {
    let topics: Vec<String> = (0..toys)
        .map(|toy| format!("bench/{}/vibrate/set", App::toy(toy)))
        .collect();
    let rounds = writes.div_ceil(toys);
    let mut ticks = client::ticks(EVERY);
    for write in 0..writes {
        ticks.tick().await;
        let left = rounds - write / toys;
        let percent = (left - 1) % 20 * 5;
        stage
            .client
            .publish(&topics[write % toys], &percent.to_string())
            .await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

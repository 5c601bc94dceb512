//! Whether toys that connect by themselves can.

use std::net::SocketAddr;

use serde_json::Value;

use super::Finding;

/// The port for them. `held` is what the running bridge says of it.
pub(super) fn port(address: SocketAddr, held: Value) -> Finding {
    if held["state"] == "up" {
        let text = format!("the bridge waits for toys at ws://{address}");
        return Finding::good("wsdm", text);
    }
    match held["last_error"].as_str() {
        Some(error) => {
            let cure = "end the other program or choose another port with wsdm.listen";
            Finding::bad("wsdm", error, cure)
        }
        None => {
            let text = format!("ws://{address} is closed while the bridge does not run");
            Finding::good("wsdm", text)
        }
    }
}

//! `herscope devices`.

use super::args::Shared;
use super::exit::ExitCode;
use super::output::{print_json, print_result};
use crate::compute::{Adapter, DeviceInfo, DeviceRequest, adapters, select};
use crate::report::{Align, TextTable};
use crate::{Error, Warning};
use serde::Serialize;

#[derive(Serialize)]
struct DevicesDocument {
    schema_version: u32,
    command: &'static str,
    warnings: Vec<Warning>,
    adapters: Vec<Adapter>,
    auto: AutoBlock,
    threads: usize,
}

#[derive(Serialize)]
struct AutoBlock {
    device: DeviceInfo,
    reason: String,
}

/// Lists adapters and limits, and which one `auto` takes and why.
pub(super) fn devices(shared: &Shared) -> Result<ExitCode, Error> {
    let selection = select(&DeviceRequest::Auto)?;
    let document = DevicesDocument {
        schema_version: 1,
        command: "devices",
        warnings: Vec::new(),
        adapters: adapters(),
        auto: AutoBlock { device: selection.backend.device(), reason: selection.reason },
        threads: rayon::current_num_threads(),
    };
    if shared.json {
        print_json(&document)?;
    } else {
        print_result(&text(&document))?;
    }
    Ok(ExitCode::Done)
}

fn text(document: &DevicesDocument) -> String {
    let mut out = String::new();
    if document.adapters.is_empty() {
        out.push_str("No GPU adapter was found.\n");
    } else {
        let mut table = TextTable::new([
            ("adapter", Align::Left),
            ("kind", Align::Left),
            ("api", Align::Left),
            ("driver", Align::Left),
            ("storage buffer, MiB", Align::Right),
            ("workgroup memory, KiB", Align::Right),
        ]);
        for adapter in &document.adapters {
            table.row([
                adapter.name.clone(),
                adapter.kind.to_owned(),
                adapter.api.clone(),
                adapter.driver.clone(),
                (adapter.max_storage_buffer_bytes >> 20).to_string(),
                (adapter.max_workgroup_memory_bytes >> 10).to_string(),
            ]);
        }
        out.push_str(&table.render());
    }
    let AutoBlock { device, reason } = &document.auto;
    out.push_str(&format!(
        "auto takes: {} ({reason}); {} CPU threads\n",
        device.name, document.threads
    ));
    out
}

//! `devices`: what there is to train on, and whether it computes what the CPU computes.

use std::process::ExitCode;

use serde_json::json;

use super::check::check;
use super::spec::closed;
use crate::cli::{DevicesArgs, PlanFormat};
use crate::launch::{Gpu, Host};
use crate::output::{self, Failure};
use focalsweep_engine::train::instructions;

pub(super) fn devices(args: &DevicesArgs) -> Result<ExitCode, Failure> {
    let host = Host::look_closely();
    if let Some(path) = &args.check {
        return check(path, &host, args.format);
    }
    match args.format {
        PlanFormat::Json => {
            let mut found = json!(host);
            found["simd"] = json!(instructions());
            output::data(&format!("{found:#}"))
        }
        PlanFormat::Table => output::lines(&(table(&host) + &format!("vector instructions: {}\n", instructions()))),
    }
    .map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

fn table(host: &Host) -> String {
    let mut rows = vec![["device", "model", "memory free", "of", "compute", "busy"].map(str::to_owned)];
    let memory =
        |bytes: Option<u64>| bytes.map_or("?".into(), |bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
    let cores = format!("{} ({} cores)", host.processor, host.cores);
    rows.push(["cpu".into(), cores, memory(Some(host.memory_free)), String::new(), String::new(), String::new()]);
    let gpu = |name: String, gpu: &Gpu| {
        let busy = gpu.utilisation.map_or("?".into(), |share| format!("{share} %"));
        let compute = gpu.compute_capability.clone().unwrap_or_else(|| "?".into());
        [name, gpu.name.clone(), memory(gpu.memory_free), memory(gpu.memory_total), compute, busy]
    };
    rows.extend(host.gpus.iter().enumerate().map(|(index, found)| gpu(format!("cuda:{index}"), found)));
    rows.extend(host.hidden_gpus.iter().map(|found| gpu("not used".into(), found)));
    let mut text = output::columns(&rows);
    let driver =
        host.driver.as_ref().map_or("no NVIDIA driver".to_owned(), |version| format!("NVIDIA driver {version}"));
    let libtorch = host.libtorch.as_ref().map_or("no focalsweep-torch".to_owned(), |v| format!("libtorch {v}"));
    text += &format!("\n{libtorch}, {driver}\n");
    match &host.no_cuda {
        Some(why) => text += &format!("no GPU to train on: {why}\n"),
        None if !host.hidden_gpus.is_empty() => {
            text += "GPUs that are not used: libtorch does not see them (CUDA_VISIBLE_DEVICES?)\n";
        }
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gpu_has_a_line() {
        let gpu = |name: &str| Gpu {
            name: name.into(),
            uuid: None,
            memory_free: Some(78 << 30),
            memory_total: Some(80 << 30),
            compute_capability: Some("9.0".into()),
            utilisation: Some(3),
        };
        let host = Host {
            cores: 16,
            processor: "AMD EPYC 9V74".into(),
            memory_free: 100 << 30,
            driver: Some("550.54.15".into()),
            libtorch: Some("2.11.0".into()),
            gpus: vec![gpu("NVIDIA H100 80GB HBM3"), Gpu { name: "GPU".into(), ..Gpu::default() }],
            hidden_gpus: vec![gpu("NVIDIA L4")],
            no_cuda: None,
        };
        insta::assert_snapshot!(table(&host), @r"
        device    model                     memory free  of        compute  busy
        cpu       AMD EPYC 9V74 (16 cores)  100.0 GiB
        cuda:0    NVIDIA H100 80GB HBM3     78.0 GiB     80.0 GiB  9.0      3 %
        cuda:1    GPU                       ?            ?         ?        ?
        not used  NVIDIA L4                 78.0 GiB     80.0 GiB  9.0      3 %

        libtorch 2.11.0, NVIDIA driver 550.54.15
        GPUs that are not used: libtorch does not see them (CUDA_VISIBLE_DEVICES?)
        ");
        let none = Host {
            gpus: vec![],
            hidden_gpus: vec![],
            driver: None,
            libtorch: None,
            no_cuda: Some("there is no driver".into()),
            ..host
        };
        assert!(
            table(&none).ends_with("no focalsweep-torch, no NVIDIA driver\nno GPU to train on: there is no driver\n"),
            "{}",
            table(&none)
        );
    }
}

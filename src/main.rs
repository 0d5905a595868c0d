//! The command line's door: reads the environment once, sets up the log, and hands over.

use std::collections::HashMap;
use std::process::ExitCode;

use anteroom::command;
use anteroom::command::Cli;
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// A page of search results is thousands of small allocations; with this allocator it costs about half the time of
/// the system's (`benches/README.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment: HashMap<String, String> = environment();
    log(&cli.log, environment.get("RUST_LOG").map(String::as_str));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime could not be started: {error}")),
    };
    match runtime.block_on(command::run(cli, &environment)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here, once, and is an argument from then on"
)]
fn environment() -> HashMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
        .collect()
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("anteroom: {sentence}");
    ExitCode::FAILURE
}

/// Log lines go to stderr: as text for a person, as JSON for a collector.
fn log(format: &str, filter: Option<&str>) {
    let filter = EnvFilter::builder().parse_lossy(filter.unwrap_or("warn,anteroom=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        "json" => log.json().init(),
        _ => log.with_target(false).init(),
    }
}

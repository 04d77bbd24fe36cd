//! All cases in one program, so that the machines of two of them can run side by side: `--test-threads`.

mod console;
mod feed;
mod harness;
mod install;
mod live;
mod mirror;
mod refusals;
mod run;
mod slot;
mod soak;
mod state;
mod update;
mod volatile;

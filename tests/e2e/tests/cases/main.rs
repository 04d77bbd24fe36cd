//! All cases in one program, so that the machines of two of them can run side by side: `--test-threads`.

// In the order of their names, which is how they are begun: the longest first.
mod ab_update;
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
mod volatile;

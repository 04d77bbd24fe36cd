//! What a guest measured of us and of plain programs in turns: a line of numbers for each turn, which begins with the
//! milliseconds of the plain programs and ours.

use anyhow::{Context, Result, ensure};

use crate::bench::report::Report;

/// What we may take, as a multiple of the plain programs' time.
const RATIO_LIMIT: f64 = 1.5;

/// `N` numbers of each turn.
pub(super) struct Figures<const N: usize>(Vec<[f64; N]>);

/// Names of figures.
pub(super) struct Compared {
    pub(super) plain: &'static str,
    pub(super) ours: &'static str,
    pub(super) ratio: &'static str,
}

impl<const N: usize> Figures<N> {
    pub(super) fn parse(printed: &str, turns: usize) -> Result<Self> {
        let said = || format!("the guest says {printed:?}");
        let line = |line: &str| -> Option<[f64; N]> {
            let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
            numbers.ok()?.try_into().ok()
        };
        let figures: Option<Vec<_>> = printed.lines().map(line).collect();
        let figures = figures.with_context(said)?;
        ensure!(figures.len() == turns, said());
        Ok(Self(figures))
    }

    /// Something of each turn.
    pub(super) fn each(&self, of: impl Fn([f64; N]) -> f64) -> Vec<f64> {
        self.0.iter().map(|figures| of(*figures)).collect()
    }

    /// Seconds of both, and the ratio of each turn.
    pub(super) fn compare(&self, names: &Compared, report: &mut Report) -> Result<()> {
        let plain = self.each(|figures| figures[0] / 1000.0);
        let ours = self.each(|figures| figures[1] / 1000.0);
        ensure!(
            plain.iter().all(|seconds| *seconds > 0.0),
            "{} took no time",
            names.plain
        );
        let ratios = ours.iter().zip(&plain).map(|(ours, plain)| ours / plain);
        report.add(names.ratio, "", ratios.collect(), Some(RATIO_LIMIT));
        report.add(names.plain, "s", plain, None);
        report.add(names.ours, "s", ours, None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_said_something_else_or_nothing_is_no_figure() {
        let figures = Figures::<3>::parse("1 2 3\n4 5 6\n", 2).unwrap();
        assert_eq!(figures.each(|[_, _, last]| last), [3.0, 6.0]);
        for said in ["1 2 3\n", "1 2 3\n4 5\n", "1 2 3\n4 x 6\n"] {
            assert!(Figures::<3>::parse(said, 2).is_err(), "{said}");
        }
    }
}

//! Figures, their medians and limits, as a table and as JSON.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::accelerator::Accelerator;
use crate::image::Image;

/// Everything that one run measured.
#[derive(Debug, Serialize)]
pub struct Report {
    version: String,
    build_id: String,
    accelerator: String,
    figures: Vec<Figure>,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    unit: &'static str,
    samples: Vec<f64>,
    median: f64,
    /// What it must not exceed, where there is a promise.
    limit: Option<f64>,
}

impl Figure {
    fn kept(&self) -> bool {
        self.limit.is_none_or(|limit| self.median <= limit)
    }
}

impl Report {
    pub(super) fn new(image: &Image) -> Self {
        Self {
            version: image.manifest().version.clone(),
            build_id: image.manifest().build_id.clone(),
            accelerator: Accelerator::best().to_string(),
            figures: Vec::new(),
        }
    }

    /// Adds a figure and returns its median.
    pub(super) fn add(
        &mut self,
        name: &str,
        unit: &'static str,
        samples: Vec<f64>,
        limit: Option<f64>,
    ) -> f64 {
        let median = median(&samples);
        self.figures.push(Figure {
            name: name.to_owned(),
            unit,
            samples,
            median,
            limit,
        });
        median
    }

    /// True when every figure keeps its limit.
    pub fn all_kept(&self) -> bool {
        self.figures.iter().all(Figure::kept)
    }

    pub(super) fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("cannot write JSON")?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Quantix-OS {} ({}) under {}",
            self.version, self.build_id, self.accelerator
        )?;
        writeln!(
            f,
            "{:<58} {:>9} {:<6} {:>8}  runs",
            "figure", "median", "unit", "limit"
        )?;
        for figure in &self.figures {
            let limit = figure
                .limit
                .map_or_else(|| "-".to_owned(), |limit| format!("{limit:.2}"));
            let verdict = if figure.kept() { "" } else { "  OVER" };
            writeln!(
                f,
                "{:<58} {:>9.2} {:<6} {:>8}  {}{verdict}",
                figure.name,
                figure.median,
                figure.unit,
                limit,
                figure.samples.len()
            )?;
        }
        Ok(())
    }
}

/// The middle one, or the mean of the two in the middle; of nothing, not a number.
fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_figure_over_its_limit_or_without_samples_is_not_kept() {
        let figure = |samples: &[f64], limit| Figure {
            name: "boot".into(),
            unit: "s",
            samples: samples.to_vec(),
            median: median(samples),
            limit,
        };
        assert!(figure(&[1.0], Some(1.0)).kept());
        assert!(!figure(&[1.1], Some(1.0)).kept());
        assert!(!figure(&[], Some(1.0)).kept());
        assert!(figure(&[9.0], None).kept());
    }
}

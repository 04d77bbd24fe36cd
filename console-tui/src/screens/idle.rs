//! The idle screen: above what the host is, below how to reach it and what is wrong.

use qx_host::install_status::{InstallStatus, Phase};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::facts::Facts;
use crate::shell::{BODY, HEAD, KEYS, PRODUCT, STRONG, WARNING, fill, put};
use crate::words;

const LOGO: &str = include_str!("../../../branding/logo.txt");

/// Rows of the upper part without the logo.
const HEAD_ROWS: u16 = 7;
/// URLs that are shown at most.
const URLS: usize = 3;

pub(super) fn draw(facts: &Facts, frame: &mut Frame<'_>, area: Rect) {
    let logo = if area.height >= 36 {
        LOGO.lines().collect()
    } else {
        Vec::new()
    };
    let logo_rows = u16::try_from(logo.len()).unwrap_or(0);
    let head = Rect {
        height: HEAD_ROWS + logo_rows + u16::from(logo_rows > 0),
        ..area
    };
    draw_head(facts, &logo, frame, head);
    let body = Rect {
        y: head.bottom(),
        height: area.height - head.height - 1,
        ..area
    };
    draw_body(facts, frame, body);
    draw_keys(
        facts,
        frame,
        Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        },
    );
}

fn draw_head(facts: &Facts, logo: &[&str], frame: &mut Frame<'_>, area: Rect) {
    fill(frame, area, HEAD);
    let mut row = 1;
    for line in logo {
        put(frame, area, row, Line::raw(*line));
        row += 1;
    }
    if !logo.is_empty() {
        row += 1;
    }
    let boot = facts.boot.as_ref();
    let name = PRODUCT.trim_end();
    let title = format!(
        "{name} {}, {}",
        words::version(boot),
        words::origin_of_image(boot)
    );
    put(
        frame,
        area,
        row,
        Line::styled(title, STRONG.bg(HEAD.bg.unwrap_or_default())),
    );
    let inventory = &facts.inventory;
    let host = format!(
        "{}, {}",
        words::plain(&inventory.hostname),
        words::uptime(inventory.uptime_s)
    );
    let lines = [
        host,
        words::cpu(&inventory.cpu),
        words::memory_and_data(inventory),
        words::machines(facts),
    ];
    for (line, row) in lines.into_iter().zip(row + 1..) {
        put(frame, area, row, Line::raw(line));
    }
}

fn draw_body(facts: &Facts, frame: &mut Frame<'_>, area: Rect) {
    let mut lines: Vec<Line<'_>> = vec![Line::raw("")];
    if let Some(install) = &facts.install {
        push_install(install, &mut lines);
    }
    push_access(facts, &mut lines);
    push_fingerprints(facts, &mut lines);
    let room = usize::from(area.height).saturating_sub(lines.len() + 1);
    let width = usize::from(area.width.saturating_sub(6)).min(120);
    let notices = fit(words::notices(facts), room, width);
    if !notices.is_empty() {
        lines.push(Line::raw(""));
        lines.extend(notices.into_iter().map(|text| Line::styled(text, WARNING)));
    }
    for (line, row) in lines.into_iter().zip(0..) {
        put(frame, area, row, line);
    }
}

fn push_install(install: &InstallStatus, lines: &mut Vec<Line<'_>>) {
    let style = match install.phase {
        Phase::Failed => WARNING,
        Phase::Running | Phase::Done => STRONG,
    };
    lines.push(Line::styled(words::plain(&install.summary), style));
    if let Some(progress) = words::install_progress(install) {
        lines.push(Line::styled(progress, STRONG));
    }
    lines.push(Line::raw(""));
}

fn push_access(facts: &Facts, lines: &mut Vec<Line<'_>>) {
    let urls = words::urls(&facts.inventory);
    if urls.is_empty() {
        lines.push(Line::styled(words::no_address(&facts.inventory), WARNING));
    } else {
        lines.push(Line::raw("To manage this host, go to"));
        let shown = urls.into_iter().take(URLS);
        lines.extend(shown.map(|url| Line::styled(format!("  {url}"), STRONG)));
    }
    match &facts.one_time_password {
        Some(password) => lines.push(Line::from(vec![
            Span::raw("Log in as root with this boot's password: "),
            Span::styled(words::plain(password), STRONG),
        ])),
        None => lines.push(Line::raw("Log in as root with the password that was set.")),
    }
}

fn push_fingerprints(facts: &Facts, lines: &mut Vec<Line<'_>>) {
    if let Some(certificate) = &facts.certificate {
        lines.push(Line::raw(""));
        let [first, second] = words::fingerprint(certificate);
        lines.push(Line::raw(format!("Certificate SHA-256  {first}")));
        lines.push(Line::raw(format!("                     {second}")));
    }
    for key in &facts.ssh {
        let kind = key.algorithm.trim_start_matches("ssh-");
        let text = format!("SSH {kind} {}", key.fingerprint);
        lines.push(Line::raw(words::plain(&text)));
    }
}

/// Notices as lines; what does not fit is counted rather than dropped silently.
fn fit(notices: Vec<String>, room: usize, width: usize) -> Vec<String> {
    let wrapped: Vec<Vec<String>> = notices
        .iter()
        .map(|notice| {
            let lines = words::wrap(notice, width).into_iter().enumerate();
            lines
                .map(|(i, line)| format!("{} {line}", if i == 0 { '!' } else { ' ' }))
                .collect()
        })
        .collect();
    if wrapped.iter().map(Vec::len).sum::<usize>() <= room {
        return wrapped.concat();
    }
    let mut lines = Vec::new();
    let mut shown = 0;
    for notice in &wrapped {
        if lines.len() + notice.len() + 1 > room {
            break;
        }
        lines.extend(notice.iter().cloned());
        shown += 1;
    }
    if room > 0 {
        lines.push(format!("! and {} more", wrapped.len() - shown));
    }
    lines
}

fn draw_keys(facts: &Facts, frame: &mut Frame<'_>, area: Rect) {
    fill(frame, area, KEYS);
    let mut keys = String::new();
    if facts.can_install() {
        keys.push_str("<F2/I> Install    ");
    }
    keys.push_str(if facts.is_live() {
        "<F3/C> Customise    "
    } else {
        "<F2/C> Customise    "
    });
    keys.push_str("<F12/P> Power    <Ctrl-L> Redraw");
    put(frame, area, 0, Line::styled(keys, KEYS));
    debug_assert!(BODY.bg.is_some(), "a repaint relies on it");
}

//! Shell-style patterns as they stand in `modules.alias`: `*`, `?` and `[a-z]`. Pure.

/// True when `text` as a whole matches `pattern`.
///
/// Runs in at most `pattern × text` steps: on a mismatch only the last `*` is tried again one
/// character further.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, t));
            p += 1;
        } else if let Some(next) = one(pattern, p, text[t]) {
            p = next;
            t += 1;
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            p = after_star;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Where the pattern goes on after `byte` matched its element at `p`; `None` when it does not match.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => {
            let length = pattern[p..].iter().position(|b| *b == b']')?;
            in_set(&pattern[p + 1..p + length], byte).then_some(p + length + 1)
        }
        literal => (literal == byte).then_some(p + 1),
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    loop {
        rest = match rest {
            [] => return false,
            [low, b'-', high, ..] if (*low..=*high).contains(&byte) => return true,
            [_, b'-', _, after @ ..] => after,
            [single, ..] if *single == byte => return true,
            [_, after @ ..] => after,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_real_drivers_match_real_devices() {
        let virtio_blk = "virtio:d00000002v00001AF4";
        assert!(matches("virtio:d00000002v*", virtio_blk));
        assert!(!matches("virtio:d00000001v*", virtio_blk));
        let ahci = "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01";
        assert!(matches("pci:v*d*sv*sd*bc01sc06i01*", ahci));
        assert!(matches("pci:v00008086d00002922sv*sd*bc*sc*i*", ahci));
        assert!(!matches("pci:v*d*sv*sd*bc01sc08i02*", ahci));
        let stick = "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00";
        assert!(matches("usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", stick));
        let hub = "usb:v1D6Bp0002d0612";
        assert!(matches("usb:v1D6Bp0002d0[0-6]*", hub));
        assert!(!matches("usb:v1D6Bp0002d0[7-9a-f]*", hub));
    }

    #[test]
    fn corners_are_decided() {
        assert!(matches("", ""));
        assert!(matches("**", ""));
        assert!(!matches("?", ""));
        assert!(matches("a*b*c", "axxbyyc"));
        assert!(!matches("a*b*c", "axxbyy"));
        assert!(!matches("[", "["));
        assert!(matches("[abc]x", "bx"));
        assert!(!matches("[a-c]", "-"));
    }

    #[test]
    fn many_stars_end_in_time() {
        let text = "a".repeat(4000);
        assert!(!matches("*a*a*a*a*a*a*a*b", &text));
    }
}

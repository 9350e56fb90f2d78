//! Which pattern the dates of a column have.

use super::pattern::{DatePattern, Instant};
use std::sync::Arc;

/// Patterns that are tried. A time may follow each.
const PATTERNS: [&str; 19] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%b %d %Y",
    "%Y-%m",
    "%b %Y",
    "%b-%Y",
];

/// The forms that dates of a table may have.
#[derive(Debug, Clone)]
pub struct DateForms {
    patterns: Arc<[DatePattern]>,
    /// The last of the patterns, which the client gives.
    given: usize,
}

impl DateForms {
    /// The usual forms, and those that a client gives for some column.
    pub fn new<'a>(given: impl Iterator<Item = &'a DatePattern>) -> Self {
        let mut patterns: Vec<DatePattern> = PATTERNS.iter().filter_map(|text| DatePattern::new(text).ok()).collect();
        let usual = patterns.len();
        for pattern in given {
            if patterns.iter().skip(usual).all(|known| known != pattern) {
                patterns.push(pattern.clone());
            }
        }
        Self { given: patterns.len() - usual, patterns: patterns.into() }
    }

    /// Whether numbers may be dates.
    pub fn has_numeric(&self) -> bool {
        self.patterns.iter().rev().take(self.given).any(DatePattern::is_numeric)
    }
}

/// A column with at least so many dates for one other text is a date column; the other texts are missing.
const DATES_PER_TEXT: u64 = 99;

/// Texts after which a pattern that fits none is no longer tried.
const ENOUGH: u64 = 8;

/// What fits a pattern.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    pattern: usize,
    given: bool,
    fits: u64,
    zoned: u64,
    timed: u64,
    min: f64,
    max: f64,
}

/// The patterns that may be those of a column.
#[derive(Debug, Clone)]
pub struct Candidates {
    patterns: Arc<[DatePattern]>,
    alive: Vec<Candidate>,
    texts: u64,
    /// A pattern that is no longer tried, and fitted half of the texts.
    half: Option<usize>,
}

/// The dates of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// Their form.
    pub pattern: DatePattern,
    /// Others that fit as well: day and month cannot be told.
    pub others: Vec<DatePattern>,
    /// Dates.
    pub dates: u64,
    /// Those that say their offset from UTC.
    pub zoned: u64,
    /// Those that have a time of the day.
    pub timed: u64,
    /// The earliest, in seconds since 1970.
    pub min: f64,
    /// The latest.
    pub max: f64,
}

impl Candidates {
    /// Every form.
    pub fn new(forms: &DateForms) -> Self {
        let usual = forms.patterns.len() - forms.given;
        let candidate = |pattern: usize| Candidate {
            pattern,
            given: pattern >= usual,
            fits: 0,
            zoned: 0,
            timed: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        };
        let alive = (0..forms.patterns.len()).map(candidate).collect();
        Self { patterns: Arc::clone(&forms.patterns), alive, texts: 0, half: None }
    }

    /// Whether a pattern is still tried.
    pub fn is_alive(&self) -> bool {
        !self.alive.is_empty()
    }

    /// Tries a text. Returns whether it is a date by any pattern.
    pub fn add(&mut self, text: &str) -> bool {
        self.texts += 1;
        let (texts, patterns) = (self.texts, &self.patterns);
        let mut is_date = false;
        // no date is longer, and each has a digit
        let may_be = text.len() <= 64 && text.bytes().any(|byte| byte.is_ascii_digit());
        for candidate in &mut self.alive {
            let pattern = patterns.get(candidate.pattern).filter(|_| may_be);
            if let Some(Instant { seconds, zoned, timed, .. }) = pattern.and_then(|pattern| pattern.read(text)) {
                candidate.fits += 1;
                candidate.zoned += u64::from(zoned);
                candidate.timed += u64::from(timed);
                candidate.min = candidate.min.min(seconds);
                candidate.max = candidate.max.max(seconds);
                is_date = true;
            }
        }
        if !is_date || self.alive.len() > 1 {
            let half = &mut self.half;
            self.alive.retain(|it| {
                let odd = texts - it.fits;
                let is_kept = it.given || odd < ENOUGH || (it.fits > 0 && odd * DATES_PER_TEXT / 2 <= texts);
                if !is_kept && it.fits * 2 >= texts {
                    half.get_or_insert(it.pattern);
                }
                is_kept
            });
        }
        is_date
    }

    /// A form that half of the texts have, at least of the first ones.
    pub fn half(&self) -> Option<&DatePattern> {
        let fits = self.alive.iter().filter(|it| !it.given && it.fits > 0 && it.fits * 2 >= self.texts);
        let best = fits.max_by_key(|it| it.fits).map(|it| it.pattern).or(self.half)?;
        self.patterns.get(best)
    }

    /// The dates of the column: of the `given` form, or of the one that fits nearly all texts. `None` where too few are dates.
    pub fn finish(&self, given: Option<&DatePattern>) -> Option<Detected> {
        let pattern = |it: &Candidate| self.patterns.get(it.pattern);
        let is_column = |it: &&Candidate| match given {
            Some(given) => it.given && pattern(it) == Some(given) && it.fits > 0,
            None => !it.given && it.fits > 0 && it.fits >= (self.texts - it.fits).saturating_mul(DATES_PER_TEXT),
        };
        let best = self.alive.iter().filter(is_column).map(|it| it.fits).max()?;
        let mut equal = self.alive.iter().filter(is_column).filter(|it| it.fits == best);
        let first = equal.next()?;
        let others = equal.filter_map(pattern).cloned().collect();
        Some(Detected {
            pattern: pattern(first)?.clone(),
            others,
            dates: first.fits,
            zoned: first.zoned,
            timed: first.timed,
            min: first.min,
            max: first.max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn detected(texts: &[&str]) -> Option<Detected> {
        let mut candidates = Candidates::new(&DateForms::new([].into_iter()));
        for text in texts {
            candidates.add(text);
        }
        candidates.finish(None)
    }

    #[rstest]
    #[case(&["2023-01-02", "2023-01-03T10:00:00Z"], Some(("%Y-%m-%d", 0)))]
    #[case(&["13/01/2023", "02/01/2023"], Some(("%d/%m/%Y", 0)))]
    #[case(&["01/13/2023", "02/01/2023"], Some(("%m/%d/%Y", 0)))]
    #[case(&["01/12/2023", "02/01/2023"], Some(("%d/%m/%Y", 1)))]
    #[case(&["1.2.2023", "3.4.2023"], Some(("%d.%m.%Y", 0)))]
    #[case(&["7 Sep 2021"], Some(("%d %b %Y", 0)))]
    #[case(&["Sep 2021", "March 2022"], Some(("%b %Y", 0)))]
    #[case(&["Sep-2021"], Some(("%b-%Y", 0)))]
    #[case(&["Sep 7 2021"], Some(("%b %d %Y", 0)))]
    #[case(&["a", "b"], None)]
    #[case(&["2023-01-02", "tomorrow"], None)]
    #[case(&["12-34", "11-2"], None)]
    fn columns(#[case] texts: &[&str], #[case] expected: Option<(&str, usize)>) {
        let received = detected(texts);
        let received = received.as_ref().map(|it| (it.pattern.as_str(), it.others.len()));
        assert_eq!(received, expected);
    }

    #[test]
    fn one_odd_text_among_a_hundred_dates() {
        let mut candidates = Candidates::new(&DateForms::new([].into_iter()));
        candidates.add("soon");
        for day in 1..=28 {
            for month in 1..=4 {
                candidates.add(&format!("{day:02}/{month:02}/2020"));
            }
        }
        let detected = candidates.finish(None).unwrap();
        assert_eq!((detected.pattern.as_str(), detected.dates, detected.others.len()), ("%d/%m/%Y", 112, 0));
    }
}

//! Class labels that look like lists of labels, such as `action|comedy`.

use crate::{
    data::schema::{Column, ColumnType},
    job::preprocessing::JobWarning,
};
use std::collections::BTreeSet;

/// Separators of labels.
const SEPARATORS: [char; 4] = ['|', ';', ',', '/'];
/// Maximum number of labels that a message names.
const MAX_NAMED: usize = 6;

/// Labels that occur in several combinations.
pub(super) struct LabelLists<'a> {
    example: &'a str,
    combinations: usize,
    labels: BTreeSet<&'a str>,
}

/// The labels in the levels of a column, if the levels look like lists: two or more are, and they have no more labels than there are
/// levels.
pub(super) fn label_lists(column: &Column) -> Option<LabelLists<'_>> {
    let levels = column.levels().filter(|_| column.kind == ColumnType::Category)?;
    SEPARATORS.into_iter().find_map(|separator| {
        let mut lists = levels.iter().filter(|level| level.contains(separator));
        let (example, _) = (*lists.next()?, lists.next()?);
        let labels: BTreeSet<&str> = levels.iter().flat_map(|level| level.split(separator)).map(str::trim).collect();
        let are_labels =
            labels.len() <= levels.len() && labels.iter().all(|label| label.chars().any(char::is_alphabetic));
        are_labels.then_some(LabelLists { example, combinations: levels.len(), labels })
    })
}

impl LabelLists<'_> {
    /// What they are, and how several labels a row are learned.
    pub fn detail(&self) -> String {
        let Self { example, combinations, labels } = self;
        let count = labels.len();
        let mut named: Vec<&str> = labels.iter().copied().take(MAX_NAMED).collect();
        named.extend((count > MAX_NAMED).then_some("…"));
        format!(
            "labels such as {example:?} look like lists, and each of the {combinations} combinations is a class of its own; to \
             learn the {count} labels one by one, write a column of 0 and 1 for each ({}), name these columns as `target`, and end \
             the model with {count} sigmoid units",
            named.join(", ")
        )
    }

    /// The warning about a target whose combinations are classes.
    pub fn warning(&self, column: &Column) -> JobWarning {
        JobWarning { code: "label_lists".to_owned(), columns: vec![column.name.clone()], detail: self.detail() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::schema::ValueCount;
    use rstest::rstest;

    #[rstest]
    #[case(&["a", "a|b", "b|c"], Some(3))]
    #[case(&["a;b", "b; c", "c"], Some(3))]
    #[case(&["red, big", "red, small", "blue, big", "blue, small"], Some(4))]
    #[case(&["Lyon, FR", "Paris, FR"], None)]
    #[case(&["a|b", "c"], None)]
    #[case(&["1/2", "1/3", "2/3"], None)]
    #[case(&["a", "b", "c"], None)]
    fn lists(#[case] levels: &[&str], #[case] labels: Option<usize>) {
        let values = levels.iter().map(|level| ValueCount { value: (*level).into(), count: 1 }).collect();
        let column = Column { values: Some(values), ..Column::empty("y".to_owned(), ColumnType::Category, 0) };
        assert_eq!(label_lists(&column).map(|lists| lists.labels.len()), labels);
    }
}

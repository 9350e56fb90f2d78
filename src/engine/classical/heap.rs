//! A binary heap in which equal items leave in the order of libstdc++'s `push_heap` and `pop_heap`, on which scikit-learn's
//! best-first trees depend, and of Python's `heapq`, on which its boosting depends.

/// Adds an item.
pub(super) fn push_heap<T>(heap: &mut Vec<T>, item: T, is_less: impl Fn(&T, &T) -> bool) {
    heap.push(item);
    let last = heap.len() - 1;
    sift_up(heap, last, is_less);
}

/// Removes the largest item.
pub(super) fn pop_heap<T>(heap: &mut Vec<T>, is_less: impl Fn(&T, &T) -> bool) -> Option<T> {
    if heap.is_empty() {
        return None;
    }
    // The last item takes the place of the first: the hole sinks to a leaf, and the item rises from there.
    let largest = heap.swap_remove(0);
    let length = heap.len();
    let mut hole = 0;
    while hole * 2 + 2 < length {
        let mut child = hole * 2 + 2;
        if is_less(&heap[child], &heap[child - 1]) {
            child -= 1;
        }
        heap.swap(hole, child);
        hole = child;
    }
    if length > 0 && length.is_multiple_of(2) && hole * 2 + 2 == length {
        heap.swap(hole, hole * 2 + 1);
        hole = hole * 2 + 1;
    }
    sift_up(heap, hole, is_less);
    Some(largest)
}

fn sift_up<T>(heap: &mut [T], mut at: usize, is_less: impl Fn(&T, &T) -> bool) {
    while at > 0 {
        let parent = (at - 1) / 2;
        if !is_less(&heap[parent], &heap[at]) {
            return;
        }
        heap.swap(parent, at);
        at = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_leaves_first() {
        let mut heap = Vec::new();
        let items: Vec<u32> = (0..100).map(|item| (item * 37) % 50).collect();
        items.iter().for_each(|&item| push_heap(&mut heap, item, |a, b| a < b));
        let mut sorted = items.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let popped: Vec<u32> = std::iter::from_fn(|| pop_heap(&mut heap, |a, b| a < b)).collect();
        assert_eq!(popped, sorted);
    }
}

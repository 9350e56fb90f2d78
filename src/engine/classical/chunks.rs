//! Loops over chunks of rows, for predictions: in the rayon pool of the calling thread, and on the calling thread where it is in none
//! or there is one chunk, so that the prediction of a row wakes no other thread.

use super::FitError;
use rayon::prelude::*;

fn is_alone(items: usize, size: usize) -> bool {
    items <= size || rayon::current_thread_index().is_none()
}

/// Calls `work` with the number of each chunk of `size` items, and with the chunk.
pub(super) fn for_each_chunk<T: Send>(
    items: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) -> Result<(), FitError> + Send + Sync,
) -> Result<(), FitError> {
    if is_alone(items.len(), size) {
        return items.chunks_mut(size).enumerate().try_for_each(|(chunk, items)| work(chunk, items));
    }
    items.par_chunks_mut(size).enumerate().try_for_each(|(chunk, items)| work(chunk, items))
}

/// The same for two lists with as many chunks, of `sizes` items.
pub(super) fn for_each_pair<T: Send, U: Send>(
    (first, second): (&mut [T], &mut [U]),
    sizes: (usize, usize),
    work: impl Fn(usize, &mut [T], &mut [U]) -> Result<(), FitError> + Send + Sync,
) -> Result<(), FitError> {
    if is_alone(first.len(), sizes.0) {
        let mut chunks = first.chunks_mut(sizes.0).zip(second.chunks_mut(sizes.1)).enumerate();
        return chunks.try_for_each(|(chunk, (first, second))| work(chunk, first, second));
    }
    let chunks = first.par_chunks_mut(sizes.0).zip(second.par_chunks_mut(sizes.1)).enumerate();
    chunks.try_for_each(|(chunk, (first, second))| work(chunk, first, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Mutex, thread};

    /// The threads of a loop over chunks of `size` of 1000 items, and of one over pairs of chunks.
    fn threads(size: usize) -> Vec<(thread::ThreadId, usize)> {
        let seen = Mutex::new(Vec::new());
        let note = || seen.lock().unwrap().push((thread::current().id(), rayon::current_num_threads()));
        let (mut items, mut doubled) = (vec![0; 1000], vec![0; 1000]);
        for_each_chunk(&mut items, size, |chunk, items| {
            items.iter_mut().enumerate().for_each(|(at, item)| *item = chunk * size + at);
            note();
            Ok(())
        })
        .unwrap();
        for_each_pair((items.as_mut_slice(), doubled.as_mut_slice()), (size, size), |_, items, doubled| {
            doubled.iter_mut().zip(items).for_each(|(to, item)| *to = 2 * *item);
            note();
            Ok(())
        })
        .unwrap();
        assert_eq!(doubled, (0..1000).map(|item| 2 * item).collect::<Vec<_>>());
        seen.into_inner().unwrap()
    }

    #[test]
    fn chunks_are_in_the_pool_of_the_caller_and_without_one_on_its_thread() {
        let here = thread::current().id();
        for (size, calls) in [(1000, 2), (10, 200)] {
            let seen = threads(size);
            assert_eq!(seen.len(), calls);
            assert!(seen.iter().all(|(id, _)| *id == here));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let seen = pool.install(|| threads(10));
        assert_eq!(seen.len(), 200);
        assert!(seen.iter().all(|(id, threads)| *id != here && *threads == 3));
        let seen = pool.install(|| threads(1000));
        assert!(seen.iter().all(|(id, _)| *id == seen[0].0));
    }
}

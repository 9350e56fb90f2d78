use super::*;

#[test]
fn every_item_is_visited_once_whatever_the_threads() {
    for threads in [1, 2, 4] {
        let team = Team::new(threads);
        for count in [0, 1, 2, 3, 31, 32, 33, 1000] {
            let mut visits = vec![0; count];
            for round in 1..=50 {
                team.each(&mut visits, |index, visits| *visits += index + 1);
                let expected: Vec<_> = (0..count).map(|index| round * (index + 1)).collect();
                assert_eq!(visits, expected);
            }
        }
    }
}

#[test]
fn blocks_cover_every_element_once_and_threads_have_their_own_state() {
    let team = Team::new(3);
    for elements in [0, 1, 31, 32, 1000, 12_345] {
        let mut a = vec![1; elements];
        let mut b: Vec<usize> = (0..elements).collect();
        let ranges: Vec<_> = (0..elements).step_by(10).map(|start| start..elements.min(start + 10)).collect();
        let mut counts = [0; 3];
        team.blocks(&ranges, &mut counts, [&mut a, &mut b, &mut []], |block, count, [a, b, none]| {
            assert!(none.is_empty() && ranges[block].len() == a.len());
            *count += a.len();
            for ((index, a), b) in ranges[block].clone().zip(a).zip(b) {
                *a += *b;
                *b -= index;
            }
        });
        assert_eq!(a, (1..=elements).collect::<Vec<_>>());
        assert!(b.iter().all(|&b| b == 0));
        assert_eq!(counts.iter().sum::<usize>(), elements);
    }
}

#[test]
fn every_item_gets_its_own_cut() {
    let team = Team::new(3);
    let (mut sums, mut elements) = (vec![0; 3], (0..10).collect::<Vec<usize>>());
    team.zip_ranges(&[0..2, 2..2, 5..10], &mut sums, [&mut elements], |sum, [elements]| {
        *sum = elements.iter().sum();
        elements.fill(0);
    });
    assert_eq!((sums, elements), (vec![1, 0, 35], vec![0, 0, 2, 3, 4, 0, 0, 0, 0, 0]));
}

#[test]
fn parked_workers_wake_up() {
    let team = Team::new(2);
    let helped = AtomicBool::new(false);
    for _ in 0..200 {
        thread::sleep(std::time::Duration::from_millis(1));
        let caller = thread::current().id();
        team.each(&mut [(), ()], |_, ()| {
            if thread::current().id() != caller {
                helped.store(true, SeqCst);
            } else {
                thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        if helped.load(SeqCst) {
            return;
        }
    }
    panic!("no worker took a part in 200 calls");
}

#[test]
fn a_panic_reaches_the_caller_and_the_team_continues() {
    let team = Team::new(2);
    for bad in 0..4 {
        let mut items = [0; 4];
        let result = catch_unwind(AssertUnwindSafe(|| {
            team.each(&mut items, |index, item| {
                assert_ne!(index, bad, "as asked");
                *item = 1;
            });
        }));
        assert!(result.is_err());
        assert_eq!(items.iter().sum::<i32>(), 3, "the other items are done all the same");
    }
}

#[test]
fn a_caller_that_finds_the_workers_busy_computes_alone() {
    let team = Team::new(2);
    for _ in 0..50 {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut sums = vec![0; 40];
                    team.each(&mut sums, |index, sum| {
                        let mut within = vec![index; 5];
                        team.each(&mut within, |place, element| *element += place);
                        *sum = within.iter().sum();
                    });
                    assert_eq!(sums, (0..40).map(|index| 5 * index + 10).collect::<Vec<_>>());
                });
            }
        });
    }
}

//! Defends the text format: names that Prometheus takes, help on one line, buckets that add up.

use latchless::counter::{
    BatchedCounter, BoundedCounter, Counter, Export, HighWater, Histogram, ShardedCounter,
    SignedCounter,
};

fn page(metric: &impl Export) -> String {
    let mut page = String::new();
    metric.export("m", "what it is", &mut page).expect("a string takes all");
    page
}

#[test]
fn each_has_its_kind_and_its_figure() {
    let figure =
        |kind: &str, figure: i64| format!("# HELP m what it is\n# TYPE m {kind}\nm {figure}\n");
    let sharded = ShardedCounter::<2>::new();
    sharded.add(7);
    let mark = HighWater::new();
    mark.record(9);
    assert_eq!(page(&Counter::with_value(5)), figure("counter", 5));
    assert_eq!(page(&sharded), figure("counter", 7));
    assert_eq!(page(&SignedCounter::with_value(-5)), figure("gauge", -5));
    assert_eq!(page(&BoundedCounter::new(3)), figure("gauge", 0));
    assert_eq!(page(&mark), figure("gauge", 9));
    assert_eq!(page(&BatchedCounter::<2, 8>::with_value(-3)), figure("gauge", -3));
}

#[test]
fn buckets_add_up() {
    let histogram = Histogram::<8>::new();
    [1, 1, 4, 1_000].into_iter().for_each(|value| histogram.record(value));
    let page = page(&histogram);
    let lines: Vec<_> = page.lines().skip(2).collect();
    let expected = [
        "m_bucket{le=\"1\"} 2",
        "m_bucket{le=\"4\"} 3",
        "m_bucket{le=\"+Inf\"} 4",
        "m_sum 13",
        "m_count 4",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_prometheus_does_not_take_is_refused_or_escaped() {
    let (counter, mut page) = (Counter::new(), String::new());
    for name in ["", "1st", "a b", "ä", "a-b"] {
        assert!(counter.export(name, "", &mut page).is_err() && page.is_empty(), "{name}");
    }
    counter.export("a:b_1", "one\ntwo\\", &mut page).expect("a string takes all");
    assert!(page.starts_with("# HELP a:b_1 one\\ntwo\\\\\n# TYPE"), "{page}");
}

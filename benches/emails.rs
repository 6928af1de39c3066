//! Measures how many emails per second one core renders: subject, text and HTML.
//!
//! `cargo bench --bench emails`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[path = "../tests/support/email_samples.rs"]
mod samples;

fn emails(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("emails");
    // Emails per second.
    group.throughput(Throughput::Elements(1));
    for albums in [1, 10, 40] {
        let items = samples::many(albums);
        let news = samples::news(&items);
        group.bench_with_input(BenchmarkId::new("news, albums", albums), &news, |bench, news| {
            bench.iter(|| news.email().expect("the sample can be written"));
        });
    }
    let items = samples::many(10);
    group.bench_function("welcome, 10 albums", |bench| {
        bench.iter(|| samples::welcome(&items).email().expect("the sample can be written"));
    });
    group.bench_function("confirm", |bench| {
        bench.iter(|| samples::confirm("Martha").email().expect("the sample can be written"));
    });
    group.finish();
}

criterion_group!(benches, emails);
criterion_main!(benches);

//! Objects are fetched ahead of the readers, within bounds.

use std::{io::Read, sync::Arc, time::Duration};

use sparkify_etl::{Cancel, source::Source};
use sparkify_testkit::{
    DataSet,
    s3::{Effect, Fault, Operation, S3Double},
};

use super::{BUCKET, s3_with, source};

/// The requests for objects, once there are no more of them.
async fn requests_in_the_end(s3: &S3Double) -> u64 {
    let mut before = u64::MAX;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = s3.requests().of(Operation::Get);
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_fetched_ahead_as_far_as_there_is_room_and_then_as_they_are_read() {
    for (objects, bytes, room) in [(3_000, 300, 900..=1_100), (20, 5 * 1024 * 1024, 8..=8)] {
        let s3 = s3_with(&DataSet::new().path());
        for number in 0..objects {
            s3.put(BUCKET, &format!("data/log_data/{number:05}.json"), vec![b' '; bytes]);
        }
        let source = source(&s3).await;
        let files: Arc<[_]> = source.list().await.unwrap().into();
        assert_eq!(files.len(), objects);
        let feed = source.feed(files, &Cancel::default());
        let ahead = requests_in_the_end(&s3).await;
        assert!(room.contains(&ahead), "{ahead} of {objects} were fetched before anything was read");
        let read = tokio::task::spawn_blocking(move || {
            let mut read = vec![0; objects];
            while let Some((index, content)) = feed.next() {
                read[index] += content.unwrap().read_to_end(&mut Vec::new()).unwrap();
            }
            read
        });
        assert!(read.await.unwrap().iter().all(|read| *read == bytes), "each once and whole");
    }
}

#[tokio::test]
async fn whoever_waits_is_released_when_the_load_is_cancelled() {
    let s3 = s3_with(&DataSet::new().path());
    // One is not answered, the other breaks off in the middle.
    s3.put(BUCKET, "data/log_data/a.json", "{}");
    s3.put(BUCKET, "data/log_data/b.json", vec![b' '; 5 * 1024 * 1024]);
    s3.inject(
        Fault::on(Operation::Get, Effect::Delay(Duration::from_secs(60))).key("data/log_data/a").always(),
    );
    s3.inject(Fault::on(Operation::Get, Effect::Stall(1000)).key("data/log_data/b").always());
    let source = source(&s3).await;
    let files: Arc<[_]> = source.list().await.unwrap().into();
    let cancel = Cancel::default();
    let feed = source.feed(files, &cancel);
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        cancel.cancel();
    });
    // On the thread of the runtime, which is the only one: nothing depends on it.
    let (index, content) = feed.next().unwrap();
    assert_eq!(index, 1);
    let error = content.unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("stopped"), "{error}");
    let (_, content) = feed.next().unwrap();
    assert!(content.err().unwrap().to_string().contains("stopped"));
    canceller.join().unwrap();
}

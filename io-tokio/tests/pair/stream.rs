//! A channel as a stream of bytes.

use crate::support::{Pair, soon};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// Numbers that depend on all before, so that a byte that is lost, doubled or misplaced shows.
struct Pattern(u64);

impl Pattern {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// FNV-1a.
fn checksum(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

async fn fifty_megabytes_arrive_whole() {
    const TOTAL: usize = 50_000_000;
    let (_pair, near, far) = Pair::connected().await;
    let writing = tokio::spawn(async move {
        let mut stream = near.into_stream();
        let (mut pattern, mut sum, mut left) = (Pattern(1), 0, TOTAL);
        let mut buffer = vec![0; 100_000];
        while left > 0 {
            let chunk = &mut buffer[..left.min(100_000)];
            pattern.fill(chunk);
            sum = checksum(sum, chunk);
            stream.write_all(chunk).await.unwrap();
            left -= chunk.len();
        }
        stream.shutdown().await.unwrap();
        sum
    });
    let reading = tokio::spawn(async move {
        let mut stream = far.into_stream();
        let (mut sum, mut total) = (0, 0);
        let mut buffer = vec![0; 30_000];
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => return (sum, total),
                count => {
                    sum = checksum(sum, &buffer[..count]);
                    total += count;
                }
            }
        }
    });
    let (sum, total) = soon(reading).await.unwrap();
    assert_eq!(total, TOTAL);
    assert_eq!(sum, soon(writing).await.unwrap());
}

#[tokio::test]
async fn fifty_megabytes_arrive_whole_on_one_thread() {
    fifty_megabytes_arrive_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_arrive_whole_on_two_threads() {
    fifty_megabytes_arrive_whole().await;
}

#[tokio::test]
async fn lines_and_halves_work_as_on_any_stream() {
    let (_pair, near, far) = Pair::connected().await;
    let (read, mut write) = tokio::io::split(near.into_stream());
    let mut far = far.into_stream();
    write.write_all(b"one\ntw").await.unwrap();
    // An empty message is no end of the stream.
    far.channel().send("").await.unwrap();
    write.write_all(b"o\n").await.unwrap();
    let mut line = String::new();
    soon(far.read_line(&mut line)).await.unwrap();
    soon(far.read_line(&mut line)).await.unwrap();
    assert_eq!(line, "one\ntwo\n");
    far.write_all(b"done\n").await.unwrap();
    let mut lines = BufReader::new(read).lines();
    assert_eq!(soon(lines.next_line()).await.unwrap().as_deref(), Some("done"));
    soon(far.shutdown()).await.unwrap();
    assert_eq!(soon(lines.next_line()).await.unwrap(), None);
}

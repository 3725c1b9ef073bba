use crate::base::drops::DropReason;
use crate::crypto::traits::{AeadKey, CryptoError, NONCE_LEN, TAG_LEN};
use crate::transport::dtls::SealError;
use crate::transport::dtls::records::{Epoch, Front, Keys, Receiver, ReplayWindow, Salt, Sealing, Sender};
use crate::wire::dtls::codepoints::ContentType;
use crate::wire::dtls::connection_id::ConnectionId;
use crate::wire::dtls::record::{self, MAX_PLAINTEXT, MAX_SEQUENCE, RECORD_HEADER_LEN};
use bytes::BytesMut;
use quickcheck::quickcheck;
use std::collections::BTreeSet;

/// "Encrypts" by inverting every bit; the tag is nonce and length of everything.
struct Fake;

fn tag(nonce: [u8; NONCE_LEN], aad: &[u8]) -> [u8; TAG_LEN] {
    let mut tag = [0; TAG_LEN];
    tag[..NONCE_LEN].copy_from_slice(&nonce);
    tag[NONCE_LEN..]
        .copy_from_slice(&aad.iter().fold(0u32, |n, &b| n.rotate_left(5) ^ u32::from(b)).to_be_bytes());
    tag
}

impl AeadKey for Fake {
    fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        data.iter_mut().for_each(|b| *b = !*b);
        Ok(tag(nonce, aad))
    }

    fn open(&self, nonce: [u8; NONCE_LEN], aad: &[u8], data: &mut [u8]) -> Result<usize, CryptoError> {
        let len = data.len() - TAG_LEN;
        if data[len..] != tag(nonce, aad) {
            return Err(CryptoError::Authentication);
        }
        data[..len].iter_mut().for_each(|b| *b = !*b);
        Ok(len)
    }
}

fn keys(chacha: bool) -> Keys {
    Keys::new(Box::new(Fake), if chacha { Salt::ChaCha20([3; 12]) } else { Salt::Gcm([9; 4]) })
}

fn sender(chacha: bool) -> Sender {
    let mut sender = Sender::default();
    sender.install(keys(chacha));
    sender
}

fn seal(sender: &mut Sender, content: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut out = b"before".to_vec();
    let at = sender.begin(Epoch::Sealed, &mut out);
    out.extend_from_slice(content);
    let sealed = sender.finish(Epoch::Sealed, ContentType::ApplicationData, &mut out, at);
    let record = out.split_off(6);
    assert_eq!(out, b"before");
    sealed.map(|_| record)
}

fn open(receiver: &mut Receiver, record: &[u8]) -> Result<Vec<u8>, DropReason> {
    let header = record::split(record).unwrap();
    let mut record = BytesMut::from(record);
    let front = Front { header: &header, id: &ConnectionId::default() };
    receiver.open(front, &mut record).map(|_| record.to_vec())
}

#[test]
fn attack_14_nonces_are_epoch_and_number_and_never_repeat() {
    let mut gcm = sender(false);
    for n in 0..5u64 {
        let record = seal(&mut gcm, b"x").unwrap();
        let explicit = &record[RECORD_HEADER_LEN..RECORD_HEADER_LEN + 8];
        assert_eq!(explicit, (1 << 48 | n).to_be_bytes());
        assert_eq!(&record[record.len() - TAG_LEN..][..NONCE_LEN], [&[9; 4], explicit].concat());
    }
    // RFC 7905 §2: the number is combined with the secret part, and nothing travels.
    let mut chacha = sender(true);
    for n in 0..5u8 {
        let record = seal(&mut chacha, b"x").unwrap();
        assert_eq!(record.len(), RECORD_HEADER_LEN + 1 + TAG_LEN);
        let nonce = [3, 3, 3, 3, 3, 3 ^ 1, 3, 3, 3, 3, 3, 3 ^ n];
        assert_eq!(&record[record.len() - TAG_LEN..][..NONCE_LEN], nonce);
    }
}

#[test]
fn record_numbers_end_and_never_wrap() {
    let mut sender = sender(false);
    sender.sealing = Sealing::Dtls12 { keys: keys(false), next: MAX_SEQUENCE };
    assert!(seal(&mut sender, b"the last").is_ok());
    assert!(sender.is_exhausted());
    assert_eq!(seal(&mut sender, b"one more"), Err(SealError::NotConnected));
}

#[test]
fn a_record_holds_so_much_and_no_more() {
    let (mut sender, mut receiver) = (sender(false), Receiver::new(keys(false)));
    let most = vec![7; MAX_PLAINTEXT];
    let record = seal(&mut sender, &most).unwrap();
    assert_eq!(open(&mut receiver, &record), Ok(most.clone()));
    assert_eq!(seal(&mut sender, &[most, vec![0]].concat()), Err(SealError::TooLarge));
    assert_eq!(seal(&mut Sender::default(), b""), Err(SealError::NotConnected));
}

#[test]
fn attack_17_a_replay_is_refused_and_a_forgery_does_not_move_the_window() {
    let (mut sender, mut receiver) = (sender(false), Receiver::new(keys(false)));
    let records: Vec<_> = (0..200u8).map(|n| seal(&mut sender, &[n]).unwrap()).collect();
    assert_eq!(open(&mut receiver, &records[0]), Ok(vec![0]));
    assert_eq!(open(&mut receiver, &records[0]), Err(DropReason::DtlsReplay));
    // A forged record with the highest number there is.
    let mut forged = records[1].clone();
    forged[5..11].fill(0xff);
    assert_eq!(open(&mut receiver, &forged), Err(DropReason::DtlsAuthentication));
    assert_eq!(open(&mut receiver, &records[1]), Ok(vec![1]));
    // Far ahead, then what is still within the window, then what is not.
    assert_eq!(open(&mut receiver, &records[199]), Ok(vec![199]));
    assert_eq!(open(&mut receiver, &records[72]), Ok(vec![72]));
    assert_eq!(open(&mut receiver, &records[71]), Err(DropReason::DtlsReplay));
    assert_eq!(open(&mut receiver, &records[72]), Err(DropReason::DtlsReplay));
}

#[test]
fn every_part_of_a_record_is_authentic() {
    for chacha in [false, true] {
        let record = seal(&mut sender(chacha), b"content").unwrap();
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1;
            // The length is what cuts the datagram; the fake cipher authenticates no content.
            let content = RECORD_HEADER_LEN + if chacha { 0 } else { 8 };
            if (11..13).contains(&at) || (content..content + 7).contains(&at) {
                continue;
            }
            assert!(open(&mut Receiver::new(keys(chacha)), &damaged).is_err(), "byte {at}");
        }
        let mut short = record.clone();
        short.truncate(RECORD_HEADER_LEN + 10);
        short[11..13].copy_from_slice(&[0, 10]);
        assert_eq!(open(&mut Receiver::new(keys(chacha)), &short), Err(DropReason::DtlsMalformed));
    }
}

quickcheck! {
    fn the_window_accepts_each_number_once(numbers: Vec<u8>) -> bool {
        let mut window = ReplayWindow::default();
        let mut seen = BTreeSet::new();
        numbers.into_iter().map(u64::from).all(|number| {
            let top = seen.last().copied().unwrap_or(0);
            let expected = !seen.contains(&number) && number + 128 > top;
            let is_new = window.is_new(number);
            if is_new {
                window.mark(number);
                seen.insert(number);
            }
            is_new == expected
        })
    }
}

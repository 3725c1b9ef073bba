use crate::base::drops::DropReason;
use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{AeadAlgorithm, TAG_LEN};
use crate::transport::dtls::SealError;
use crate::transport::dtls::records::{Epoch, ReplayWindow, Sender};
use crate::transport::dtls::records13::{HEADER_LEN, Keys13, MOST_GCM, OVERHEAD, Openers, UPDATE_AT};
use crate::wire::dtls::codepoints::ContentType;
use crate::wire::dtls::record::MAX_PLAINTEXT;
use crate::wire::dtls::unified::Header;
use bytes::BytesMut;
use quickcheck::quickcheck;
use std::collections::BTreeSet;

const ALGORITHMS: [AeadAlgorithm; 3] =
    [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305];

fn keys(algorithm: AeadAlgorithm, seed: u8) -> Keys13 {
    let crypto = CryptoProvider::default();
    let key = vec![seed; algorithm.key_len()];
    let aead = crypto.aead.key(algorithm, &key).unwrap();
    let mask = crypto.aead.mask_key(algorithm, &key).unwrap();
    Keys13::new(algorithm, aead, mask, &Secret::new(vec![seed; 12]))
}

/// Both directions, with the handshake's and the first application keys.
fn pair(algorithm: AeadAlgorithm) -> (Sender, Openers) {
    let (mut sender, mut openers) = (Sender::default(), Openers::default());
    sender.install_handshake(keys(algorithm, 2));
    openers.install_handshake(keys(algorithm, 2));
    sender.install_application(keys(algorithm, 3));
    openers.install_application(keys(algorithm, 3));
    (sender, openers)
}

fn seal_in(sender: &mut Sender, epoch: Epoch, content: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut out = b"before".to_vec();
    let at = sender.begin(epoch, &mut out);
    out.extend_from_slice(content);
    let sealed = sender.finish(epoch, ContentType::ApplicationData, &mut out, at);
    let record = out.split_off(6);
    assert_eq!(out, b"before");
    sealed.map(|_| record)
}

fn seal(sender: &mut Sender, content: &[u8]) -> Vec<u8> {
    seal_in(sender, Epoch::Sealed, content).unwrap()
}

fn open(openers: &mut Openers, record: &[u8]) -> Result<Vec<u8>, DropReason> {
    let Ok((Header::Unified(header), len)) = Header::split(record, 0) else {
        return Err(DropReason::DtlsMalformed);
    };
    let mut record = BytesMut::from(&record[..len]);
    let opened = openers.open(&header, &mut record)?;
    assert_eq!(opened.content_type, ContentType::ApplicationData);
    Ok(record.to_vec())
}

#[test]
fn records_of_every_algorithm_open() {
    for algorithm in ALGORITHMS {
        let (mut sender, mut openers) = pair(algorithm);
        for content in [&b""[..], b"x", &[0; 40], &[7; MAX_PLAINTEXT]] {
            let record = seal(&mut sender, content);
            assert_eq!(record.len(), content.len() + OVERHEAD);
            assert_eq!(open(&mut openers, &record), Ok(content.to_vec()));
        }
        let in_handshake = seal_in(&mut sender, Epoch::Handshake, b"finished").unwrap();
        assert_eq!((in_handshake[0], seal(&mut sender, b"")[0]), (0b0010_1110, 0b0010_1111));
        assert_eq!(open(&mut openers, &in_handshake), Ok(b"finished".to_vec()));
        assert_eq!(seal_in(&mut sender, Epoch::Sealed, &[7; MAX_PLAINTEXT + 1]), Err(SealError::TooLarge));
    }
    assert_eq!(seal_in(&mut Sender::default(), Epoch::Sealed, b""), Err(SealError::NotConnected));
}

/// RFC 9147 §4.2.3: the number is not to be read on the way.
#[test]
fn attack_14_numbers_are_hidden_and_never_repeat() {
    for algorithm in ALGORITHMS {
        let (mut sender, _) = pair(algorithm);
        let records: Vec<_> = (0..300).map(|_| seal(&mut sender, b"the same")).collect();
        let ciphertexts: BTreeSet<_> = records.iter().map(|r| r[HEADER_LEN..].to_vec()).collect();
        assert_eq!(ciphertexts.len(), 300, "no nonce is used twice");
        let plain = records.iter().zip(0u16..).filter(|(r, n)| r[1..3] == n.to_be_bytes()).count();
        assert!(plain < 5, "{plain} numbers are in the clear");
    }
}

#[test]
fn attack_17_a_replay_is_refused_and_a_forgery_does_not_move_the_window() {
    let (mut sender, mut openers) = pair(AeadAlgorithm::Aes128Gcm);
    let records: Vec<_> = (0..200u8).map(|n| seal(&mut sender, &[n])).collect();
    assert_eq!(open(&mut openers, &records[0]), Ok(vec![0]));
    assert_eq!(open(&mut openers, &records[0]), Err(DropReason::DtlsReplay));
    for bits in 1..=255 {
        let mut forged = records[1].clone();
        forged[1] ^= bits;
        assert_eq!(open(&mut openers, &forged), Err(DropReason::DtlsAuthentication));
    }
    assert_eq!(open(&mut openers, &records[1]), Ok(vec![1]));
    assert_eq!(open(&mut openers, &records[199]), Ok(vec![199]));
    assert_eq!(open(&mut openers, &records[72]), Ok(vec![72]));
    for old in [71, 72] {
        assert_eq!(open(&mut openers, &records[old]), Err(DropReason::DtlsReplay));
    }
}

#[test]
fn every_part_of_a_record_is_authentic() {
    for algorithm in ALGORITHMS {
        let record = seal(&mut pair(algorithm).0, b"content");
        for at in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(open(&mut pair(algorithm).1, &damaged).is_err(), "bit {at}");
        }
        for len in 0..record.len() {
            let mut cut = record[..len].to_vec();
            assert!(open(&mut pair(algorithm).1, &cut).is_err(), "cut to {len}");
            if len >= HEADER_LEN {
                cut[3..5].copy_from_slice(&((len - HEADER_LEN) as u16).to_be_bytes());
                assert!(open(&mut pair(algorithm).1, &cut).is_err(), "shortened to {len}");
            }
        }
    }
}

#[test]
fn padding_is_taken_off_and_a_record_of_zeros_is_nothing() {
    let (mut sender, mut openers) = pair(AeadAlgorithm::Aes128Gcm);
    let mut padded = |content: &[u8], kind: u8| {
        let mut out = Vec::new();
        let at = sender.begin(Epoch::Sealed, &mut out);
        out.extend_from_slice(content);
        sender.finish(Epoch::Sealed, kind.into(), &mut out, at).unwrap();
        out
    };
    // Content, its type, and two zeros, of which the last stands where our side puts the type.
    let record = padded(b"x\x17\0", 0);
    assert_eq!(open(&mut openers, &record), Ok(b"x".to_vec()));
    let record = padded(&[0; 9], 0);
    assert_eq!(open(&mut openers, &record), Err(DropReason::DtlsMalformed));
}

#[test]
fn old_keys_serve_until_the_next_but_one() {
    let algorithm = AeadAlgorithm::ChaCha20Poly1305;
    let (mut sender, mut openers) = pair(algorithm);
    let late_handshake = seal_in(&mut sender, Epoch::Handshake, b"late").unwrap();
    let mut late = Vec::new();
    for seed in 4..12 {
        late.push(seal(&mut sender, b"late"));
        sender.install_application(keys(algorithm, seed));
        openers.install_application(keys(algorithm, seed));
        let record = seal(&mut sender, b"new");
        assert_eq!(record[0] & 3, seed & 3);
        assert_eq!(open(&mut openers, &record), Ok(b"new".to_vec()));
        assert_eq!(open(&mut openers, late.last().unwrap()), Ok(b"late".to_vec()));
        if seed == 4 {
            assert_eq!(open(&mut openers, &late_handshake), Ok(b"late".to_vec()));
        }
    }
    assert!(late[..7].iter().all(|record| open(&mut openers, record).is_err()));
    assert!(open(&mut openers, &late_handshake).is_err());
}

#[test]
fn keys_are_renewed_in_time_and_never_used_beyond_their_limit() {
    let (mut sender, _) = pair(AeadAlgorithm::Aes128Gcm);
    sender.sealers().skip_to(UPDATE_AT - 1);
    assert!(!sender.wants_update());
    seal(&mut sender, b"");
    assert!(sender.wants_update() && !sender.is_exhausted());
    sender.sealers().skip_to(MOST_GCM - 1);
    seal(&mut sender, b"the last");
    assert!(sender.is_exhausted());
    assert_eq!(seal_in(&mut sender, Epoch::Sealed, b"one more"), Err(SealError::NotConnected));
    sender.install_application(keys(AeadAlgorithm::Aes128Gcm, 4));
    assert!(!sender.is_exhausted() && !sender.wants_update());
}

#[test]
fn any_length_of_numbers_is_understood() {
    // Without a length, and with eight bits of the number: what others may send.
    let (mut sender, mut openers) = pair(AeadAlgorithm::Aes128Gcm);
    let record = seal(&mut sender, b"x");
    let header = Header::split(&record, 0).unwrap().0;
    let Header::Unified(header) = header else { panic!() };
    assert_eq!((header.wire_len(), header.length), (HEADER_LEN, Some((1 + 1 + TAG_LEN) as u16)));
    let no_length = [&[record[0] & !0b100, record[1], record[2]], &record[HEADER_LEN..]].concat();
    // Its header is another one, and so is its additional data.
    assert_eq!(open(&mut openers, &no_length), Err(DropReason::DtlsAuthentication));
    let with_id = [&[record[0] | 0b1_0000], &record[1..]].concat();
    assert_eq!(open(&mut openers, &with_id), Err(DropReason::DtlsAuthentication));
    assert_eq!(open(&mut openers, &record), Ok(b"x".to_vec()));
}

quickcheck! {
    fn numbers_are_found_again(end: u64, ahead: i16, short: bool) -> bool {
        let end = end >> 17;
        let (bits, ahead) = if short { (8, i64::from(ahead) % 128) } else { (16, i64::from(ahead)) };
        let number = end.saturating_add_signed(ahead);
        let mut window = ReplayWindow::new();
        if end > 0 {
            window.mark(end - 1);
        }
        let half = 1i64 << (bits - 1);
        ahead == -half || ahead == half
            || window.nearest(number & ((1 << bits) - 1), bits) == number
    }
}

//! Known answers of RFC 3711 appendix B, RFC 7714 §16 and §17, RFC 9335 appendix A.

use super::Pair;
use crate::base::drops::DropReason;
use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::crypto::traits::AeadAlgorithm;
use crate::transport::srtp::cipher::{Cipher, PacketId};
use crate::transport::srtp::cryptex::Hidden;
use crate::transport::srtp::kdf::Derivation;
use crate::transport::srtp::{Config, MasterKey, Profile};
use data_encoding::HEXLOWER;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.replace(' ', "").as_bytes()).unwrap()
}

/// The master key and salt of RFC 3711 §B.3, which RFC 9335 §A.1 has, too.
fn rfc_3711_key() -> MasterKey {
    MasterKey {
        profile: Profile::Aes128CmSha1_80,
        key: Secret::new(hex("e1f97a0d3e018be0d64fa32c06de4139")),
        salt: Secret::new(hex("0ec675ad498afeebb6960b3aabe6")),
    }
}

/// RFC 3711 §B.2.
#[test]
fn the_key_stream_is_known() {
    let crypto = CryptoProvider::default();
    let key = crypto.counter_mode.key(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    let mut stream = vec![0; 0xff02 * 16];
    key.apply(hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").try_into().unwrap(), &mut stream);
    let block = |n: usize| &stream[n * 16..][..16];
    assert_eq!(block(0), hex("e03ead0935c95e80e166b16dd92b4eb4"));
    assert_eq!(block(1), hex("d23513162b02d0f72a43a2fe4a5f97ab"));
    assert_eq!(block(2), hex("41e95b3bb0a2e8dd477901e4fca894c0"));
    assert_eq!(block(0xfeff), hex("ec8cdf7398607cb0f2d21675ea9ea1e4"));
    assert_eq!(block(0xff00), hex("362b7c3c6773516318a077d7fc5073ae"));
    assert_eq!(block(0xff01), hex("6a2cc3787889374fbeb4c81b17ba6c44"));
}

/// RFC 3711 §B.3.
#[test]
fn derived_keys_are_known() {
    let (crypto, master) = (CryptoProvider::default(), rfc_3711_key());
    let function = crypto.counter_mode.key(master.key.as_bytes()).unwrap();
    let derivation = Derivation { function: &*function, salt: master.salt.as_bytes() };
    assert_eq!(derivation.derive(0, 16).as_bytes(), hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(derivation.derive(2, 14).as_bytes(), hex("30cbbc08863d8c85d49db34a9ae1"));
    assert_eq!(
        derivation.derive(1, 94).as_bytes(),
        hex(
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef7227098\
             6371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"
        )
    );
}

/// The reference packets of libsrtp under the keys of RFC 3711 §B.3.
#[test]
fn counter_mode_packets_are_known() {
    let mut pair = Pair::from_key(&rfc_3711_key(), Config::default());
    let plain = hex("800f1234decafbadcafebabeabababababababababababababababab");
    let sealed = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    assert_eq!(pair.seal(&plain), sealed);
    assert_eq!(pair.open(&sealed).unwrap(), plain);

    let plain = hex("81c8000bcafebabeabababababababababababababababab");
    let sealed = hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    // There the first index is 1.
    pair.seal_rtcp(&plain);
    assert_eq!(pair.seal_rtcp(&plain), sealed);
    assert_eq!(pair.open_rtcp(&sealed).unwrap(), plain);
}

const RTP: &str = "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e697320646976697361\
                   20696e207061727465732074726573";
const RTCP: &str = "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61\
                    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const RTCP_INDEX: u64 = 0x5d4;

fn gcm(algorithm: AeadAlgorithm) -> Cipher {
    let key: Vec<u8> = (0..algorithm.key_len() as u8).collect();
    let aead = CryptoProvider::default().aead.key(algorithm, &key).unwrap();
    Cipher::gcm(aead, Secret::new(hex("517569642070726f2071756f")))
}

/// RFC 7714 §16.1.1, §16.1.2, §16.2.1, §16.2.2.
#[test]
fn gcm_rtp_packets_are_known() {
    let answers = [
        (
            AeadAlgorithm::Aes128Gcm,
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
             899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            AeadAlgorithm::Aes256Gcm,
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
             7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    let (hidden, id) = (Hidden::Payload { header_len: 12 }, PacketId { ssrc: 0x5501_a0b2, index: 0xf17b });
    for (algorithm, answer) in answers {
        let (cipher, mut out) = (gcm(algorithm), hex(RTP));
        cipher.seal_rtp(&mut out, 0, hidden, id).unwrap();
        assert_eq!(out, hex(answer));
        let (len, _) = cipher.open_rtp(&mut out, hidden, id).unwrap();
        assert_eq!(out[..len], hex(RTP));
    }
}

/// RFC 7714 §17.1 to §17.4.
#[test]
fn gcm_rtcp_packets_are_known() {
    let answers = [
        (
            AeadAlgorithm::Aes128Gcm,
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9\
             275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
        ),
        (
            AeadAlgorithm::Aes256Gcm,
            "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b\
             6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
        ),
    ];
    let id = PacketId { ssrc: 0x4d61_7273, index: RTCP_INDEX };
    for (algorithm, answer) in answers {
        let (cipher, mut out) = (gcm(algorithm), hex(RTCP));
        cipher.seal_rtcp(&mut out, 0, id).unwrap();
        assert_eq!(out, hex(answer));
        let word = cipher.rtcp_word(&out).unwrap();
        assert_eq!(u64::from(word), 1 << 31 | RTCP_INDEX);
        let (len, _) = cipher.open_rtcp(&mut out, word, id).unwrap();
        assert_eq!(out[..len], hex(RTCP));
    }
}

/// RFC 7714 §17.3: authenticated, not encrypted.
#[test]
fn a_gcm_rtcp_packet_may_be_clear() {
    let mut packet = hex(RTCP);
    packet.extend(hex("841dd9683dd78ec92ae58790125f62b3000005d4"));
    let (cipher, id) = (gcm(AeadAlgorithm::Aes128Gcm), PacketId { ssrc: 0x4d61_7273, index: RTCP_INDEX });
    let word = cipher.rtcp_word(&packet).unwrap();
    let mut damaged = packet.clone();
    damaged[20] ^= 1;
    assert!(cipher.open_rtcp(&mut damaged, word, id).is_err());
    let (len, _) = cipher.open_rtcp(&mut packet, word, id).unwrap();
    assert_eq!(packet[..len], hex(RTCP));
}

/// What RFC 9335 §A hides: packets with one-byte, two-byte and empty extensions, without and with sources.
const CRYPTEX_PLAIN: [&str; 6] = [
    "900f1235decafbadcafebabebede000151000200abababababababababababababababab",
    "900f1236decafbadcafebabe1000000105020002abababababababababababababababab",
    "920f1238decafbadcafebabe0001e2400000b26ebede000151000200abababababababababababababababab",
    "920f1239decafbadcafebabe0001e2400000b26e1000000105020002abababababababababababababababab",
    "920f123adecafbadcafebabe0001e2400000b26ebede0000abababababababababababababababab",
    "920f123bdecafbadcafebabe0001e2400000b26e10000000abababababababababababababababab",
];
const CRYPTEX_COUNTER_MODE: [&str; 6] = [
    "900f1235decafbadcafebabec0de0001eb92365251c3e036f8de27e9c27ee3e0b4651d9fbc4218a70244522f34a5",
    "900f1236decafbadcafebabec2de00014ed9cc4e6a712b3096c5ca77339d4204ce0d77396cab69585fbce38194a5",
    "920f1238decafbadcafebabe8bb6e12b5cff16ddc0de000192838c8c09e58393e1de3a9a74734d6745671338c3acf11da2df8423\
     bee0",
    "920f1239decafbadcafebabef70e513eb90b9b25c2de0001bbed4848faa644665f3d7f34125914e9f4d0ae923c6f479b95a0f7b5\
     3133",
    "920f123adecafbadcafebabe7130b6abfe2ab0e3c0de0000e3d9f64b25c9e74cb4cf8e43fb92e3781c2c0ceab6b3a499a14c",
    "920f123bdecafbadcafebabecbf24c124330e1c8c2de0000599dd45bc9d687b603e8b59d771fd38e88b170e0cd31e125eabe",
];
const CRYPTEX_GCM: [&str; 6] = [
    "900f1235decafbadcafebabec0de000139972dc9572c4d99e8fc355de743fb2e94f9d8ff54e72f4193bbc5c74ffab0fa9fa0fbeb",
    "900f1236decafbadcafebabec2de0001bb75a4c545cd1f413bdb7daa2b1e3263de313667c963249081b35a65f5cb6c88b394235f",
    "920f1238decafbadcafebabe63bbccc4a7f695c4c0de00018ad7c71fac70a80c92866b4c6ba98546ef913586e95ffaaffe956885\
     bb0647a8bc094ac8",
    "920f1239decafbadcafebabe3680524f8d312b00c2de0001c78d120038422bc111a7187a18246f980c059cc6bc9df8b626394eca\
     344e4b05d80fea83",
    "920f123adecafbadcafebabe15b6bb4337906fffc0de0000b7b964537a2b03ab7ba5389ce93317126b5d974df30c6884dcb651c5\
     e120c1da",
    "920f123bdecafbadcafebabedcb38c9e48bf95f4c2de000061ee432cf920317076613258d3ce4236c06ac429681ad08413512dc9\
     8b5207d8",
];

/// RFC 9335 §A.1 and §A.2.
#[test]
fn cryptex_packets_are_known() {
    let gcm_key = MasterKey {
        profile: Profile::AeadAes128Gcm,
        key: Secret::new((0..16).collect()),
        salt: Secret::new(hex("a0a1a2a3a4a5a6a7a8a9aaab")),
    };
    for (key, answers) in [(rfc_3711_key(), CRYPTEX_COUNTER_MODE), (gcm_key, CRYPTEX_GCM)] {
        let mut pair = Pair::from_key(&key, Config { cryptex: true, ..Config::default() });
        let mut unaware = Pair::from_key(&key, Config::default());
        for (plain, answer) in CRYPTEX_PLAIN.into_iter().zip(answers) {
            assert_eq!(pair.seal(&hex(plain)), hex(answer));
            assert_eq!(pair.open(&hex(answer)).unwrap(), hex(plain));
            // Who did not agree to it takes the profile for one that it does not know: in GCM the tag is wrong, in
            // counter mode it fits and the extension is left as it came.
            match unaware.open(&hex(answer)) {
                None => assert_eq!(key.profile, Profile::AeadAes128Gcm),
                Some(_) => assert_eq!(key.profile, Profile::Aes128CmSha1_80),
            }
        }
        assert_eq!(pair.receiver.drops().total(), 0);
        let wrong = unaware.receiver.drops().of(DropReason::SrtpAuthentication);
        assert_eq!(wrong, if key.profile == Profile::AeadAes128Gcm { 6 } else { 0 });
    }
}

use super::{Dependencies, Descriptor, Indication, Structure, Template};
use quickcheck::quickcheck;
use smallvec::smallvec;

/// One layer, one target, one chain, 640 × 360.
fn single() -> Structure {
    let dependencies = Dependencies {
        indications: smallvec![Indication::Switch],
        differences: smallvec![],
        chains: smallvec![0],
    };
    Structure {
        offset: 0,
        protected_by: vec![0],
        targets: 1,
        chains: 1,
        templates: vec![Template { spatial: 0, temporal: 0, dependencies }],
        resolutions: vec![(640, 360)],
    }
}

fn written(descriptor: &Descriptor, in_force: &Structure) -> Vec<u8> {
    let mut out = Vec::new();
    descriptor.write(in_force, &mut out);
    out
}

#[test]
fn a_key_frame_brings_templates_and_others_name_them() {
    let key = Descriptor {
        begins: true,
        ends: true,
        frame: 1,
        structure: Some(Box::new(single())),
        ..Descriptor::default()
    };
    let bytes = [0xc0, 0, 1, 0x80, 0x00, 0xe4, 0x20, 0x4f, 0xe0, 0x2c, 0xe0];
    assert_eq!(written(&key, &single()), bytes);
    assert_eq!(Descriptor::parse(&bytes, None), Ok(key));

    let short = Descriptor { ends: true, frame: 0x1234, ..Descriptor::default() };
    assert_eq!(written(&short, &single()), [0x40, 0x12, 0x34]);
    assert_eq!(Descriptor::parse(&[0x40, 0x12, 0x34], Some(&single())), Ok(short.clone()));
    assert_eq!(short.dependencies(&single()), Some(single().templates[0].dependencies.clone()));
    assert!(Descriptor::parse(&[0x40, 0x12, 0x34], None).is_err(), "no template is known");
    assert!(Descriptor::parse(&[0x41, 0x12, 0x34], Some(&single())).is_err(), "nor is this one");
}

#[test]
fn a_frame_may_differ_from_its_template() {
    let other = Descriptor {
        frame: 9,
        active: Some(1),
        indications: Some(smallvec![Indication::Required]),
        differences: Some(smallvec![1, 17, 4_096]),
        chains: Some(smallvec![200]),
        ..Descriptor::default()
    };
    let bytes = written(&other, &single());
    // Flags 01111, active 1, required 11, 1 in four bits, 17 in eight, 4,096 in twelve, the end, the chain, zeros.
    assert_eq!(bytes, [0x00, 0, 9, 0x7f, 0x42, 0x10, 0xff, 0xfc, 0xc8]);
    assert_eq!(Descriptor::parse(&bytes, Some(&single())), Ok(other.clone()));
    let all = other.dependencies(&single()).unwrap();
    assert_eq!((all.differences.as_slice(), all.chains.as_slice()), (&[1, 17, 4_096][..], &[200][..]));
}

#[test]
fn attack_34_layers_and_templates_without_end_are_refused() {
    let with = |body: &[u8]| [&[0xc0, 0, 1], body].concat();
    // Layers that go up for ever; templates of one layer without end; one of a length that lies.
    assert!(Descriptor::parse(&with(&[0x80, 0x00, 0x55, 0x55, 0x55, 0x55, 0x55]), None).is_err());
    assert!(Descriptor::parse(&with(&[&[0x80, 0x00][..], &[0; 64]].concat()), None).is_err());
    assert!(Descriptor::parse(&with(&[0x80, 0x00, 0xe4, 0x20, 0x4f]), None).is_err());
    assert!(Descriptor::parse(&[0xc0, 0], Some(&single())).is_err());
    // Differences without end.
    assert!(Descriptor::parse(&with(&[&[0x15][..], &[0x55; 200]].concat()), Some(&single())).is_err());
}

/// A structure made of numbers.
fn structure(seed: &[u8]) -> Structure {
    let mut numbers = seed.iter().copied().cycle();
    let mut next = |below: u8| numbers.next().map_or(0, |number| number % below);
    let (targets, offset) = (next(32) + 1, next(64));
    let chains = next(targets + 1);
    let (mut spatial, mut temporal, mut templates) = (0, 0, Vec::new());
    for _ in 0..=next(12) {
        let dependencies = Dependencies {
            indications: (0..targets).map(|_| Indication::ALL[usize::from(next(4))]).collect(),
            differences: (0..next(4)).map(|_| u16::from(next(16)) + 1).collect(),
            chains: (0..chains).map(|_| next(16)).collect(),
        };
        templates.push(Template { spatial, temporal, dependencies });
        match next(3) {
            1 if temporal < 7 => temporal += 1,
            2 if spatial < 7 => (spatial, temporal) = (spatial + 1, 0),
            _ => {}
        }
    }
    let protected_by = if chains > 0 { (0..targets).map(|_| next(chains)).collect() } else { Vec::new() };
    let layers = templates.last().map_or(0, |template| template.spatial) + 1;
    let resolutions = match next(2) {
        0 => Vec::new(),
        _ => (0..layers).map(|_| (u32::from(next(255)) * 257 + 1, u32::from(next(255)) + 1)).collect(),
    };
    Structure { offset, protected_by, targets, chains, templates, resolutions }
}

quickcheck! {
    fn descriptors_round_trip(seed: Vec<u8>, frame: u16, flags: u8, differences: Vec<u16>) -> bool {
        let structure = structure(&seed);
        let flag = |bit: u8| flags >> bit & 1 == 1;
        let (targets, chains) = (structure.targets, structure.chains);
        let descriptor = Descriptor {
            begins: flag(0),
            ends: flag(1),
            template: (structure.offset + flags % structure.templates.len() as u8) & 63,
            frame,
            active: flag(3).then_some(u32::from(frame) & (u32::MAX >> (32 - targets))),
            indications: flag(4).then(|| (0..targets).map(|at| Indication::ALL[usize::from(at % 4)]).collect()),
            differences: flag(5).then(|| differences.iter().take(60).map(|back| back % 4_096 + 1).collect()),
            chains: flag(6).then(|| (0..chains).collect()),
            structure: flag(2).then(|| Box::new(structure.clone())),
        };
        let bytes = written(&descriptor, &structure);
        Descriptor::parse(&bytes, Some(&structure)) == Ok(descriptor)
    }

    fn any_bytes_do_no_harm(bytes: Vec<u8>, seed: Vec<u8>) -> bool {
        let known = structure(&seed);
        let Ok(descriptor) = Descriptor::parse(&bytes, Some(&known)) else { return true };
        Descriptor::parse(&written(&descriptor, &known), Some(&known)) == Ok(descriptor)
    }
}

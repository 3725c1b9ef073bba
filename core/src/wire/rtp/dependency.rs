//! The dependency descriptor (AV1 RTP specification 1.0, appendix A): which frame a packet belongs to, what that depends on,
//! and who needs it. A forwarder chooses layers by it without looking at the payload, whatever the codec.
//!
//! Most descriptors name a template and little else. The templates come with key frames, and whoever reads keeps the
//! [`Structure`] of the latest. Here is no state: a descriptor is read and written with the structure that is in force.

use crate::wire::cursor::ParseError;
use smallvec::SmallVec;

/// The most templates, decode targets, and differences of one frame.
pub const MAX_TEMPLATES: usize = 64;
/// The most decode targets.
pub const MAX_TARGETS: usize = 32;
/// Differences that one frame may name: as many as templates cannot name a frame more than once.
const MAX_DIFFERENCES: usize = 64;
/// Bytes of a descriptor that says nothing beyond its frame and template.
const SHORT: usize = 3;
/// Layers of either kind.
const MAX_LAYERS: u8 = 8;

/// How much a decode target needs a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indication {
    /// It is no part of it.
    #[default]
    NotPresent,
    /// It is, and nothing depends on it there.
    Discardable,
    /// One may switch to the target with it.
    Switch,
    /// It is needed.
    Required,
}

impl Indication {
    const ALL: [Self; 4] = [Self::NotPresent, Self::Discardable, Self::Switch, Self::Required];
}

/// What a frame depends on and who needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// For each decode target, how much it needs the frame.
    pub indications: SmallVec<[Indication; 12]>,
    /// How many frames back those are that it refers to, 1 to 4,096; in a template up to 16.
    pub differences: SmallVec<[u16; 4]>,
    /// For each chain, how many frames back its last frame is; in a template up to 15.
    pub chains: SmallVec<[u8; 8]>,
}

/// A frame that others are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The spatial layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// What is the same of all of them.
    pub dependencies: Dependencies,
}

/// The templates that descriptors name, in force from one key frame to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// The number that the first template is named by: 0 to 63.
    pub offset: u8,
    /// For each decode target, 1 to 32, the chain that protects it; empty without chains.
    pub protected_by: Vec<u8>,
    /// How many decode targets there are.
    pub targets: u8,
    /// How many chains there are, up to the number of targets.
    pub chains: u8,
    /// In order of their layers, 1 to 64.
    pub templates: Vec<Template>,
    /// The largest width and height of each spatial layer in pixels, 1 to 65,536; empty where it is not said.
    pub resolutions: Vec<(u32, u32)>,
}

/// What a packet says of its frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Whether the frame begins with the packet.
    pub begins: bool,
    /// Whether it ends with it.
    pub ends: bool,
    /// Which template, by its number: 0 to 63.
    pub template: u8,
    /// The number of the frame.
    pub frame: u16,
    /// New templates, of which this one is.
    pub structure: Option<Box<Structure>>,
    /// Which decode targets are still sent, a bit each, where that changes.
    pub active: Option<u32>,
    /// How much targets need the frame, where that is not what the template says.
    pub indications: Option<SmallVec<[Indication; 12]>>,
    /// What it refers to, likewise.
    pub differences: Option<SmallVec<[u16; 4]>>,
    /// Where its chains were last, likewise.
    pub chains: Option<SmallVec<[u8; 8]>>,
}

impl Structure {
    /// The template of this number.
    #[must_use]
    pub fn template(&self, number: u8) -> Option<&Template> {
        self.templates.get(usize::from(number.wrapping_sub(self.offset) & 63))
    }

    fn read(bits: &mut Bits<'_>) -> Result<Self, ParseError> {
        let offset = bits.take(6)? as u8;
        let targets = bits.take(5)? as u8 + 1;
        let mut templates = read_layers(bits)?;
        for template in &mut templates {
            let found = (0..targets).map(|_| bits.indication()).collect::<Result<_, _>>()?;
            template.dependencies.indications = found;
        }
        for template in &mut templates {
            while bits.flag()? {
                template.dependencies.differences.push(bits.take(4)? as u16 + 1);
                if template.dependencies.differences.len() > MAX_DIFFERENCES {
                    return Err(ParseError::TooMany("frames that a template refers to"));
                }
            }
        }
        let chains = bits.below(u32::from(targets) + 1)? as u8;
        let mut protected_by = Vec::new();
        if chains > 0 {
            let chain = |_| bits.below(chains.into()).map(|chain| chain as u8);
            protected_by = (0..targets).map(chain).collect::<Result<_, _>>()?;
            for template in &mut templates {
                let found = (0..chains).map(|_| bits.take(4).map(|back| back as u8));
                template.dependencies.chains = found.collect::<Result<_, _>>()?;
            }
        }
        let mut resolutions = Vec::new();
        if bits.flag()? {
            let layers = templates.last().map_or(0, |template| template.spatial) + 1;
            let size = |_| Ok::<_, ParseError>((bits.take(16)? + 1, bits.take(16)? + 1));
            resolutions = (0..layers).map(size).collect::<Result<_, _>>()?;
        }
        Ok(Self { offset, protected_by, targets, chains, templates, resolutions })
    }

    fn write(&self, bits: &mut BitWriter) {
        bits.put(self.offset.into(), 6);
        bits.put(u32::from(self.targets) - 1, 5);
        for (at, template) in self.templates.iter().enumerate() {
            bits.put(template.step_to(self.templates.get(at + 1)), 2);
        }
        let dependencies = || self.templates.iter().map(|template| &template.dependencies);
        dependencies().flat_map(|of| &of.indications).for_each(|&indication| bits.put(indication as u32, 2));
        for of in dependencies() {
            for &back in &of.differences {
                bits.put(1, 1);
                bits.put(u32::from(back) - 1, 4);
            }
            bits.put(0, 1);
        }
        bits.put_below(self.chains.into(), u32::from(self.targets) + 1);
        self.protected_by.iter().for_each(|&chain| bits.put_below(chain.into(), self.chains.into()));
        dependencies().flat_map(|of| &of.chains).for_each(|&back| bits.put(back.into(), 4));
        bits.put(u32::from(!self.resolutions.is_empty()), 1);
        for &(width, height) in &self.resolutions {
            bits.put(width - 1, 16);
            bits.put(height - 1, 16);
        }
    }
}

impl Template {
    /// What the next one is in relation to it: the same layer, the next temporal one, the next spatial one, or none.
    fn step_to(&self, next: Option<&Self>) -> u32 {
        match next {
            None => 3,
            Some(next) if next.spatial != self.spatial => 2,
            Some(next) if next.temporal != self.temporal => 1,
            Some(_) => 0,
        }
    }
}

fn read_layers(bits: &mut Bits<'_>) -> Result<Vec<Template>, ParseError> {
    let mut templates = Vec::new();
    let (mut spatial, mut temporal) = (0, 0);
    loop {
        templates.push(Template { spatial, temporal, dependencies: Dependencies::default() });
        match bits.take(2)? {
            0 => {}
            1 => temporal += 1,
            2 => (spatial, temporal) = (spatial + 1, 0),
            _ => return Ok(templates),
        }
        if templates.len() == MAX_TEMPLATES || spatial.max(temporal) >= MAX_LAYERS {
            return Err(ParseError::TooMany("templates"));
        }
    }
}

impl Descriptor {
    /// Reads a descriptor. `structure`: what is in force, if anything is; a descriptor that brings its own needs none.
    ///
    /// # Errors
    ///
    /// It is malformed, or names a template that is not known.
    pub fn parse(data: &[u8], structure: Option<&Structure>) -> Result<Self, ParseError> {
        let mut bits = Bits { data, at: 0 };
        let mut found = Self {
            begins: bits.flag()?,
            ends: bits.flag()?,
            template: bits.take(6)? as u8,
            frame: bits.take(16)? as u16,
            ..Self::default()
        };
        let mut flags = [false; 5];
        if data.len() > SHORT {
            for flag in &mut flags {
                *flag = bits.flag()?;
            }
        }
        let [brings, activates, custom_indications, custom_differences, custom_chains] = flags;
        if brings {
            found.structure = Some(Box::new(Structure::read(&mut bits)?));
        }
        let structure = found.structure.as_deref().or(structure);
        let structure = structure.ok_or(ParseError::BadValue("a template before any came"))?;
        structure.template(found.template).ok_or(ParseError::BadValue("a template"))?;
        if activates {
            found.active = Some(bits.take(structure.targets)?);
        }
        if custom_indications {
            let read = (0..structure.targets).map(|_| bits.indication());
            found.indications = Some(read.collect::<Result<_, _>>()?);
        }
        if custom_differences {
            found.differences = Some(bits.differences()?);
        }
        if custom_chains {
            let read = (0..structure.chains).map(|_| bits.take(8).map(|back| back as u8));
            found.chains = Some(read.collect::<Result<_, _>>()?);
        }
        Ok(found)
    }

    /// Appends the descriptor. `in_force`: the structure, unless the descriptor brings its own. What does not go with it, or
    /// exceeds what fields can hold, is a bug of the caller.
    pub fn write(&self, in_force: &Structure, out: &mut Vec<u8>) {
        let mut bits = BitWriter::default();
        bits.put(self.begins.into(), 1);
        bits.put(self.ends.into(), 1);
        bits.put(self.template.into(), 6);
        bits.put(self.frame.into(), 16);
        let Self { structure, active, indications, differences, chains, .. } = self;
        let flags = [
            structure.is_some(),
            active.is_some(),
            indications.is_some(),
            differences.is_some(),
            chains.is_some(),
        ];
        if flags.contains(&true) {
            flags.iter().for_each(|&flag| bits.put(flag.into(), 1));
            structure.iter().for_each(|structure| structure.write(&mut bits));
            let targets = structure.as_deref().unwrap_or(in_force).targets;
            active.iter().for_each(|&active| bits.put(active, targets));
            indications.iter().flatten().for_each(|&indication| bits.put(indication as u32, 2));
            if let Some(differences) = differences {
                bits.put_differences(differences);
            }
            chains.iter().flatten().for_each(|&back| bits.put(back.into(), 8));
        }
        out.extend_from_slice(&bits.0);
    }

    /// What the frame depends on and who needs it, all in all.
    #[must_use]
    pub fn dependencies(&self, structure: &Structure) -> Option<Dependencies> {
        let Dependencies { indications, differences, chains } =
            structure.template(self.template)?.dependencies.clone();
        Some(Dependencies {
            indications: self.indications.clone().unwrap_or(indications),
            differences: self.differences.clone().unwrap_or(differences),
            chains: self.chains.clone().unwrap_or(chains),
        })
    }
}

/// Bits, the highest of each byte first.
#[derive(Debug)]
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Result<bool, ParseError> {
        let &byte = self.data.get(self.at / 8).ok_or(ParseError::Truncated)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    fn take(&mut self, count: u8) -> Result<u32, ParseError> {
        (0..count).try_fold(0, |value, _| Ok(value << 1 | u32::from(self.flag()?)))
    }

    /// A number below `n`, of which the smaller ones have a bit less.
    fn below(&mut self, n: u32) -> Result<u32, ParseError> {
        let (width, short) = widths(n);
        let value = self.take(width - 1)?;
        if value < short {
            return Ok(value);
        }
        Ok((value << 1) - short + u32::from(self.flag()?))
    }

    fn indication(&mut self) -> Result<Indication, ParseError> {
        Ok(Indication::ALL[self.take(2)? as usize])
    }

    fn differences(&mut self) -> Result<SmallVec<[u16; 4]>, ParseError> {
        let mut found = SmallVec::new();
        loop {
            let size = self.take(2)? as u8;
            if size == 0 {
                return Ok(found);
            }
            found.push(self.take(4 * size)? as u16 + 1);
            if found.len() > MAX_DIFFERENCES {
                return Err(ParseError::TooMany("frames that a frame refers to"));
            }
        }
    }
}

/// Bits of a number below `n`, and how many of those have one less.
const fn widths(n: u32) -> (u8, u32) {
    let width = (u32::BITS - n.leading_zeros()) as u8;
    (width, (1 << width) - n)
}

/// Bytes that are filled bit by bit.
#[derive(Debug, Default)]
struct BitWriter(Vec<u8>, usize);

impl BitWriter {
    fn put(&mut self, value: u32, count: u8) {
        for at in (0..count).rev() {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            let bit = (value >> at & 1) as u8;
            self.0[self.1 / 8] |= bit << (7 - self.1 % 8);
            self.1 += 1;
        }
    }

    fn put_below(&mut self, value: u32, n: u32) {
        let (width, short) = widths(n);
        if value < short {
            return self.put(value, width - 1);
        }
        self.put(value + short, width);
    }

    fn put_differences(&mut self, differences: &[u16]) {
        for &back in differences {
            let value = u32::from(back) - 1;
            let size = (1..3).find(|size| value < 1 << (4 * size)).unwrap_or(3);
            self.put(size, 2);
            self.put(value, 4 * size as u8);
        }
        self.put(0, 2);
    }
}

#[cfg(test)]
mod tests;

//! [`Codec`]: writes and reads state that continues later, field by field.

use crate::engine::real::Real;
use std::io::{Error, ErrorKind, Read, Result, Write};

/// Bytes that are converted at a time.
const CHUNK: usize = 1 << 13;

/// Where state goes, or comes from. What some calls write is read by the same calls in the same order.
pub enum Codec<'a> {
    /// Writes the values that it is given.
    Write(&'a mut dyn Write),
    /// Replaces the values that it is given.
    Read(&'a mut dyn Read),
}

impl Codec<'_> {
    /// A count.
    pub fn count(&mut self, value: &mut u64) -> Result<()> {
        match self {
            Self::Write(out) => out.write_all(&value.to_le_bytes()),
            Self::Read(source) => {
                let mut bytes = [0; 8];
                source.read_exact(&mut bytes)?;
                *value = u64::from_le_bytes(bytes);
                Ok(())
            }
        }
    }

    /// A smaller count.
    pub fn small_count(&mut self, value: &mut u32) -> Result<()> {
        let mut count = u64::from(*value);
        self.count(&mut count)?;
        *value = u32::try_from(count).map_err(|_| invalid())?;
        Ok(())
    }

    /// The length of something, at most `max`.
    pub fn length(&mut self, length: usize, max: usize) -> Result<usize> {
        let mut count = length as u64;
        self.count(&mut count)?;
        usize::try_from(count).ok().filter(|count| *count <= max).ok_or_else(invalid)
    }

    /// A number, bit for bit.
    pub fn number(&mut self, value: &mut f64) -> Result<()> {
        let mut bits = value.to_bits();
        self.count(&mut bits)?;
        *value = f64::from_bits(bits);
        Ok(())
    }

    /// A number or none.
    pub fn optional(&mut self, value: &mut Option<f64>) -> Result<()> {
        let mut number = value.unwrap_or_default();
        let is_there = self.length(usize::from(value.is_some()), 1)? == 1;
        self.number(&mut number)?;
        *value = is_there.then_some(number);
        Ok(())
    }

    /// Elements whose number does not change.
    pub fn elements<F: Real>(&mut self, values: &mut [F]) -> Result<()> {
        if self.length(values.len(), values.len())? != values.len() {
            return Err(invalid());
        }
        self.convert(values)
    }

    /// At most `max` elements.
    pub fn vector<F: Real>(&mut self, values: &mut Vec<F>, max: usize) -> Result<()> {
        let length = self.length(values.len(), max)?;
        values.resize(length, F::ZERO);
        self.convert(values)
    }

    fn convert<F: Real>(&mut self, values: &mut [F]) -> Result<()> {
        let size = size_of::<F>();
        let mut buffer = [0; CHUNK];
        for part in values.chunks_mut(CHUNK / size) {
            let bytes = &mut buffer[..size_of_val(part)];
            match self {
                Self::Write(out) => {
                    for (bytes, value) in bytes.chunks_exact_mut(size).zip(&*part) {
                        bytes.copy_from_slice(&value.bits().to_le_bytes()[..size]);
                    }
                    out.write_all(bytes)?;
                }
                Self::Read(source) => {
                    source.read_exact(bytes)?;
                    for (bytes, value) in bytes.chunks_exact(size).zip(part) {
                        let mut word = [0; 8];
                        word[..size].copy_from_slice(bytes);
                        *value = F::of_bits(u64::from_le_bytes(word));
                    }
                }
            }
        }
        Ok(())
    }
}

/// State of something else.
pub fn invalid() -> Error {
    Error::new(ErrorKind::InvalidData, "it is the state of something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Some3 {
        count: u64,
        best: Option<f64>,
        fixed: [f32; 5000],
        grown: Vec<f64>,
    }

    impl Some3 {
        fn state(&mut self, codec: &mut Codec<'_>) -> Result<()> {
            codec.count(&mut self.count)?;
            codec.optional(&mut self.best)?;
            codec.elements(&mut self.fixed)?;
            codec.vector(&mut self.grown, 10)
        }
    }

    #[test]
    fn what_is_written_is_read_bit_for_bit() {
        let nan = f32::from_bits(0x7fc0_1234);
        let mut written =
            Some3 { count: u64::MAX, best: Some(-0.0), fixed: [nan; 5000], grown: vec![f64::MIN_POSITIVE / 4.0; 7] };
        written.fixed[4999] = -1.5;
        let mut bytes = Vec::new();
        written.state(&mut Codec::Write(&mut bytes)).unwrap();
        let mut read = Some3 { count: 0, best: None, fixed: [0.0; 5000], grown: Vec::new() };
        read.state(&mut Codec::Read(&mut &bytes[..])).unwrap();
        assert_eq!((read.count, read.best.unwrap().to_bits()), (u64::MAX, (-0.0_f64).to_bits()));
        assert!(read.fixed.iter().zip(&written.fixed).all(|(read, written)| read.to_bits() == written.to_bits()));
        assert_eq!(read.grown, written.grown);
        assert!(read.state(&mut Codec::Read(&mut &bytes[..bytes.len() - 1])).is_err());
        assert!(Codec::Read(&mut &bytes[..]).elements(&mut [0.0_f32; 3]).is_err(), "of another length");
        assert!(Codec::Read(&mut &bytes[..]).vector(&mut Vec::<f32>::new(), 3).is_err());
    }
}

//! Text of other encodings as UTF-8, piece by piece.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are taken at once.
const PIECE: usize = 1 << 16;

/// How a file's bytes are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
    Windows1252,
}

impl Text {
    /// What a byte order mark at the start says, and its length.
    pub(super) fn by_mark(start: &[u8]) -> Option<(Self, usize)> {
        match start {
            [0xef, 0xbb, 0xbf, ..] => Some((Self::Utf8, 3)),
            [0xff, 0xfe, ..] => Some((Self::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Self::Utf16Be, 2)),
            _ => None,
        }
    }

    /// UTF-16 without a mark: letters of Western text have a zero byte before or after them.
    pub(super) fn utf16_by_zeros(start: &[u8]) -> Option<Self> {
        let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
        let pairs = start.len() / 2;
        let (high, low) = (zeros(0), zeros(1));
        if pairs >= 2 && 2 * low > pairs && high == 0 {
            Some(Self::Utf16Le)
        } else if pairs >= 2 && 2 * high > pairs && low == 0 {
            Some(Self::Utf16Be)
        } else {
            None
        }
    }

    /// `reader`, which stands behind a byte order mark, as UTF-8.
    pub(super) fn decoded(self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let reader = BufReader::with_capacity(PIECE, reader);
        let text: Box<dyn Read + Send> = match self {
            Self::Utf8 => Box::new(reader),
            Self::Latin1 => Box::new(Latin1 { reader, pending: None }),
            Self::Utf16Le => Box::new(Decoded::new(reader, UTF_16LE)),
            Self::Utf16Be => Box::new(Decoded::new(reader, UTF_16BE)),
            Self::Windows1252 => Box::new(Decoded::new(reader, WINDOWS_1252)),
        };
        Box::new(WithoutEndMark { text, held: false })
    }
}

struct Decoded<R> {
    reader: R,
    decoder: Decoder,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: BufRead> Decoded<R> {
    fn new(reader: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { reader, decoder, ready: Vec::new(), taken: 0, ended: false }
    }

    /// Decodes what the reader has next.
    fn fill(&mut self) -> io::Result<()> {
        let bytes = self.reader.fill_buf()?;
        let last = bytes.is_empty();
        self.taken = 0;
        self.ready.resize(4 * PIECE, 0);
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.ready, last);
        self.ready.truncate(written);
        self.reader.consume(read);
        match result {
            DecoderResult::Malformed(..) => {
                let name = self.decoder.encoding().name();
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is no valid {name}")))
            }
            DecoderResult::InputEmpty => {
                self.ended = last;
                Ok(())
            }
            DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = buffer.len().min(self.ready.len() - self.taken);
        buffer[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// ISO 8859-1, whose bytes are the first 256 characters.
struct Latin1<R> {
    reader: R,
    /// The second byte of a character that did not fit.
    pending: Option<u8>,
}

impl<R: BufRead> Read for Latin1<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        if let (Some(byte), Some(first)) = (self.pending, buffer.first_mut()) {
            (*first, self.pending, written) = (byte, None, 1);
        }
        let bytes = self.reader.fill_buf()?;
        let mut read = 0;
        for &byte in bytes {
            let Some(slot) = buffer.get_mut(written) else { break };
            read += 1;
            written += 1;
            if byte < 0x80 {
                *slot = byte;
                continue;
            }
            *slot = 0xc0 | (byte >> 6);
            let second = 0x80 | (byte & 0x3f);
            match buffer.get_mut(written) {
                Some(slot) => {
                    *slot = second;
                    written += 1;
                }
                None => self.pending = Some(second),
            }
        }
        self.reader.consume(read);
        Ok(written)
    }
}

/// A text without the Ctrl-Z that DOS has ended files with, where it is the last byte.
struct WithoutEndMark {
    text: Box<dyn Read + Send>,
    /// Whether a Ctrl-Z was read that may be the last byte.
    held: bool,
}

const END_MARK: u8 = 0x1a;

impl Read for WithoutEndMark {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.len() < 2 {
            return if buffer.is_empty() { Ok(0) } else { self.text.read(buffer) };
        }
        loop {
            let before = usize::from(self.held);
            let count = self.text.read(&mut buffer[before..])?;
            if count == 0 {
                return Ok(0);
            }
            if self.held {
                buffer[0] = END_MARK;
            }
            let count = before + count;
            self.held = buffer[count - 1] == END_MARK;
            let count = count - usize::from(self.held);
            if count > 0 {
                return Ok(count);
            }
        }
    }
}

//! Which source is asked for: `system`, or `replay:FILE?speed=20&lead=5m`.

use crate::model::time;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum SourceKind {
    /// This machine.
    #[default]
    System,
    /// A recording, played back at the pace it was taken, in a loop.
    Replay {
        file: PathBuf,
        /// How much faster than it was taken.
        speed: f64,
        /// How much of the recording is emitted at once with past times, as if it had been running for long.
        lead: Duration,
    },
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SourceKindError {
    #[error("unknown source {0:?}; use \"system\" or \"replay:FILE\"")]
    Unknown(String),
    #[error("the file's name is missing; use \"replay:FILE\"")]
    NoFile,
    #[error("unknown replay option {0:?}; use speed=NUMBER or lead=DURATION")]
    UnknownOption(String),
    #[error("speed={0:?} is not a number from 0.01 to 1000")]
    BadSpeed(String),
    #[error("lead={0:?} is not a duration up to 24h such as 30s, 5m or 1h")]
    BadLead(String),
}

const LONGEST_LEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl FromStr for SourceKind {
    type Err = SourceKindError;

    fn from_str(text: &str) -> Result<Self, SourceKindError> {
        if text == "system" {
            return Ok(Self::System);
        }
        let rest = text.strip_prefix("replay:").ok_or_else(|| SourceKindError::Unknown(text.to_owned()))?;
        // A question mark may be part of a name; options always hold an equals sign.
        let (file, options) = match rest.rsplit_once('?') {
            Some((file, options)) if options.contains('=') => (file, options),
            _ => (rest, ""),
        };
        if file.is_empty() {
            return Err(SourceKindError::NoFile);
        }
        let (mut speed, mut lead) = (1.0, Duration::ZERO);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("speed", value)) => {
                    speed = parse_speed(value).ok_or_else(|| SourceKindError::BadSpeed(value.to_owned()))?;
                }
                Some(("lead", value)) => {
                    lead = time::duration(value)
                        .filter(|lead| *lead <= LONGEST_LEAD)
                        .ok_or_else(|| SourceKindError::BadLead(value.to_owned()))?;
                }
                _ => return Err(SourceKindError::UnknownOption(option.to_owned())),
            }
        }
        Ok(Self::Replay { file: file.into(), speed, lead })
    }
}

fn parse_speed(text: &str) -> Option<f64> {
    text.parse().ok().filter(|speed| (0.01..=1000.0).contains(speed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_and_what_is_wrong_is_named() {
        let replay = |file: &str, speed, lead| {
            Ok(SourceKind::Replay { file: file.into(), speed, lead: Duration::from_secs(lead) })
        };
        for (text, expected) in [
            ("system", Ok(SourceKind::System)),
            ("replay:day.jsonl", replay("day.jsonl", 1.0, 0)),
            ("replay:/tmp/a b?speed=20&lead=5m", replay("/tmp/a b", 20.0, 300)),
            ("replay:what?.jsonl", replay("what?.jsonl", 1.0, 0)),
            ("replay:what?.jsonl?lead=90s", replay("what?.jsonl", 1.0, 90)),
            ("replay:", Err(SourceKindError::NoFile)),
            ("replay:?speed=2", Err(SourceKindError::NoFile)),
            ("sytem", Err(SourceKindError::Unknown("sytem".to_owned()))),
            ("replay:f?pace=2", Err(SourceKindError::UnknownOption("pace=2".to_owned()))),
            ("replay:f?speed=0", Err(SourceKindError::BadSpeed("0".to_owned()))),
            ("replay:f?speed=NaN", Err(SourceKindError::BadSpeed("NaN".to_owned()))),
            ("replay:f?lead=90", Err(SourceKindError::BadLead("90".to_owned()))),
            ("replay:f?lead=soon", Err(SourceKindError::BadLead("soon".to_owned()))),
            ("replay:f?lead=99999999999999999999h", Err(SourceKindError::BadLead("99999999999999999999h".to_owned()))),
            ("replay:f?lead=25h", Err(SourceKindError::BadLead("25h".to_owned()))),
        ] {
            assert_eq!(text.parse::<SourceKind>(), expected, "{text}");
        }
    }
}

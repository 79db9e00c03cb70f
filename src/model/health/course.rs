//! A headline's number over time, as its sparkline draws it.

use super::{Headline, Look, ending};
use crate::model::series::{Points, Series, combine};

impl Headline {
    /// Its number over time: the highest of what competes, or all interfaces together in both directions.
    pub fn course(self, look: &Look) -> Points {
        let mut course = Points::new();
        let mut join = |name: &str, how: fn(f64, f64) -> f64| {
            if let Some(series) = Series::resolve(name, look.catalog) {
                combine(&mut course, series.points(look.history, look.from), how);
            }
        };
        match self {
            Self::Network => {
                for family in ending(look.catalog, "net.", ".traffic") {
                    for direction in ["received", "sent"] {
                        join(&format!("{}.{direction}", family.id), |left, right| left + right);
                    }
                }
            }
            _ => self.candidates(look.catalog).iter().for_each(|name| join(name, f64::max)),
        }
        course
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Catalog, Family, History, Interval, Sample, Unit, UnixMs};

    #[test]
    fn a_course_is_the_highest_or_all_together() -> Result<(), serde_json::Error> {
        let of = |id: &str, unit, dimensions: &[(&str, &str)]| Family::new(id, id, unit, Interval::SECOND, dimensions);
        let both = [("received", ""), ("sent", "")];
        let catalog = Catalog(vec![
            of("disk.sda.util", Unit::Percent, &[("util", "")]),
            of("disk.sdb.util", Unit::Percent, &[("util", "")]),
            of("net.a.traffic", Unit::BytesPerSecond, &both),
            of("net.b.traffic", Unit::BytesPerSecond, &both),
        ]);
        let mut history = History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        for sample in [
            r#"{"t":1000,"disk.sda.util":[3],"disk.sdb.util":[9],"net.a.traffic":[1,2],"net.b.traffic":[10,20]}"#,
            r#"{"t":2000,"disk.sda.util":[7],"disk.sdb.util":[null],"net.a.traffic":[1,null]}"#,
            r#"{"t":3000,"disk.sda.util":[null],"disk.sdb.util":[null]}"#,
        ] {
            history.push(&serde_json::from_str::<Sample>(sample)?);
        }
        let look = Look { catalog: &catalog, history: &history, from: UnixMs(0), at: UnixMs(3_000) };
        let values =
            |headline: Headline| headline.course(&look).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
        assert_eq!(values(Headline::Disk), [Some(9.0), Some(7.0), None]);
        assert_eq!(values(Headline::Network), [Some(33.0), Some(1.0)]);
        assert_eq!(values(Headline::Cpu), []);
        Ok(())
    }
}

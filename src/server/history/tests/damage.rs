//! Pages of the file that are damaged: they cost what stands on them, and storing goes on.

use super::*;
use crate::model::LastSeen;
use std::fs;

const PAGE: usize = 1_024;

/// A file of two hours and some minutes, with everything that there is in one.
fn make(directory: &Path) -> Result {
    let history = start(Some(directory))?;
    record(&history, 0..3_600);
    history.keep(heaviest(60, Interval::MINUTE));
    history.record(&Observation::Gap(Gap {
        from: Some(UnixMs(BEGIN + 3_600_000)),
        to: Some(UnixMs(BEGIN + 3_999_000)),
        reason: GapReason::Suspended,
    }));
    record(&history, 4_000..7_300);
    history.keep(heaviest(7_200, Interval::MINUTE));
    assert!(history.flush(PATIENCE));
    record(&history, 7_300..7_900);
    history.close();
    Ok(())
}

/// The pages of a table, by what kind they are in the file.
fn pages(directory: &Path, table: &str, kind: &str) -> Result<Vec<usize>> {
    let connection = rusqlite::Connection::open(directory.join(FILE))?;
    let mut pages = vec![];
    let query = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u32 = connection.query_row(query, [table], |row| row.get(0))?;
    drop(connection);
    let bytes = fs::read(directory.join(FILE))?;
    // A tree is an interior page (5) with the numbers of its children, down to leaves (13).
    let mut left = vec![usize::try_from(root)?];
    while let Some(page) = left.pop() {
        let bytes = &bytes[(page - 1) * PAGE..page * PAGE];
        let number = |at: usize| bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        match (bytes[0], kind) {
            (5, _) => {
                let cells = usize::from(bytes[3]) << 8 | usize::from(bytes[4]);
                let children = (0..cells)
                    .map(|cell| number(usize::from(bytes[12 + 2 * cell]) << 8 | usize::from(bytes[13 + 2 * cell])));
                left.extend(children.chain([number(8)]));
                if kind == "root" {
                    return Ok(vec![page]);
                }
            }
            _ => pages.push(page),
        }
    }
    pages.sort_unstable();
    Ok(pages)
}

fn spoil_page(directory: &Path, page: usize) -> Result {
    let mut bytes = fs::read(directory.join(FILE))?;
    bytes[(page - 1) * PAGE] ^= 0x5a;
    Ok(fs::write(directory.join(FILE), bytes)?)
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(directory)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.contains("damaged")).collect())
}

/// Everything goes on from the end of the file; values that are told are those that were sampled.
fn check_goes_on(directory: &Path, at: &str) -> Result<usize> {
    let opened = open(Some(directory), Retention::default())?;
    // As the sampler goes on: the end may be told as another one than it was.
    let era = opened.recent.last.map_or(0, |LastSeen { id, .. }| id.era + u32::from(id.t.0 >= BEGIN + 8_000_000));
    let record_on = |history: &History, seconds: std::ops::Range<i64>| {
        seconds.for_each(|second| history.record(&observation(era, BEGIN + second * 1_000)));
    };
    let history = History::start(opened, catalog(), Arc::default())?;
    record_on(&history, 8_000..8_010);
    assert!(history.flush(PATIENCE), "{at}: {:?}", history.trouble());
    check_told(&history, at)?;
    // The next hour packs, and forgets, what there is.
    record_on(&history, 11_000..11_010);
    assert!(history.flush(PATIENCE), "{at}: {:?}", history.trouble());
    let told = check_told(&history, at)?;
    let newest = ticks(&history, "cpu", BEGIN + 11_000_000, BEGIN + 11_009_000)?;
    assert_eq!(newest, seconds(11_000..11_010), "{at}");
    history.close();
    Ok(told)
}

/// How many ticks are told.
fn check_told(history: &History, at: &str) -> Result<usize> {
    for detail in [Detail::Points(100), Detail::Points(3), Detail::Ticks] {
        let question = Question { families: Wanted::All, from: UnixMs(0), to: UnixMs(BEGIN + DAY_MS), detail };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let answer = runtime.block_on(history.ask(question)).map_err(|why| format!("{at}: {why:?}"))?;
        let heaviest = history.culprits(UnixMs(BEGIN + 90_000), Duration::ZERO);
        runtime.block_on(heaviest).map_err(|why| format!("{at}: {why:?}"))?;
        let known = catalog();
        for course in answer.courses.iter().filter(|course| known.family(&course.family.id) == Some(&course.family)) {
            for dimension in 0..course.family.dimensions.len() {
                for (t, [low, mean, high]) in course.body.t().iter().zip(course.body.values(dimension)) {
                    let is_right = course.is_folded() || low == value(*t, dimension) && low == high;
                    assert!(
                        is_right && (low <= mean && mean <= high || mean.is_nan()),
                        "{at}: {} {t}",
                        course.family.id
                    );
                }
            }
        }
        if detail == Detail::Ticks {
            return Ok(answer.courses.iter().map(|course| course.body.t().len()).sum());
        }
    }
    Ok(0)
}

#[test]
fn a_page_costs_what_stands_on_it() -> Result {
    let original = Folder::new()?;
    make(&original.path)?;
    // Nothing is found of a tree without its root; that may be in the way of another table, too.
    let whole = (3_600 + 3_900 + 10 + 10) * 11 / 10;
    for (table, kind, least) in [
        ("hot", "leaf", whole - 400),
        ("hot", "root", 20),
        ("extent", "leaf", whole - 8_000),
        ("extent", "root", 20),
        ("gap", "leaf", whole),
        ("culprit", "leaf", whole),
        ("catalog", "leaf", whole),
        ("era", "leaf", 20),
        ("shape", "leaf", 20),
    ] {
        let folder = Folder::new()?;
        fs::copy(original.path.join(FILE), folder.path.join(FILE))?;
        let pages = pages(&folder.path, table, kind)?;
        let page = pages[pages.len() / 2];
        spoil_page(&folder.path, page)?;
        let at = format!("{kind} {page} of {table}");
        let told = check_goes_on(&folder.path, &at)?;
        assert!(told >= least, "{at}: {told} of {whole} are told");
        let is_set_aside = !names(&folder.path)?.is_empty();
        assert!(!is_set_aside || least == 20, "{at}: what can go on is not set aside");
    }
    Ok(())
}

#[test]
fn damage_while_it_is_open_stops_neither_answers_nor_storing() -> Result {
    let original = Folder::new()?;
    make(&original.path)?;
    for (table, kind) in
        [("hot", "root"), ("hot", "leaf"), ("era", "leaf"), ("gap", "leaf"), ("catalog", "leaf"), ("extent", "root")]
    {
        let folder = Folder::new()?;
        fs::copy(original.path.join(FILE), folder.path.join(FILE))?;
        let page = *pages(&folder.path, table, kind)?.last().ok_or("it has pages")?;
        let history = start(Some(&folder.path))?;
        spoil_page(&folder.path, page)?;
        let at = format!("{kind} {page} of {table}");
        history.record(&Observation::Gap(Gap {
            from: Some(UnixMs(BEGIN + 7_900_000)),
            to: Some(UnixMs(BEGIN + 7_999_000)),
            reason: GapReason::NotRunning,
        }));
        record(&history, 8_000..8_010);
        assert!(history.flush(PATIENCE), "{at}: {:?}", history.trouble());
        record(&history, 11_000..11_010);
        assert!(history.flush(PATIENCE), "{at}: {:?}", history.trouble());
        check_told(&history, &at)?;
        let newest = ticks(&history, "cpu", BEGIN + 11_000_000, BEGIN + 11_009_000)?;
        assert_eq!(newest, seconds(11_000..11_010), "{at}");
    }
    Ok(())
}

/// How many extents can be read, from the last one on.
fn extents(directory: &Path) -> Result<usize> {
    let connection = Database::read(directory)?.connection;
    let mut query = connection.prepare("SELECT place FROM extent ORDER BY place DESC")?;
    let places = query.query_map([], |row| row.get::<_, i64>(0))?;
    Ok(places.take_while(std::result::Result::is_ok).count())
}

#[test]
fn what_is_too_old_or_too_much_goes_although_some_of_it_is_damaged() -> Result {
    let hour = Duration::from_hours(1);
    let usual = Retention { settled_after: Duration::ZERO, ..Retention::default() };
    for (retention, second) in [
        (Retention { ticks: hour, minutes: hour, hours: hour, ..usual.clone() }, 40 * 86_400),
        (Retention { max_bytes: 1, ..usual }, 2 * 86_400),
    ] {
        let folder = Folder::new()?;
        make(&folder.path)?;
        let leaves = pages(&folder.path, "extent", "leaf")?;
        spoil_page(&folder.path, leaves[0])?;
        let before = extents(&folder.path)?;
        let history = start_with(Some(&folder.path), catalog(), retention)?;
        record(&history, second..second + 10);
        assert!(history.flush(PATIENCE), "{:?}", history.trouble());
        let after = extents(&folder.path)?;
        assert!(before > 0 && after < before, "{after} of {before} are left");
    }
    Ok(())
}

#[test]
fn columns_that_hold_something_else_are_damage() -> Result {
    let original = Folder::new()?;
    make(&original.path)?;
    for query in [
        "UPDATE hot SET last = 'x'",
        "UPDATE hot SET block = 5",
        "UPDATE extent SET last = 'x'",
        "UPDATE extent SET era = x'00'",
        "UPDATE extent SET body = 7.5",
        "UPDATE gap SET first = 'x', last = x'01', era = 'y', reason = 4",
        "UPDATE gap SET last = 9223372036854775807",
        "UPDATE era SET last = 'x'",
        "UPDATE era SET first = 9223372036854775807",
        "UPDATE era SET is_ended = 'x'",
        "UPDATE era SET era = 77777777777",
        "UPDATE catalog SET shapes = 'x'",
        "UPDATE shape SET family = 5",
        "UPDATE culprit SET last = 'x', tables = 'y'",
    ] {
        let folder = Folder::new()?;
        fs::copy(original.path.join(FILE), folder.path.join(FILE))?;
        spoil(&folder.path, query)?;
        check_goes_on(&folder.path, query)?;
    }
    Ok(())
}

#[test]
fn bytes_that_are_flipped_anywhere_stop_nothing() -> Result {
    let original = Folder::new()?;
    make(&original.path)?;
    let bytes = fs::read(original.path.join(FILE))?;
    let seeds = std::env::var("DAMAGE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    for seed in 1..=seeds {
        let folder = Folder::new()?;
        let mut random = u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15);
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % below as u64).unwrap_or_default()
        };
        let mut spoilt = bytes.clone();
        for _ in 0..=next(12) {
            // Beyond the head of the file, which says whose it is: half of them where pages begin.
            let at = PAGE
                + if next(2) == 0 { next(bytes.len() / PAGE - 1) * PAGE + next(16) } else { next(bytes.len() - PAGE) };
            spoilt[at] ^= 1 << next(8);
        }
        fs::write(folder.path.join(FILE), spoilt)?;
        check_goes_on(&folder.path, &format!("seed {seed}"))?;
    }
    Ok(())
}

//! Integer relative SVG paths, as short as they get: a pen that draws a line and what is under it.

/// What is drawn of one series: `d` of its line, and of the area under it (empty where there is none).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stroke {
    pub line: String,
    pub area: String,
}

/// Writes runs of points, left to right. Points left of the box only say where the line enters it;
/// everything else is kept inside. Points on one straight line become one step.
#[derive(Debug)]
pub struct Pen {
    width: i32,
    height: i32,
    fills: bool,
    /// ASCII only.
    line: Vec<u8>,
    area: Vec<u8>,
    /// The newest point left of the box.
    before: Option<Point>,
    run: Option<Run>,
}

type Point = (i32, i32);

/// Long enough for most lines, in bytes.
const USUAL_LENGTH: usize = 1_024;

/// The part of the path since the pen was last lifted.
#[derive(Debug)]
struct Run {
    /// Where its text begins.
    text: usize,
    start_x: i32,
    at: Point,
    /// The step that is not written yet, because the next one may prolong it.
    step: Point,
    has_moved: bool,
    /// Whether the newest command written is `l`, so that another pair may follow without it.
    in_lines: bool,
}

impl Pen {
    pub fn new(width: i32, height: i32, fills: bool) -> Self {
        Self { width, height, fills, line: Vec::with_capacity(USUAL_LENGTH), area: Vec::new(), before: None, run: None }
    }

    /// Draws to a point, or begins a run there.
    pub fn to(&mut self, x: i32, y: i32) {
        let y = y.clamp(0, self.height);
        if x < 0 && self.run.is_none() {
            self.before = Some((x, y));
            return;
        }
        let point = (x.clamp(0, self.width), y);
        if self.run.is_none() {
            let start = match self.before.take() {
                Some(before) if point.0 > 0 => (0, height_at_zero(before, point)),
                _ => point,
            };
            self.begin(start);
        }
        if let Some(run) = &mut self.run {
            run.step_to(point, &mut self.line);
        }
    }

    /// Ends the run. One that never moved leaves nothing.
    pub fn lift(&mut self) {
        self.before = None;
        let Some(mut run) = self.run.take() else { return };
        run.write_step(&mut self.line);
        if !run.has_moved {
            self.line.truncate(run.text);
        } else if self.fills {
            self.area.extend_from_slice(&self.line[run.text..]);
            push_command(&mut self.area, b'V', self.height);
            push_command(&mut self.area, b'H', run.start_x);
            self.area.push(b'z');
        }
    }

    pub fn finish(mut self) -> Stroke {
        self.lift();
        Stroke { line: text(self.line), area: text(self.area) }
    }

    fn begin(&mut self, at: Point) {
        let text = self.line.len();
        push_command(&mut self.line, b'M', at.0);
        push_next(&mut self.line, at.1);
        self.run = Some(Run { text, start_x: at.0, at, step: (0, 0), has_moved: false, in_lines: false });
    }
}

impl Run {
    fn step_to(&mut self, to: Point, line: &mut Vec<u8>) {
        let step = (to.0 - self.at.0, to.1 - self.at.1);
        self.at = to;
        if prolongs(self.step, step) {
            self.step = (self.step.0 + step.0, self.step.1 + step.1);
        } else if step != (0, 0) {
            self.write_step(line);
            self.step = step;
        }
    }

    fn write_step(&mut self, line: &mut Vec<u8>) {
        let (dx, dy) = std::mem::take(&mut self.step);
        match (dx, dy) {
            (0, 0) => return,
            (_, 0) => push_command(line, b'h', dx),
            (0, _) => push_command(line, b'v', dy),
            _ => {
                if !self.in_lines {
                    push_command(line, b'l', dx);
                } else {
                    push_next(line, dx);
                }
                push_next(line, dy);
            }
        }
        self.in_lines = dx != 0 && dy != 0;
        self.has_moved = true;
    }
}

/// Rectangles over the whole height, one a stretch from left to right: what is to be hatched.
pub fn bands(stretches: impl Iterator<Item = (i32, i32)>, height: i32) -> String {
    let mut path = Vec::new();
    for (from, to) in stretches {
        push_command(&mut path, b'M', from);
        push_next(&mut path, 0);
        push_command(&mut path, b'h', to - from);
        push_command(&mut path, b'v', height);
        push_command(&mut path, b'H', from);
        path.push(b'z');
    }
    text(path)
}

/// Strokes along the rows of a grid, wherever a cell is set: a unit a row downwards; `begins` says where each column
/// begins, and where the last ends.
pub fn level(rows: impl Iterator<Item = Vec<bool>>, begins: &[i32]) -> String {
    let mut path = Vec::new();
    for (y, row) in rows.enumerate() {
        let mut column = 0;
        while let Some(start) = row[column..].iter().position(|&cell| cell).map(|ahead| column + ahead) {
            column = row[start..].iter().position(|&cell| !cell).map_or(row.len(), |ahead| start + ahead);
            push_command(&mut path, b'M', begins[start]);
            push_next(&mut path, y as i32);
            push_command(&mut path, b'h', begins[column] - begins[start]);
        }
    }
    text(path)
}

/// Whether a step goes on in the very direction of the one before. Steps are no longer than the box.
fn prolongs((ax, ay): Point, (bx, by): Point) -> bool {
    ax * by == bx * ay && (ax * bx > 0 || ay * by > 0)
}

/// Where the line from a point left of the box to one inside it enters.
fn height_at_zero((before_x, before_y): Point, (x, y): Point) -> i32 {
    let (left, right) = (-i64::from(before_x), i64::from(x));
    let sum = i64::from(before_y) * right + i64::from(y) * left;
    ((sum + (left + right) / 2) / (left + right)) as i32
}

fn text(ascii: Vec<u8>) -> String {
    String::from_utf8(ascii).unwrap_or_default()
}

fn push_command(path: &mut Vec<u8>, command: u8, number: i32) {
    path.push(command);
    push_integer(path, number);
}

/// A number after a number: a minus sign parts them, too.
fn push_next(path: &mut Vec<u8>, number: i32) {
    if number >= 0 {
        path.push(b' ');
    }
    push_integer(path, number);
}

fn push_integer(path: &mut Vec<u8>, number: i32) {
    if number < 0 {
        path.push(b'-');
    }
    let number = number.unsigned_abs();
    if number >= 10 {
        push_digits_before(path, number / 10);
    }
    path.push(b'0' + (number % 10) as u8);
}

fn push_digits_before(path: &mut Vec<u8>, number: u32) {
    if number >= 10 {
        push_digits_before(path, number / 10);
    }
    path.push(b'0' + (number % 10) as u8);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a path of ours back, one list of points a run. `None` for anything we never write.
    pub(crate) fn read(path: &str) -> Option<Vec<Vec<(i64, i64)>>> {
        let mut runs: Vec<Vec<(i64, i64)>> = Vec::new();
        let mut rest = path;
        while let Some(command) = rest.chars().next() {
            let body = &rest[command.len_utf8()..];
            let end = body.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(body.len());
            let spaced = body[..end].replace('-', " -");
            let numbers: Vec<i64> =
                spaced.split_ascii_whitespace().map(|number| number.parse().ok()).collect::<Option<_>>()?;
            let (x, y) = runs.last().and_then(|run| run.last()).copied().unwrap_or((0, 0));
            match (command, numbers.as_slice()) {
                ('M', &[x, y]) => runs.push(vec![(x, y)]),
                ('h', &[dx]) => runs.last_mut()?.push((x + dx, y)),
                ('v', &[dy]) => runs.last_mut()?.push((x, y + dy)),
                ('H', &[x]) => runs.last_mut()?.push((x, y)),
                ('V', &[y]) => runs.last_mut()?.push((x, y)),
                ('z', &[]) => {
                    let start = *runs.last()?.first()?;
                    runs.last_mut()?.push(start);
                }
                ('l', pairs) if !pairs.is_empty() && pairs.len() % 2 == 0 => {
                    let mut at = (x, y);
                    for pair in pairs.chunks(2) {
                        at = (at.0 + pair[0], at.1 + pair[1]);
                        runs.last_mut()?.push(at);
                    }
                }
                _ => return None,
            }
            rest = &body[end..];
        }
        Some(runs)
    }

    /// Whether a path is made of our characters only and stays in its box.
    pub(crate) fn is_sound(path: &str, width: i64, height: i64) -> bool {
        path.bytes().all(|byte| b"MlhvHVz-0123456789 ".contains(&byte))
            && read(path).is_some_and(|runs| {
                runs.iter().flatten().all(|&(x, y)| (0..=width).contains(&x) && (0..=height).contains(&y))
            })
    }

    fn draw(runs: &[&[Point]], fills: bool) -> Stroke {
        let mut pen = Pen::new(1200, 240, fills);
        for run in runs {
            run.iter().for_each(|&(x, y)| pen.to(x, y));
            pen.lift();
        }
        pen.finish()
    }

    #[test]
    fn paths_are_short() {
        for (runs, line) in [
            (&[][..], ""),
            (&[&[(5, 5)][..]][..], ""),
            (&[&[(0, 240), (4, 237), (8, 237), (12, 237), (16, 240)][..]][..], "M0 240l4-3h8l4 3"),
            (&[&[(0, 10), (4, 12), (8, 9), (12, 20)][..]][..], "M0 10l4 2 4-3 4 11"),
            (&[&[(0, 0), (10, 10), (20, 20), (30, 30)][..]][..], "M0 0l30 30"),
            (&[&[(0, 0), (10, 0)][..], &[(20, 7)][..], &[(30, 9), (40, 9)][..]][..], "M0 0h10M30 9h10"),
            (&[&[(-10, 0), (10, 100), (20, 0)][..]][..], "M0 50l10 50 10-100"),
            (&[&[(-10, 0), (0, 100), (20, 100)][..]][..], "M0 100h20"),
            (&[&[(1190, -5), (1300, 999)][..]][..], "M1190 0l10 240"),
            (&[&[(5, 5), (5, 90)][..]][..], "M5 5v85"),
        ] {
            assert_eq!(draw(runs, false), Stroke { line: line.to_owned(), area: String::new() });
        }
    }

    #[test]
    fn each_run_is_filled_to_the_ground() {
        let stroke = draw(&[&[(0, 10), (10, 10)], &[(30, 7), (40, 9)]], true);
        assert_eq!(stroke.area, "M0 10h10V240H0zM30 7l10 2V240H30z");
        assert_eq!(bands([(12, 40), (1196, 1200)].into_iter(), 240), "M12 0h28v240H12zM1196 0h4v240H1196z");
    }

    proptest! {
        #[test]
        fn a_path_goes_through_every_point(
            heights in prop::collection::vec((1_i32..30, 0_i32..=240), 2..40),
        ) {
            let mut x = 0;
            let points: Vec<Point> = heights.iter().map(|&(dx, y)| { x += dx; (x, y) }).collect();
            let stroke = draw(&[&points], true);
            prop_assert!(is_sound(&stroke.line, 1200, 240) && is_sound(&stroke.area, 1200, 240));
            let runs = read(&stroke.line).unwrap_or_default();
            prop_assert_eq!(runs.len(), 1);
            let run = &runs[0];
            prop_assert_eq!(run.first().map(|p| p.0), points.first().map(|p| i64::from(p.0)));
            prop_assert_eq!(run.last().map(|p| p.0), points.last().map(|p| i64::from(p.0)));
            for &(x, y) in &points {
                let (x, y) = (i64::from(x), i64::from(y));
                let on = run.windows(2).any(|pair| {
                    let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
                    ax <= x && x <= bx && (y - ay) * (bx - ax) == (by - ay) * (x - ax)
                });
                prop_assert!(on, "({}, {}) is not on {}", x, y, stroke.line);
            }
        }

        #[test]
        fn nothing_leaves_the_box(points in prop::collection::vec((-5000_i32..5000, any::<i32>()), 0..40)) {
            let stroke = draw(&[&points], true);
            prop_assert!(is_sound(&stroke.line, 1200, 240), "{}", stroke.line);
            prop_assert!(is_sound(&stroke.area, 1200, 240), "{}", stroke.area);
        }
    }
}

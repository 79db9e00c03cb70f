//! `fs.<mount>.space` and `.inodes`: how full the mounted file systems are.

use super::Roots;
use super::file::KernelFile;
use super::mounts::{self, Mount};
use crate::model::Interval;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::filling::Filling;
use crate::server::sampler::probe::{Probe, RemoteProbe, Space};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long remote file systems may take; all are asked at once.
pub const PATIENCE: Duration = Duration::from_millis(80);

pub struct Spaces {
    file: KernelFile,
    probe: Arc<dyn Probe>,
    remote: RemoteProbe,
    interval: Interval,
    cap: DeviceCap,
    patience: Duration,
    /// By mount point: what has been shown of it.
    known: HashMap<Vec<u8>, Filling>,
}

impl Spaces {
    pub fn new(roots: &Roots, interval: Interval, cap: DeviceCap, probe: impl Probe, patience: Duration) -> Self {
        let probe: Arc<dyn Probe> = Arc::new(probe);
        Self {
            file: KernelFile::new(roots.proc("self/mountinfo")),
            remote: RemoteProbe::new(Arc::clone(&probe)),
            probe,
            interval,
            cap,
            patience,
            known: HashMap::new(),
        }
    }

    fn mounts(&mut self, clock: &dyn Clock) -> io::Result<Vec<Mount>> {
        let probe = &self.probe;
        let is_place = |mount: &Mount| mount.remote || !mount.bind || probe.is_directory(path(&mount.point));
        Ok(mounts::shown(self.file.read(clock)?.bytes, is_place))
    }

    /// The readings of one mount; one that has never answered is not known to be anything yet.
    fn read(&mut self, mount: &Mount, answer: Option<io::Result<Space>>) -> Vec<Reading> {
        let space = answer.and_then(Result::ok);
        let mut known = match (self.known.remove(&mount.point), &space) {
            // A file system of no size stores nothing.
            (_, Some(space)) if space.total == 0 => return Vec::new(),
            (Some(known), _) => known,
            (None, Some(_)) => Filling::new(&mount.point, self.interval),
            (None, None) => return Vec::new(),
        };
        let readings = known.readings(space.as_ref());
        self.known.insert(mount.point.clone(), known);
        readings
    }
}

impl Collector for Spaces {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let mut mounts = self.mounts(clock)?;
        self.cap.apply(&mut mounts);
        let remote = mounts.iter().filter(|mount| mount.remote).map(|mount| mount.point.as_slice());
        let mut answers = self.remote.ask(remote, self.patience);
        let mut readings = Vec::with_capacity(mounts.len() * 2);
        for mount in &mounts {
            let answer =
                if mount.remote { answers.remove(&mount.point) } else { Some(self.probe.space(path(&mount.point))) };
            readings.extend(self.read(mount, answer));
        }
        self.known.retain(|point, _| mounts.iter().any(|mount| mount.point == *point));
        Ok(readings)
    }
}

fn path(point: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceKind;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};
    use std::time::Instant;

    /// Whoever answers at all answers sooner, however busy the machine is.
    const GENEROUS: Duration = Duration::from_secs(20);

    /// Answers by the name of the mount point; whoever asks `/hangs` waits for the gate.
    struct FakeProbe {
        gate: Mutex<Receiver<()>>,
        asked: Mutex<Vec<String>>,
    }

    impl Probe for Arc<FakeProbe> {
        fn space(&self, point: &Path) -> io::Result<Space> {
            let name = point.to_string_lossy().into_owned();
            if let Ok(mut asked) = self.asked.lock() {
                asked.push(name.clone());
            }
            match name.as_str() {
                "/hangs" => {
                    let _ = self.gate.lock().map(|gate| gate.recv());
                }
                "/fails" => return Err(io::ErrorKind::PermissionDenied.into()),
                "/empty" => return Ok(Space::default()),
                _ => {}
            }
            let inodes = if name == "/vfat" { 0 } else { 50 };
            Ok(Space { total: 1_000, free: 300, available: 250, inodes, inodes_free: inodes / 2 })
        }

        fn is_directory(&self, point: &Path) -> bool {
            !point.ends_with("hosts")
        }
    }

    fn spaces(fixture: &Fixture, gate: Receiver<()>) -> (Spaces, Arc<FakeProbe>) {
        let probe = Arc::new(FakeProbe { gate: Mutex::new(gate), asked: Mutex::default() });
        let cap = DeviceCap::roomy(DeviceKind::FileSystem);
        (Spaces::new(&fixture.roots(), Interval::SECOND, cap, Arc::clone(&probe), GENEROUS), probe)
    }

    #[test]
    fn space_adds_up_and_what_has_none_is_left_out() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let (_gate, gated) = mpsc::channel();
        let (mut collector, _) = spaces(&fixture, gated);
        let table = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 0 8:2 / /vfat rw - vfat /dev/sda2 rw\n\
            3 0 8:3 / /empty rw - ext4 d rw\n4 0 8:4 / /fails rw - ext4 d rw\n5 0 8:5 /h /etc/hosts rw - ext4 d rw\n";
        fixture.write("proc/self/mountinfo", table.as_bytes())?;
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(ids(&readings), ["fs./.space", "fs./.inodes", "fs./vfat.space"]);
        assert_eq!(values(&readings, "fs./.space"), Some(&[Some(700.0), Some(50.0), Some(250.0)][..]));
        assert_eq!(values(&readings, "fs./.inodes"), Some(&[Some(25.0), Some(25.0)][..]));
        fixture.write("proc/self/mountinfo", b"2 0 8:2 / /vfat rw - vfat /dev/sda2 rw\n")?;
        assert_eq!(ids(&fixture.collect(&mut collector)?), ["fs./vfat.space"], "unmounted");
        Ok(())
    }

    #[test]
    fn a_network_mount_that_hangs_keeps_one_thread_and_nothing_else() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let (gate, gated) = mpsc::channel();
        let (mut collector, probe) = spaces(&fixture, gated);
        let hangs = "1 0 0:1 / /hangs rw - nfs4 server:/x rw\n";
        let both = format!("{hangs}2 0 0:2 / /well rw - nfs4 server:/y rw\n");
        let asked = || probe.asked.lock().map_or(0, |asked| asked.iter().filter(|point| *point == "/hangs").count());
        fixture.write("proc/self/mountinfo", both.as_bytes())?;
        gate.send(())?;
        assert_eq!(fixture.collect(&mut collector)?.len(), 4, "both answer");

        // From here on it hangs; alone at first, so that nothing else can be missed by so little patience.
        fixture.write("proc/self/mountinfo", hangs.as_bytes())?;
        collector.patience = Duration::from_millis(1);
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(values(&readings, "fs./hangs.space"), Some(&[None; 3][..]), "known, without a value");
        let deadline = Instant::now() + GENEROUS;
        while asked() < 2 && Instant::now() < deadline {
            std::thread::yield_now();
        }

        fixture.write("proc/self/mountinfo", both.as_bytes())?;
        collector.patience = GENEROUS;
        let began = Instant::now();
        for _ in 0..3 {
            let readings = fixture.collect(&mut collector)?;
            assert_eq!(values(&readings, "fs./hangs.space"), Some(&[None; 3][..]), "known, without a value");
            assert_eq!(values(&readings, "fs./well.space").map(<[_]>::len), Some(3));
            assert!(values(&readings, "fs./well.space").is_some_and(|values| values[0].is_some()));
        }
        assert!(began.elapsed() < GENEROUS, "nobody waits for the one that hangs");
        assert_eq!(asked(), 2, "while it hangs it is not asked again");
        Ok(())
    }
}

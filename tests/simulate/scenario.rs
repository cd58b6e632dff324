//! Cartridges that are simulated, and how they are written, read and segmented.

use std::path::Path;

use herscope::compute::CpuEngine;
use herscope::imaging::{
    Camera, Chamber, FrameGrid, Her2Cutoffs, Illumination, Population, StorageDepth,
};
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::io::output_folder::OutputFolder;
use herscope::io::tiff_writer::FrameCompression;
use herscope::pipeline::segment::{Her2Rule, SampleSegmentation, SegmentSettings, run_segment};
use herscope::pipeline::segment_output::NoPictures;
use herscope::pipeline::simulate_cartridge::{CartridgeSettings, CellSource, simulate_cartridge};

/// Cut-offs between the HER2 classes at brightness 1: near the geometric middles of the drawn
/// medians 10, 80 and 300.
pub(crate) const HER2_CUTOFFS: (f64, f64) = (30.0, 160.0);

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) brightness: f64,
    pub(crate) crowding: f64,
    /// Factor of the standard deviations of the noise: reading 3, counting sqrt(light / 4).
    pub(crate) noise: f64,
    /// What else is different, if anything.
    pub(crate) special: Special,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Nothing,
    /// 16 bits a pixel instead of 8.
    SixteenBits,
    /// A chamber with an edge of 60 px in a larger scan, background level.
    Edge,
    /// The same with a background gradient of 5 %.
    EdgeAndGradient,
    /// Touching cells are split (`--split-touching`).
    Split,
}

impl Special {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::SixteenBits => "16 bits a pixel",
            Self::Edge => "edge, level background",
            Self::EdgeAndGradient => "edge, 5 % gradient",
            Self::Split => "`--split-touching`",
        }
    }
}

pub(crate) const USUAL: Scenario =
    Scenario { brightness: 1.0, crowding: 0.0, noise: 1.0, special: Special::Nothing };

/// All rows, in the order of the page.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut rows = Vec::new();
    for brightness in [0.4, 1.0, 2.5] {
        for crowding in [0.0, 0.5] {
            for noise in [1.0, 3.0] {
                rows.push(Scenario { brightness, crowding, noise, ..USUAL });
            }
        }
    }
    rows.push(Scenario { noise: 0.0, ..USUAL });
    rows.extend(
        [Special::SixteenBits, Special::Edge, Special::EdgeAndGradient]
            .map(|special| Scenario { special, ..USUAL }),
    );
    rows.extend([0.0, 0.5].map(|crowding| Scenario { crowding, special: Special::Split, ..USUAL }));
    rows
}

impl Scenario {
    /// 16 frames of 384 x 384 px with 160 tumour cells, 320 leukocytes and 60 specks.
    pub(crate) fn settings(&self) -> CartridgeSettings {
        let has_edge = matches!(self.special, Special::Edge | Special::EdgeAndGradient);
        CartridgeSettings {
            illumination: Illumination {
                grid: FrameGrid::serpentine(4, 4),
                frame_size: (384, 384),
                background: [100.0; 4],
                gradient: if self.special == Special::Edge { 0.0 } else { 0.05 },
                chamber: Chamber { edge_px: if has_edge { 60.0 } else { 0.0 }, outside: 0.3 },
                camera: Camera {
                    read_noise: 3.0 * self.noise,
                    shot_noise: 0.25 * self.noise * self.noise,
                },
                depth: match self.special {
                    Special::SixteenBits => StorageDepth::Sixteen,
                    _ => StorageDepth::Eight,
                },
                seed: 2_026,
            },
            source: CellSource::Drawn(Population {
                n_ctc: 160,
                n_leukocytes: 320,
                n_debris: 60,
                crowding: self.crowding,
                brightness: self.brightness,
                ..Population::default()
            }),
            assigned_share: 0.9,
            compression: FrameCompression::Lzw,
        }
    }

    /// Cut-offs as a laboratory with this exposure would have them.
    pub(crate) fn cutoffs(&self) -> Her2Cutoffs {
        let (med, high) = HER2_CUTOFFS;
        Her2Cutoffs::new(med * self.brightness, high * self.brightness).expect("in order")
    }
}

/// Writes a cartridge to `target`, whose name becomes the sample's.
pub(crate) fn write(settings: &CartridgeSettings, target: &Path) {
    let folder = OutputFolder::create(target, false).expect("a new folder");
    simulate_cartridge(settings, &folder, &|_, _| true).expect("simulated");
    folder.commit().expect("moved into place");
}

/// Opens a written cartridge as any other.
pub(crate) fn open(target: &Path) -> Archive {
    Archive::open(target, &ArchiveOptions::default()).expect("an archive")
}

/// Segments whole frames with the built-in gates for breast cancer.
pub(crate) fn segment(
    archive: &Archive,
    cutoffs: Her2Cutoffs,
    split_touching: bool,
) -> SampleSegmentation {
    let settings = SegmentSettings {
        her2: Her2Rule::Cutoffs(cutoffs),
        split_touching,
        ..SegmentSettings::default()
    };
    run_segment(archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("segmented")
}

//! What the flags of `segment` say about the files to read.

use super::args::SegmentArgs;
use crate::imaging::{Channel, FrameGrid, IntensityScale, ScanOrder};
use crate::io::archive::{ArchiveOptions, ChannelPattern, Compat};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// How archives are read.
pub(super) fn archive_options(args: &SegmentArgs) -> Result<ArchiveOptions, Error> {
    let channels: Vec<Channel> = args.channels.iter().map(|name| channel(name)).collect();
    if let Some(size) = args.pixel_size_um
        && !(size.is_finite() && size > 0.0)
    {
        return Err(Error::usage("reading --pixel-size-um")
            .found(size.to_string())
            .expected("micrometres above 0"));
    }
    Ok(ArchiveOptions {
        grid: args.grid.as_deref().map(grid).transpose()?,
        channels: (!channels.is_empty()).then_some(channels),
        channel_patterns: args
            .channel_pattern
            .iter()
            .map(|text| channel_pattern(text))
            .collect::<Result<_, _>>()?,
        pixel_size: args.pixel_size_um.map(MicronsPerPixel),
        scan_order: args.scan.as_deref().map(|scan| match scan {
            "raster" => ScanOrder::Raster,
            _ => ScanOrder::Serpentine,
        }),
        scale: match args.intensity_scale.as_str() {
            "full" => IntensityScale::FullScale,
            "stored" => IntensityScale::Stored,
            _ => IntensityScale::PageMaximum,
        },
        compat: if args.compat.is_some() { Compat::Accept } else { Compat::Repaired },
    })
}

/// A channel and the names of its files: `DAPI=*_DAPI.tif`.
fn channel_pattern(text: &str) -> Result<ChannelPattern, Error> {
    match text.split_once('=') {
        Some((name, pattern)) if !name.trim().is_empty() => {
            ChannelPattern::new(channel(name.trim()), pattern.trim())
        }
        _ => Err(Error::usage("reading --channel-pattern")
            .found(format!("{text:?}"))
            .expected("CHANNEL=PATTERN, such as DAPI=*_DAPI.tif")),
    }
}

/// The name of a scale, as `--intensity-scale` takes it.
pub(super) fn scale_name(scale: IntensityScale) -> &'static str {
    match scale {
        IntensityScale::PageMaximum => "accept",
        IntensityScale::FullScale => "full",
        IntensityScale::Stored => "stored",
    }
}

/// What a reader of the result must know when oddities of ACCEPT were asked for.
pub(super) fn compat_warning(args: &SegmentArgs) -> Option<Warning> {
    args.compat.as_ref().map(|_| {
        Warning::new(
            "compat_accept",
            "--compat accept: an unreadable page and those after it are zeros, missing stretch \
             limits are 0 and 1, a grid that nothing tells is guessed, pixels are 0.64 um",
        )
    })
}

fn channel(name: &str) -> Channel {
    match name.to_lowercase().as_str() {
        "dapi" => Channel::Dapi,
        "ck" => Channel::Cytokeratin,
        "cd45" => Channel::Cd45,
        "her2" => Channel::Her2,
        _ => Channel::Other(name.to_owned()),
    }
}

pub(super) fn grid(text: &str) -> Result<FrameGrid, Error> {
    let parts = text.split_once('x').and_then(|(rows, cols)| {
        Some(FrameGrid::serpentine(rows.parse().ok()?, cols.parse().ok()?))
    });
    parts.filter(|grid| grid.rows > 0 && grid.cols > 0).ok_or_else(|| {
        Error::usage("reading --grid")
            .found(format!("{text:?}"))
            .expected("ROWSxCOLS, such as 5x35")
    })
}
